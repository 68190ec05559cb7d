"""Lowering of PyTorch operations to operations of `assets/inference.js`.

A lowering receives the program, the PyTorch operation and the arguments of the node. All movements of elements, such as
slicing and pixel shuffling, become the kind `gather`: they are applied to the indices of the elements.
"""

import base64
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from dae.html_demo.program import Program, UnsupportedError, Value
from dae.html_demo.windows import lower_conv, lower_conv_transpose, lower_max_pool, require_constant

Operand = Value | Tensor | float
# Returns the result of a node; several values for an operation such as chunk, none for an assertion.
Lowering = Callable[..., Value | list[Value]]

_MOVEMENTS = (
    "alias chunk clone contiguous detach detach_ dropout expand flatten flip movedim narrow permute pixel_shuffle "
    "pixel_unshuffle repeat reshape roll select slice split split_with_sizes squeeze t transpose unflatten unsqueeze "
    "unbind upsample_nearest2d view"
).split()
# Parameters of elementwise functions, with their defaults.
_UNARY: dict[str, tuple[float, ...]] = {
    "abs": (),
    "elu": (1.0,),
    "exp": (),
    "leaky_relu": (0.01,),
    "log": (),
    "neg": (),
    "pow": (2.0,),
    "relu": (),
    "sigmoid": (),
    "silu": (),
    "softplus": (1.0, 20.0),
    "sqrt": (),
    "tanh": (),
}


def _move(program: Program, target: Any, source: Value, *args: Any, **kwargs: Any) -> Value | list[Value]:
    """Apply a movement of elements to the indices 0, 1, ... of the source."""
    moved = target(_indices(source), *args, **kwargs)
    if isinstance(moved, Tensor):
        return _gather(program, source, moved)
    return [_gather(program, source, part) for part in moved]


def _indices(source: Value) -> Tensor:
    # Some movements accept floating point numbers only. float64 is exact for indices.
    return torch.arange(math.prod(source.shape), dtype=torch.float64).view(source.shape)


def _gather(program: Program, source: Value, indices: Tensor, fill: float = 0) -> Value:
    """Return the elements at `indices`; -1 stands for the fill value."""
    shape, flat = tuple(indices.shape), indices.flatten().to(torch.int32)
    if torch.equal(flat, torch.arange(math.prod(source.shape), dtype=torch.int32)):
        return Value(source.index, shape)
    encoded = base64.b64encode(flat.numpy().astype("<i4").tobytes()).decode()
    return program.add("gather", [source], shape, index=encoded, fill=fill)


def _pad(
    program: Program, target: Any, source: Value, pad: list[int], mode: str = "constant", value: float | None = None
) -> Value | list[Value]:
    if mode != "constant":
        return _move(program, target, source, pad, mode)
    return _gather(program, source, torch.constant_pad_nd(_indices(source), pad, -1), value or 0)


def _cast(program: Program, target: Any, source: Value, *args: Any, **kwargs: Any) -> Value:
    types = {argument for argument in (*args, *kwargs.values()) if isinstance(argument, torch.dtype)}
    if types - {torch.float32}:
        raise UnsupportedError("to another type than float32")
    return source


def _linear(program: Program, target: Any, source: Value, weight: Tensor, bias: Tensor | None = None) -> Value:
    require_constant(weight, bias)
    inputs: list[Value | Tensor] = [source, weight] if bias is None else [source, weight, bias]
    return program.add("linear", inputs, (*source.shape[:-1], len(weight)))


def _batch_norm(
    program: Program,
    target: Any,
    source: Value,
    weight: Tensor | None,
    bias: Tensor | None,
    mean: Tensor | None,
    variance: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
    *_: Any,
) -> Value:
    if training or mean is None or variance is None:
        raise UnsupportedError("without running statistics")
    scale = (variance + eps).rsqrt() * (1 if weight is None else weight)
    shift = (0 if bias is None else bias) - mean * scale
    per_channel = (-1, *[1] * (len(source.shape) - 2))
    scaled = _binary("mul", program, target, source, scale.view(per_channel))
    return _binary("add", program, target, scaled, shift.view(per_channel))


def _unary(name: str, program: Program, target: Any, source: Value, *args: Any) -> Value:
    parameters = [*args, *_UNARY[name][len(args) :]]
    if len(args) > len(_UNARY[name]) or not all(isinstance(parameter, (int, float)) for parameter in parameters):
        raise UnsupportedError("with these parameters")
    return program.add("unary", [source], source.shape, name=name, parameters=parameters)


def _clamp(program: Program, target: Any, source: Value, min: Any = None, max: Any = None) -> Value:
    if isinstance(min, (Tensor, Value)) or isinstance(max, (Tensor, Value)):
        raise UnsupportedError("with a tensor as limit")
    # JSON has no infinity.
    limits = [-3e38 if min is None else min, 3e38 if max is None else max]
    return program.add("unary", [source], source.shape, name="clamp", parameters=limits)


def _binary(name: str, program: Program, target: Any, first: Operand, second: Operand, **kwargs: Any) -> Value:
    if any(value != 1 for value in kwargs.values()):
        raise UnsupportedError(f"with {', '.join(f'{key}={value}' for key, value in kwargs.items())}")
    operands = [torch.tensor(float(x)) if isinstance(x, (int, float)) else x for x in (first, second)]
    shape = torch.broadcast_shapes(*(tuple(operand.shape) for operand in operands))
    return program.add("binary", operands, shape, name=name)


def _reverse_subtract(program: Program, target: Any, first: Operand, second: Operand, *args: Any) -> Value:
    return _binary("sub", program, target, second, first, **dict(zip(("alpha",), args, strict=False)))


def _add_product(program: Program, target: Any, base: Operand, first: Operand, second: Operand, **kwargs: Any) -> Value:
    return _binary("add", program, target, base, _binary("mul", program, target, first, second, **kwargs))


def _concat(program: Program, target: Any, tensors: list[Value | Tensor], dim: int = 0) -> Value:
    shape = list(tensors[0].shape)
    shape[dim] = sum(tensor.shape[dim] for tensor in tensors)
    return program.add("concat", tensors, shape, dim=dim % len(shape))


def _stack(program: Program, target: Any, tensors: list[Value | Tensor], dim: int = 0) -> Value:
    dim %= len(tensors[0].shape) + 1
    shapes = [(*tensor.shape[:dim], 1, *tensor.shape[dim:]) for tensor in tensors]
    views = [
        Value(tensor.index, shape) if isinstance(tensor, Value) else tensor.view(shape)
        for tensor, shape in zip(tensors, shapes, strict=True)
    ]
    return _concat(program, target, views, dim)


def _reduce(
    mean: bool,
    program: Program,
    target: Any,
    source: Value,
    dim: list[int] | None = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Value:
    axes = range(len(source.shape))
    reduced = sorted(axis % len(axes) for axis in dim or axes)
    others = [axis for axis in axes if axis not in reduced]
    last = _gather(program, source, _indices(source).permute(*others, *reduced))
    shape = [1 if axis in reduced else source.shape[axis] for axis in (axes if keepdim else others)]
    return program.add("reduce", [last], shape, mean=mean)


def _softmax(program: Program, target: Any, source: Value, dim: int, dtype: torch.dtype | None = None) -> Value:
    """Lower softmax to exp, sum and div; inputs above 88 overflow in single precision."""
    if dtype not in (None, torch.float32):
        raise UnsupportedError("to another type than float32")
    powers = _unary("exp", program, target, source)
    total = _reduce(False, program, target, powers, [dim], True)
    return _binary("div", program, target, powers, total)


def _check_nothing(program: Program, target: Any, *args: Any, **kwargs: Any) -> list[Value]:
    return []


LOWERINGS: dict[str, Lowering] = {
    **dict.fromkeys(_MOVEMENTS, _move),
    **{name: partial(_unary, name) for name in _UNARY},
    **{name: partial(_binary, name) for name in ("add", "div", "maximum", "minimum", "mul", "sub")},
    "_assert_tensor_metadata": _check_nothing,
    "addcmul": _add_product,
    "batch_norm": _batch_norm,
    "cat": _concat,
    "clamp": _clamp,
    "clamp_min": _clamp,
    "conv2d": lower_conv,
    "conv_transpose2d": lower_conv_transpose,
    "hardtanh": lambda program, target, source, low=-1, high=1: _clamp(program, target, source, low, high),
    "linear": _linear,
    "max_pool2d": lower_max_pool,
    "mean": partial(_reduce, True),
    "pad": _pad,
    "relu6": lambda program, target, source: _clamp(program, target, source, 0, 6),
    "rsub": _reverse_subtract,
    "stack": _stack,
    "softmax": _softmax,
    "square": lambda program, target, source: _unary("pow", program, target, source, 2.0),
    "sum": partial(_reduce, False),
    "to": _cast,
}
