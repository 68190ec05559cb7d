"""Turn the exported graph of a model into a `Program`.

The graph is that of `torch.export` for one image of a fixed shape. A node that does not depend on the image, such as a
mask made of constants, is computed here, so that the program contains only what a browser has to compute.
"""

from typing import Any

import torch
from torch import Tensor, fx, nn

from dae.errors import SpecError
from dae.html_demo.lowerings import LOWERINGS
from dae.html_demo.program import Program, UnsupportedError, Value
from dae.models import Autoencoder, Shape
from dae.utils.random import make_generator


class ClampedModel(nn.Module):
    """The model with its output clamped to [0, 1]."""

    def __init__(self, model: Autoencoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, noisy: Tensor) -> Tensor:
        """Return denoised images (B, C, H, W) in [0, 1]."""
        denoised: Tensor = self.model(noisy)
        return denoised.clamp(0, 1)


def build_program(model: Autoencoder, label: str, shape: Shape) -> Program:
    """Return the program that maps one noisy image of `shape` (C, H, W) to the denoised image in [0, 1].

    Args:
        label: name of the model in messages.

    Raises:
        SpecError: the model uses an operation that the HTML file does not support; the message names it.
    """
    example = torch.rand(1, *shape, generator=make_generator(0))
    exported = torch.export.export(ClampedModel(model).eval(), (example,))
    constants = _constants(exported)
    program = Program((1, *shape))
    results: dict[fx.Node, Any] = {}
    for node in exported.graph_module.graph.nodes:
        args, kwargs = fx.map_arg((node.args, node.kwargs), lambda used: results[used])
        if node.op == "placeholder":
            results[node] = constants.get(node.name, Value(0, program.shape))
        elif node.op == "call_function":
            results[node] = _lower(program, label, node, args, kwargs)
        elif node.op == "output":
            ((denoised,),) = args
            program.output = denoised.index
    return program


def _constants(exported: torch.export.ExportedProgram) -> dict[str, Tensor]:
    """Return weights, buffers and other constant tensors by the name of their placeholder."""
    signature = exported.graph_signature
    names = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    names |= signature.inputs_to_lifted_tensor_constants
    tensors = {**exported.constants, **exported.state_dict}
    return {placeholder: tensors[name].detach() for placeholder, name in names.items()}


def _lower(program: Program, label: str, node: fx.Node, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Append the operations of one node and return its result, or compute the result if it is constant."""
    target: Any = node.target
    name = _operation_name(target)
    if name == "getitem" or not _depends_on_image((args, kwargs)):
        return target(*args, **kwargs)
    reason = ""
    if name in LOWERINGS:
        try:
            return LOWERINGS[name](program, target, *args, **kwargs)
        except UnsupportedError as error:
            reason = f" {error}"
        except TypeError:
            # Parameters that the lowering does not have.
            reason = " with these parameters"
    raise SpecError(
        f"{label} cannot be exported to HTML: operation {name!r}{reason} is not supported. Export it as .onnx or .pt2."
    )


def _depends_on_image(arguments: Any) -> bool:
    if isinstance(arguments, dict):
        return _depends_on_image(tuple(arguments.values()))
    if isinstance(arguments, (list, tuple)):
        return any(_depends_on_image(argument) for argument in arguments)
    return isinstance(arguments, Value)


def _operation_name(target: Any) -> str:
    """Return the name of an operation without namespace and overload: "conv2d" for `aten.conv2d.default`."""
    schema = getattr(target, "_schema", None)
    return str(schema.name).rpartition("::")[2] if schema else str(target.__name__)
