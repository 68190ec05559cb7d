"""Filters that have learnt nothing, from SciPy and scikit-image, behind the same call as a model.

Each has one strength. A fair comparison gives each its best one: `tuned` finds it on training images.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dae.metrics import mse
from dae.noise import NoiseSpec, corrupt
from dae.packed import ImageSet
from dae.registry import lookup
from dae.seeds import generator

TUNING_IMAGES = 64
_HEAT_IMAGES = 16  # of these; after them a filter's strengths that are clearly behind are out
_TUNING = 1 << 30  # its stream of noise, which no block of test images has


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
    if noisy.shape[1] == 1:  # with a channel axis it would average the grey picture with itself, and drop that axis
        return np.stack([denoise_nl_means(image[0], **options)[None] for image in noisy])
    return np.stack([denoise_nl_means(image, **options, channel_axis=0) for image in noisy])


def _wavelet(noisy: np.ndarray, sigma: float) -> np.ndarray:
    from skimage.restoration import denoise_wavelet

    options = {"wavelet": "sym4", "method": "BayesShrink", "mode": "soft", "channel_axis": 0}
    return np.stack([denoise_wavelet(image, sigma=sigma, **options) for image in noisy])


@dataclass(frozen=True)
class Classical:
    """A filter, as pages, the command line and tests need it."""

    label: str
    help: str
    apply: Callable[[np.ndarray, float], np.ndarray]  # float (B, C, H, W), strength -> the same shape
    strengths: tuple[float, ...]  # what `tuned` chooses from


CLASSICAL: dict[str, Classical] = {
    "median": Classical("Median filter", "Each pixel becomes the middle one of its neighbours.", _median, (3, 5)),
    "gaussian-blur": Classical(
        "Gaussian blur", "Each pixel becomes an average of its neighbours.", _gaussian, (0.5, 0.7, 0.9, 1.1, 1.4)
    ),
    "total-variation": Classical(
        "Total variation",
        "Looks for the picture with the fewest jumps that is still close (Chambolle 2004).",
        _total_variation,
        (0.1, 0.2, 0.3, 0.45, 0.65, 0.9),
    ),
    "non-local-means": Classical(
        "Non-local means",
        "Averages patches of the picture that look alike (Buades et al. 2005).",
        _non_local_means,
        (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.45),
    ),
    "wavelet": Classical(
        "Wavelet shrinkage",
        "Lets small details go and keeps large ones (BayesShrink, Chang et al. 2000).",
        _wavelet,
        (0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.45),
    ),
}


def classical_denoiser(name: str, strength: float) -> Callable[[Tensor], Tensor]:
    """The filter as a call from noisy (B, C, H, W) to denoised of the same shape, float32 in [0, 1].

    Args:
        strength: in pixels the side of the median's window and the standard deviation of the blur; Chambolle's weight
            of total variation; where white is 1, the h of non-local means and the wavelets' noise.

    Raises:
        UnknownName: no such filter.
    """
    entry = lookup("classical filter", CLASSICAL, name)

    def denoiser(noisy: Tensor) -> Tensor:
        return torch.from_numpy(entry.apply(noisy.cpu().numpy(), strength)).float().clamp(0, 1)

    return denoiser


def tuned(name: str, train: ImageSet, noise: NoiseSpec) -> float:
    """The strength with the least mean squared error on the first training images under this noise.

    It is a race (Maron and Moore 1994): all strengths are tried on a few images, and on the others those alone that are
    not clearly behind by then.

    Raises:
        UnknownName: no such filter.
    """
    clean = train.clean(slice(0, TUNING_IMAGES))
    noisy = corrupt(clean, noise, generator(0, _TUNING))
    heat, final = slice(0, _HEAT_IMAGES), slice(_HEAT_IMAGES, None)

    def errors(strength: float, images: slice) -> Tensor:
        return mse(classical_denoiser(name, strength)(noisy[images]), clean[images])

    first = {strength: errors(strength, heat) for strength in lookup("classical filter", CLASSICAL, name).strengths}
    least = min(first.values(), key=lambda these: float(these.mean()))
    left = [strength for strength, these in first.items() if not _clearly_behind(these - least)]
    if len(left) == 1 or len(clean) <= _HEAT_IMAGES:
        return min(left, key=lambda strength: float(first[strength].mean()))
    return min(left, key=lambda strength: float(torch.cat([first[strength], errors(strength, final)]).mean()))


def _clearly_behind(differences: Tensor) -> bool:
    """Whether the mean of these paired differences is more than three of its standard errors over 0."""
    return bool(differences.mean() > 3 * differences.std(correction=0) / len(differences) ** 0.5)
