"""Denoising with a trained model: batched, tile by tile in bounded memory, or averaged over flips and rotations."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from dae.errors import SpecError
from dae.models.base import Autoencoder
from dae.utils.device import max_batch_size
from dae.utils.threads import parallel_map

TILE = 512
# At least the receptive field of res-unet-blind, 45 pixels to each side, and a
# multiple of all coarsest scales, which keeps the tiles aligned with them.
MARGIN = 72
VIEWS = 8
_MAX_BATCH_SIZE = 64


def denoise(model: Autoencoder, noisy: Tensor) -> Tensor:
    """Return denoised images of the same shape (B, C, H, W) and dtype, clamped to [0, 1].

    On the CPU, batches are computed in parallel. A model in training mode returns to it.

    Args:
        noisy: floats; the model computes in the dtype of its weights.

    Raises:
        SpecError: the images are not floats.
    """
    dtype = input_dtype(model, noisy)
    was_training = model.training
    model.eval()
    batches = noisy.split(max_batch_size(noisy.shape[1:], _MAX_BATCH_SIZE))
    # Gradient mode and autocast belong to a thread, so they are set in each of them.
    device, bfloat16 = noisy.device.type, torch.is_autocast_enabled(noisy.device.type)

    def forward(batch: Tensor) -> Tensor:
        with torch.no_grad(), torch.autocast(device, torch.bfloat16, enabled=bfloat16):
            denoised: Tensor = model(batch.to(dtype)).to(batch.dtype).clamp(0, 1)
        return denoised

    try:
        outputs = parallel_map(forward, batches) if device == "cpu" else [forward(batch) for batch in batches]
    finally:
        model.train(was_training)
    return torch.cat(outputs)


def denoise_tiled(model: Autoencoder, noisy: Tensor, tile: int = TILE, margin: int = MARGIN) -> Tensor:
    """Denoise images (B, C, H, W) tile by tile in bounded memory by a model for any size; clamp to [0, 1].

    Tiles overlap by a margin that covers the receptive field, so their cores equal the result for the whole image and
    there are no seams. Features of whole images, `Autoencoder.global_context`, are computed once for all tiles.

    Args:
        tile: side of a tile without margin in pixels, a multiple of the model's coarsest scale.
        margin: pixels around each tile that are computed and discarded.

    Raises:
        SpecError: the images are not floats.
    """
    denoised = torch.empty_like(noisy)
    for _ in denoise_tiled_into(denoised, model, noisy, tile, margin):
        pass
    return denoised


def input_dtype(model: Autoencoder, images: Tensor) -> torch.dtype:
    """Return the dtype of a model's weights, to which images are converted; raise SpecError if these are not floats."""
    if not images.is_floating_point():
        raise SpecError(f"Images must be floats in [0, 1], not {images.dtype}. Use `ImageSet.to_float`.")
    return next((weights.dtype for weights in model.parameters()), images.dtype)


@torch.no_grad()
def denoise_tiled_into(
    denoised: Tensor,
    model: Autoencoder,
    noisy: Tensor,
    tile: int = TILE,
    margin: int = MARGIN,
    level: float | None = None,
) -> Iterator[float]:
    """Write the result of `denoise_tiled` into `denoised`, and yield the fraction that is done after each tile.

    Args:
        level: noise level for models with `takes_level`, in pixel units; None for their estimate.
    """
    noisy = noisy.to(input_dtype(model, noisy))
    model.eval()
    context = model.global_context(noisy)
    if level is not None and model.takes_level:
        context["level"] = noisy.new_full((len(noisy),), level)
    height, width = noisy.shape[-2:]
    corners = [(top, left) for top in range(0, height, tile) for left in range(0, width, tile)]
    for done, (top, left) in enumerate(corners, start=1):
        bottom, right = min(top + tile, height), min(left + tile, width)
        outer_top, outer_left = max(top - margin, 0), max(left - margin, 0)
        outer = noisy[..., outer_top : min(bottom + margin, height), outer_left : min(right + margin, width)]
        inner = (..., slice(top - outer_top, bottom - outer_top), slice(left - outer_left, right - outer_left))
        denoised[..., top:bottom, left:right] = model(outer, **context)[inner].clamp(0, 1)
        yield done / len(corners)


def self_ensemble(denoiser: Callable[[Tensor], Tensor], noisy: Tensor) -> Tensor:
    """Return the mean output for the eight flips and rotations of images (B, C, H, W): test-time augmentation.

    It takes eight times the work, and helps where a mirrored image is as likely as the original: photographs, not
    digits.
    """
    total = torch.zeros_like(noisy)
    for turns in range(4):
        for flipped_dims in ([], [3]):
            view = noisy.rot90(turns, (2, 3)).flip(flipped_dims)
            total += denoiser(view).flip(flipped_dims).rot90(-turns, (2, 3))
    return total / VIEWS
