"""Clean images that are noisy already: estimated noise level, amount of denoising, and quality without ground truth.

A model with a noise level as its input receives it; the output of any other model is blended with its input.
"""

import math
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from dae.models import Autoencoder
from dae.models.inference import denoise_tiled_into

# Words for noise levels below a limit, as standard deviation where white is 1.
_WORDS = ((0.008, "hardly any"), (0.03, "weak"), (0.08, "moderate"), (0.2, "strong"), (math.inf, "very strong"))
# Median of the absolute value of a standard normal variable.
_MEDIAN_ABS_NORMAL = 0.6745
# Sides of the central part that the level and SURE are estimated from.
_ESTIMATE_SIDE, _SURE_SIDE = 1024, 512
# Correlated noise: the share of the blocks that counts as flat, the weakest level at which texture is not mistaken for
# noise, and the ratio of levels below which noise is correlated. It is 1 for white noise, 1/3 after demosaicing.
_BLOCK_SIDE, _FLAT_SHARE, _MIN_CORRELATED_LEVEL, _MAX_CORRELATED_RATIO = 16, 0.1, 0.02, 0.6
# The derivative in SURE is computed by a step of this fraction of the noise level.
_SURE_STEP = 0.1


def describe_level(level: float) -> str:
    """Return a noise level, the standard deviation where white is 1, in words: "moderate"."""
    return next(words for limit, words in _WORDS if level < limit)


def estimate_level(model: Autoencoder, channels: int, noisy: Tensor) -> float:
    """Return the noise level of an image (1, C, H, W), in pixel units: the model's estimate, else `laplacian_level`.

    Args:
        channels: of the model's images.
    """
    with torch.no_grad():
        levels = model.estimate_noise_level(_adapt(noisy, channels))
    return laplacian_level(noisy) if levels is None else float(levels.mean())


def laplacian_level(noisy: Tensor) -> float:
    """Estimate the standard deviation of white noise in an image (1, C, H, W), in pixel units.

    It is the median absolute response of a difference of two Laplacians (Immerkaer 1996), which cancels edges; the
    median leaves out texture. Large images are represented by their central part.
    """
    if min(noisy.shape[2:]) < 3:
        return 0.0
    return float(_laplacian(_central_part(noisy, _ESTIMATE_SIDE)).abs().median()) / _MEDIAN_ABS_NORMAL


def has_correlated_noise(noisy: Tensor) -> bool:
    """Return whether neighboring pixels of an image (1, C, H, W) share its noise, as after the demosaicing of a camera.

    White noise has the same level in differences of neighboring pixels as in those of pixels two apart; correlated
    noise has a lower one. Each level is measured in the flattest blocks, which show little but noise (Lee & Hoppel
    1989). Fine texture everywhere also returns True. False for weak noise, and for images below 20 pixels per side.
    """
    if min(noisy.shape[2:]) < _BLOCK_SIDE + 4:
        return False
    part = _central_part(noisy, _ESTIMATE_SIDE)
    near, far = (_flat_level(_laplacian(part, dilation)) for dilation in (1, 2))
    return far >= _MIN_CORRELATED_LEVEL and near < _MAX_CORRELATED_RATIO * far


def _laplacian(images: Tensor, dilation: int = 1) -> Tensor:
    """Return the difference of two Laplacians; the response to white noise has the standard deviation of the noise."""
    kernel = images.new_tensor([[1.0, -2, 1], [-2, 4, -2], [1, -2, 1]]).expand(images.shape[1], 1, 3, 3) / 6
    return F.conv2d(images, kernel, groups=images.shape[1], dilation=dilation)


def _flat_level(response: Tensor) -> float:
    """Return the root mean square of a response (1, C, H, W) in its flattest blocks."""
    blocks = F.avg_pool2d(response.square().mean(1, keepdim=True), _BLOCK_SIDE)
    return math.sqrt(blocks.flatten().quantile(_FLAT_SHARE))


def restore_into(
    restored: Tensor,
    model: Autoencoder,
    channels: int,
    noisy: Tensor,
    level: float | None = None,
    amount: float = 1.0,
) -> Iterator[float]:
    """Write the cleaned image into `restored`, and yield the fraction that is done after each tile.

    A gray image becomes three equal channels for a color model, and their mean is the result; a gray model cleans the
    channels of a color image one by one.

    Args:
        restored, noisy: float32 images (1, C, H, W).
        channels: of the model's images.
        level: noise level in pixel units for models that take it, None for their estimate.
        amount: 0 returns the input and 1 the output of the model.
    """
    inputs = _adapt(noisy, channels)
    outputs = restored if inputs.shape == restored.shape else torch.empty_like(inputs)
    for done in denoise_tiled_into(outputs, model, inputs, level=level):
        if done == 1:
            if outputs is not restored:
                is_folded = len(outputs) > 1
                restored.copy_(outputs.transpose(0, 1) if is_folded else outputs.mean(1, keepdim=True))
            if amount < 1:
                restored.mul_(amount).add_(noisy.clamp(0, 1), alpha=1 - amount)
        yield done


def restore(
    model: Autoencoder, channels: int, noisy: Tensor, level: float | None = None, amount: float = 1.0
) -> Tensor:
    """Return the cleaned image (1, C, H, W); see `restore_into`."""
    restored = torch.empty_like(noisy)
    for _ in restore_into(restored, model, channels, noisy, level, amount):
        pass
    return restored


def sure_psnr_db(denoiser: Callable[[Tensor], Tensor], noisy: Tensor, level: float, generator: Generator) -> float:
    """Estimate the PSNR of a denoised image in dB without its clean original, by Monte Carlo SURE (Ramani et al. 2008).

    It is valid for white Gaussian noise of this level, and uses the central part of a large image.

    Args:
        denoiser: maps images (1, C, H, W) to denoised ones of the same shape.
        level: standard deviation of the noise in pixel units.

    Returns:
        NaN if the level is 0, or if the estimated error is not positive.
    """
    if level <= 0:
        return math.nan
    part = _central_part(noisy, _SURE_SIDE)
    probe, step = torch.randn(part.shape, generator=generator), _SURE_STEP * level
    denoised = denoiser(part)
    divergence = float((probe * (denoiser(part + step * probe) - denoised)).double().mean()) / step
    mse = float((denoised - part).double().square().mean()) - level**2 + 2 * level**2 * divergence
    return -10 * math.log10(mse) if mse > 0 else math.nan


def _central_part(images: Tensor, side: int) -> Tensor:
    """Return the central part of images (B, C, H, W), up to `side` pixels high and wide."""
    top, left = (max(length - side, 0) // 2 for length in images.shape[2:])
    return images[..., top : top + side, left : left + side].contiguous()


def _adapt(images: Tensor, channels: int) -> Tensor:
    """Return an image (1, C, H, W) with the channels of a model; its channels become a batch for a gray model."""
    if images.shape[1] == channels:
        return images
    return images.expand(-1, channels, -1, -1) if images.shape[1] == 1 else images.transpose(0, 1)
