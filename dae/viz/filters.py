"""The filters of a model's first layer as small images."""

from collections.abc import Sequence

from PIL import Image
from torch import Tensor, nn

from dae.models import Shape

# As many as preview images, so that both fit under one slider.
NUM_FILTERS = 8
_ZERO = 128


def first_layer_filters(model: nn.Module, shape: Shape) -> Tensor | None:
    """Return the first filters of the first layer as images: the weights of each of its outputs.

    A filter of a dense layer is as large as the image, one of a convolution as large as its kernel. Each is scaled by
    its largest absolute weight: gray is 0, white positive and black negative.

    Args:
        shape: of one image, (C, H, W).

    Returns:
        uint8 (N, C, h, w) with at most NUM_FILTERS; None if the first layer does not work on the pixels themselves.
    """
    weight = next((parameter for parameter in model.parameters() if parameter.ndim > 1), None)
    if weight is None:
        return None
    channels, height, width = shape
    filters = weight[:NUM_FILTERS].detach().float().cpu()
    if filters.shape[1:] == (channels * height * width,):
        filters = filters.view(-1, *shape)
    elif filters.ndim != 4 or filters.shape[1] != channels or filters[0, 0].numel() < 2:
        return None
    largest = filters.abs().amax((1, 2, 3), keepdim=True).clamp(min=1e-12)
    return (filters / largest * 127 + _ZERO).round().byte()


def stack_filters(strips: Sequence[Image.Image | None], size: tuple[int, int], columns: int) -> Image.Image:
    """Return strips of filters on top of each other, each filter enlarged without blur in a cell of its own.

    Args:
        strips: square filters side by side, or None for a gray row.
        size: width and height of a cell.
        columns: number of cells in a row; further filters are left out.
    """
    width, height = size
    mode = next((strip.mode for strip in strips if strip), "L")
    sheet = Image.new(mode, (width * columns, height * len(strips)), (_ZERO,) * len(mode) if mode == "RGB" else _ZERO)
    for row, strip in enumerate(strips):
        if strip is None:
            continue
        side = strip.height
        scaled = max(min(size) // side, 1) * side
        margins = (width - scaled) // 2, (height - scaled) // 2
        for column in range(min(strip.width // side, columns)):
            cell = strip.crop((column * side, 0, (column + 1) * side, side)).resize(
                (scaled, scaled), Image.Resampling.NEAREST
            )
            sheet.paste(cell, (column * width + margins[0], row * height + margins[1]))
    return sheet
