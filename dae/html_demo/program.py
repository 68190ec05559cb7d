"""A model as a list of operations, which `assets/inference.js` runs in a browser."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor


class UnsupportedError(Exception):
    """Raised by a lowering for parameters that `assets/inference.js` cannot compute; the message names them."""


@dataclass(frozen=True)
class Value:
    """A tensor that depends on the image: the input (index 0) or the output of an operation.

    Attributes:
        shape: including the batch dimension of size 1.
    """

    index: int
    shape: tuple[int, ...]


@dataclass
class Program:
    """Operations in order, and the constants that they read.

    Attributes:
        shape: of the input, (1, C, H, W).
        operations: JSON objects with the key `kind`, one of OPERATIONS in `assets/inference.js`, the keys `inputs`
            (indices of values, -1 - n for constant number n), `shapes` (of the inputs), `shape` (of the output) and
            parameters of the kind. Operation number n, from 0, computes the value n + 1.
        constants: float32 tensors, contiguous.
        output: index of the denoised image.
    """

    shape: tuple[int, ...]
    operations: list[dict[str, Any]] = field(default_factory=list)
    constants: list[Tensor] = field(default_factory=list)
    output: int = 0

    def add(self, kind: str, inputs: Sequence[Value | Tensor], shape: Sequence[int], **parameters: object) -> Value:
        """Append an operation and return its output."""
        operation = {
            "kind": kind,
            "inputs": [tensor.index if isinstance(tensor, Value) else self._add_constant(tensor) for tensor in inputs],
            "shapes": [list(tensor.shape) for tensor in inputs],
            "shape": list(shape),
        }
        self.operations.append(operation | parameters)
        return Value(len(self.operations), tuple(shape))

    def _add_constant(self, tensor: Tensor) -> int:
        self.constants.append(tensor.detach().float().contiguous())
        return -len(self.constants)
