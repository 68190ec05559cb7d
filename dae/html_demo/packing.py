"""Programs as JSON values, with their constants as base64 in half or single precision."""

import base64
import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from dae.html_demo.program import Program
from dae.models import Autoencoder

# Largest difference of a pixel in [0, 1] for which weights are stored in half precision.
HALF_TOLERANCE = 5e-4
# Smaller tensors, such as biases, stay in single precision: they hardly take any space.
_MIN_HALF_ELEMENTS = 256


@torch.no_grad()
def fits_half_precision(model: Autoencoder, noisy: Tensor) -> bool:
    """Return whether rounding the weights to half precision hardly changes the denoised images (B, C, H, W)."""
    rounded = copy.deepcopy(model)
    for weight in rounded.parameters():
        if weight.numel() >= _MIN_HALF_ELEMENTS:
            weight.copy_(weight.half().float())
    difference = (rounded(noisy).clamp(0, 1) - model(noisy).clamp(0, 1)).abs().max()
    # False for NaN, too.
    return bool(difference <= HALF_TOLERANCE)


def pack_program(program: Program, half: bool) -> dict[str, Any]:
    """Return the program as JSON values for `decodeConstants` and `compileProgram` of `assets/inference.js`.

    Args:
        half: whether to store large constants in half precision.
    """
    is_half = [half and constant.numel() >= _MIN_HALF_ELEMENTS for constant in program.constants]
    pairs = list(zip(program.constants, is_half, strict=True))
    return {
        "shape": list(program.shape),
        "operations": program.operations,
        "output": program.output,
        "constants": [{"size": constant.numel(), "isHalf": stored_half} for constant, stored_half in pairs],
        "half": _encode([constant for constant, stored_half in pairs if stored_half], "<f2"),
        "single": _encode([constant for constant, stored_half in pairs if not stored_half], "<f4"),
    }


def _encode(tensors: Sequence[Tensor], dtype: str) -> str:
    """Return the little-endian bytes of all tensors, one after the other, as base64."""
    return base64.b64encode(b"".join(tensor.numpy().astype(dtype).tobytes() for tensor in tensors)).decode()
