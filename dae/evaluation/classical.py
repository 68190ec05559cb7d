"""Classical denoising filters from SciPy and scikit-image, called like a model.

Each has one parameter, its strength. For a fair comparison `tune_strength` finds the best value on training images.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dae.data import ImageSet
from dae.evaluation.metrics import mse
from dae.noise import NoiseSpec, corrupt
from dae.utils.random import make_generator
from dae.utils.registry import lookup

NUM_TUNING_IMAGES = 64
# The first tuning images, after which strengths that are significantly worse are dropped.
_NUM_HEAT_IMAGES = 16
# Spawn key of the noise for tuning; test batches count theirs from 0.
_TUNING_STREAM = 1 << 30


def _median(noisy: np.ndarray, size: float) -> np.ndarray:
    from scipy.ndimage import median_filter

    return np.asarray(median_filter(noisy, size=(1, 1, int(size), int(size))))


def _gaussian(noisy: np.ndarray, sigma: float) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(noisy, sigma=(0, 0, sigma, sigma)))


def _total_variation(noisy: np.ndarray, weight: float) -> np.ndarray:
    from skimage.restoration import denoise_tv_chambolle

    return np.stack([denoise_tv_chambolle(image, weight=weight, channel_axis=0) for image in noisy])


def _non_local_means(noisy: np.ndarray, h: float) -> np.ndarray:
    from skimage.restoration import denoise_nl_means

    options = {"patch_size": 5, "patch_distance": 6, "h": h}
    # With a channel axis scikit-image drops that axis of a grayscale image.
    if noisy.shape[1] == 1:
        return np.stack([denoise_nl_means(image[0], **options)[None] for image in noisy])
    return np.stack([denoise_nl_means(image, **options, channel_axis=0) for image in noisy])


def _wavelet(noisy: np.ndarray, sigma: float) -> np.ndarray:
    from skimage.restoration import denoise_wavelet

    options = {"wavelet": "sym4", "method": "BayesShrink", "mode": "soft", "channel_axis": 0}
    return np.stack([denoise_wavelet(image, sigma=sigma, **options) for image in noisy])


@dataclass(frozen=True)
class FilterInfo:
    """Registry entry of a filter.

    Attributes:
        apply: returns float images (B, C, H, W), filtered with a strength.
        strengths: candidates of `tune_strength`.
    """

    label: str
    help: str
    apply: Callable[[np.ndarray, float], np.ndarray]
    strengths: tuple[float, ...]


FILTERS: dict[str, FilterInfo] = {
    "median": FilterInfo("Median filter", "Replaces each pixel by the median of its neighborhood.", _median, (3, 5)),
    "gaussian-blur": FilterInfo(
        "Gaussian blur",
        "Replaces each pixel by a weighted average of its neighborhood.",
        _gaussian,
        (0.5, 0.7, 0.9, 1.1, 1.4),
    ),
    "total-variation": FilterInfo(
        "Total variation",
        "Smooths flat areas and keeps edges (Chambolle 2004).",
        _total_variation,
        (0.1, 0.2, 0.3, 0.45, 0.65, 0.9),
    ),
    "non-local-means": FilterInfo(
        "Non-local means",
        "Averages similar patches (Buades et al. 2005).",
        _non_local_means,
        (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.45),
    ),
    "wavelet": FilterInfo(
        "Wavelet shrinkage",
        "Removes small wavelet coefficients (BayesShrink, Chang et al. 2000).",
        _wavelet,
        (0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.45),
    ),
}


def make_filter(name: str, strength: float) -> Callable[[Tensor], Tensor]:
    """Return a filter from noisy to denoised images (B, C, H, W), float32 in [0, 1].

    Args:
        strength: side of the median's window in pixels; standard deviation of the blur in pixels; weight of total
            variation; `h` of non-local means; standard deviation of the noise for the wavelets.

    Raises:
        UnknownNameError: the filter does not exist.
    """
    apply = lookup("classical filter", FILTERS, name).apply

    def denoiser(noisy: Tensor) -> Tensor:
        return torch.from_numpy(apply(noisy.cpu().numpy(), strength)).float().clamp(0, 1)

    return denoiser


def tune_strength(name: str, train: ImageSet, noise: NoiseSpec) -> float:
    """Return the strength with the lowest mean squared error on the first training images under this noise.

    Races the candidates (Maron and Moore 1994): after a first heat on a few images, only strengths that are not
    significantly worse than the best one are measured on the remaining images.

    Raises:
        UnknownNameError: the filter does not exist.
    """
    strengths = lookup("classical filter", FILTERS, name).strengths
    clean = train.to_float(slice(0, NUM_TUNING_IMAGES))
    noisy = corrupt(clean, noise, make_generator(0, _TUNING_STREAM))

    def errors(strength: float, images: slice) -> Tensor:
        # 1 is the largest error of images in [0, 1], so it ranks NaN last.
        return mse(make_filter(name, strength)(noisy[images]), clean[images]).nan_to_num(nan=1.0)

    heat, final = slice(0, _NUM_HEAT_IMAGES), slice(_NUM_HEAT_IMAGES, None)
    losses = {strength: errors(strength, heat) for strength in strengths}
    best = min(losses.values(), key=lambda loss: float(loss.mean()))
    losses = {strength: loss for strength, loss in losses.items() if not _significantly_worse(loss - best)}
    if len(losses) > 1 and len(clean) > _NUM_HEAT_IMAGES:
        losses = {strength: torch.cat([loss, errors(strength, final)]) for strength, loss in losses.items()}
    return min(losses, key=lambda strength: float(losses[strength].mean()))


def _significantly_worse(differences: Tensor) -> bool:
    """Return whether the mean of paired differences exceeds 0 by more than three standard errors."""
    return bool(differences.mean() > 3 * differences.std(correction=0) / len(differences) ** 0.5)
