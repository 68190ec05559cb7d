"""Large pictures in bounded memory: tile by tile, each with a margin that is computed and thrown away.

A convolutional model sees only so far around a pixel. Where the margin reaches that far, a tile's core is what the
whole picture would have given, so there is nothing to blend and there are no seams. What a model wants to know of the
whole picture besides is computed once, for all tiles.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from dae.models import Autoencoder

TILE = 512
MARGIN = 72  # the residual U-Net sees 66 pixels to each side; a multiple of all coarsest scales, which so stay aligned


def denoise_tiled(model: Autoencoder, noisy: Tensor, tile: int = TILE, margin: int = MARGIN) -> Tensor:
    """What a model for any size makes of pictures (B, C, H, W): the same shape, float32, clamped to [0, 1].

    Args:
        tile: side of a tile's core, in pixels; a multiple of the model's coarsest scale.
        margin: pixels around it that are computed too.
    """
    denoised = torch.empty_like(noisy)
    for _ in fill_tiles(denoised, model, noisy, tile, margin):
        pass
    return denoised


@torch.no_grad()
def fill_tiles(
    denoised: Tensor, model: Autoencoder, noisy: Tensor, tile: int = TILE, margin: int = MARGIN
) -> Iterator[float]:
    """Write into `denoised`, of the shape of `noisy`, tile by tile; yields the share that is done, up to 1."""
    model.eval()
    context = model.context(noisy)
    height, width = noisy.shape[-2:]
    corners = [(top, left) for top in range(0, height, tile) for left in range(0, width, tile)]
    for done, (top, left) in enumerate(corners, start=1):
        bottom, right = min(top + tile, height), min(left + tile, width)
        above, before = max(top - margin, 0), max(left - margin, 0)
        around = noisy[..., above : min(bottom + margin, height), before : min(right + margin, width)]
        core = model(around, **context)[..., top - above : bottom - above, left - before : right - before]
        denoised[..., top:bottom, left:right] = core.clamp(0, 1)
        yield done / len(corners)
