"""Lowering of convolutions and pooling to operations of `assets/inference.js`."""

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from dae.html_demo.program import Program, UnsupportedError, Value

# An argument of a two-dimensional operation: one number for both axes, or two.
Numbers = Sequence[int]


def lower_conv(
    program: Program,
    target: Any,
    source: Value,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Numbers = (1,),
    padding: Numbers | str = (0,),
    dilation: Numbers = (1,),
    groups: int = 1,
) -> Value:
    """Append a convolution; raise UnsupportedError for groups, or padding by name."""
    require_constant(weight, bias)
    if groups != 1 or isinstance(padding, str):
        raise UnsupportedError(f"with groups={groups}, padding={padding!r}")
    kernel, stride, padding, dilation = weight.shape[2:], _pair(stride), _pair(padding), _pair(dilation)
    sides = [
        (source.shape[2 + axis] + 2 * padding[axis] - dilation[axis] * (kernel[axis] - 1) - 1) // stride[axis] + 1
        for axis in (0, 1)
    ]
    return program.add(
        "convolution",
        _operands(source, weight, bias),
        (1, len(weight), *sides),
        stride=stride,
        padding=padding,
        dilation=dilation,
        transposed=False,
    )


def lower_conv_transpose(
    program: Program,
    target: Any,
    source: Value,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Numbers = (1,),
    padding: Numbers = (0,),
    output_padding: Numbers = (0,),
    groups: int = 1,
    dilation: Numbers = (1,),
) -> Value:
    """Append a transposed convolution; raise UnsupportedError for groups."""
    require_constant(weight, bias)
    if groups != 1:
        raise UnsupportedError(f"with groups={groups}")
    channels, kernel = weight.shape[1], list(weight.shape[2:])
    stride, padding, dilation, extra = _pair(stride), _pair(padding), _pair(dilation), _pair(output_padding)
    sides = [
        (source.shape[2 + axis] - 1) * stride[axis]
        - 2 * padding[axis]
        + dilation[axis] * (kernel[axis] - 1)
        + extra[axis]
        + 1
        for axis in (0, 1)
    ]
    if source.shape[2:] == (1, 1) and sides == kernel and padding == [0, 0]:
        # A single pixel multiplies the whole kernel; a convolution would compute mostly with zeros.
        dense_bias = None if bias is None else bias.repeat_interleave(math.prod(kernel))
        operands = _operands(Value(source.index, (1, len(weight))), weight.flatten(1).t(), dense_bias)
        flat = program.add("linear", operands, (1, channels * math.prod(kernel)))
        return Value(flat.index, (1, channels, *kernel))
    return program.add(
        "convolution",
        _operands(source, weight, bias),
        (1, channels, *sides),
        stride=stride,
        padding=padding,
        dilation=dilation,
        transposed=True,
    )


def lower_max_pool(
    program: Program,
    target: Any,
    source: Value,
    kernel: Numbers,
    stride: Numbers = (),
    padding: Numbers = (0,),
    dilation: Numbers = (1,),
    ceil_mode: bool = False,
) -> Value:
    """Append max pooling; raise UnsupportedError for dilation or ceil_mode."""
    if ceil_mode or set(dilation) != {1}:
        raise UnsupportedError("with ceil_mode or dilation")
    kernel, padding, stride = _pair(kernel), _pair(padding), _pair(stride or kernel)
    sides = [(source.shape[2 + axis] + 2 * padding[axis] - kernel[axis]) // stride[axis] + 1 for axis in (0, 1)]
    shape = (*source.shape[:2], *sides)
    return program.add("maxPool", [source], shape, kernel=kernel, stride=stride, padding=padding)


def require_constant(*tensors: Tensor | Value | None) -> None:
    """Raise UnsupportedError if weights depend on the image."""
    if any(isinstance(tensor, Value) for tensor in tensors):
        raise UnsupportedError("with weights that depend on the image")


def _operands(source: Value, weight: Tensor, bias: Tensor | None) -> list[Value | Tensor]:
    return [source, weight] if bias is None else [source, weight, bias]


def _pair(numbers: Numbers) -> list[int]:
    return list(numbers) * 2 if len(numbers) == 1 else list(numbers)
