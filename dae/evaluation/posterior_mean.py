"""The exact posterior mean over a training set: the best estimate of a denoiser that memorized its training images.

If the clean image is one of the training images x_i, each with equal probability, the estimate with the least
mean squared error of a noisy image y is sum_i p(x_i | y) x_i with p(x_i | y) proportional to the likelihood p(y | x_i).
A model that generalizes beats it on test images.
"""

from functools import partial

import torch
from torch import Tensor

from dae.data import ImageSet
from dae.errors import DataError, SpecError
from dae.noise import NoiseSpec

# Training images per matrix product; bounds the memory to about 100 MB for 28 x 28 images.
_CHUNK = 5_000


def posterior_mean_denoiser(train: ImageSet, noise: NoiseSpec) -> "partial[Tensor]":
    """Return a denoiser, (B, C, H, W) to the same shape, that averages the training images by their likelihood.

    Args:
        train: the memorized images, ideally few and small: the cost per image is proportional to their number.
        noise: Gaussian at one level, clipped or not.

    The denoiser raises DataError for images of another shape than the memorized ones.

    Raises:
        SpecError: the noise is of another kind, a mixture, a range or 0.
    """
    if noise.kind != "gaussian" or len(noise.components) > 1 or noise.low != noise.high or noise.low == 0:
        raise SpecError(
            f"The posterior mean needs Gaussian noise at one level above 0, got {str(noise)!r}. "
            "Use for example gaussian:0.5."
        )
    return partial(_posterior_mean, train=train, sigma=noise.low, clipped=noise.clipped)


@torch.no_grad()
def _posterior_mean(noisy: Tensor, train: ImageSet, sigma: float, clipped: bool) -> Tensor:
    if noisy.shape[1:] != train.shape:
        expected, actual = (" x ".join(map(str, shape)) for shape in (train.shape, noisy.shape[1:]))
        raise DataError(
            f"The posterior mean over {train.name} needs images of {expected} (channels, height, width), got {actual}. "
            "Choose images of that size."
        )
    observed = noisy.flatten(1)  # (B, D)
    black, white = (observed <= 0, observed >= 1) if clipped else (observed.isnan(), observed.isnan())
    inside = ~(black | white)
    # log p(y | x) is linear in these functions of y and x, up to a constant of y; see `_features`.
    weights = [inside * observed / sigma**2, inside / (-2 * sigma**2), black, white]
    coefficients = torch.cat([weight.to(noisy.dtype) for weight in weights], dim=1)  # (B, 4 D)
    largest = noisy.new_full((len(noisy), 1), -torch.inf)
    total, mean = torch.zeros_like(largest), torch.zeros_like(observed)
    for start in range(0, len(train), _CHUNK):
        images = train.to_float(slice(start, start + _CHUNK)).flatten(1)  # (N, D)
        log_likelihood = coefficients @ _features(images, sigma).T  # (B, N)
        # A running softmax, so that not all likelihoods are needed at once.
        updated = torch.maximum(largest, log_likelihood.amax(1, keepdim=True))
        probability = (log_likelihood - updated).exp()
        correction = (largest - updated).exp()
        total = total * correction + probability.sum(1, keepdim=True)
        mean = mean * correction + probability @ images
        largest = updated
    return (mean / total).view_as(noisy)


def _features(images: Tensor, sigma: float) -> Tensor:
    """Return the functions of clean images (N, D) whose weighted sum is the log-likelihood: (N, 4 D).

    A pixel x gives log N(y; x, sigma^2) for a value y inside (0, 1); clipped values count the whole tail of the
    normal distribution, log Phi(-x / sigma) for black and log Phi((x - 1) / sigma) for white.
    """
    log_cdf = torch.special.log_ndtr
    return torch.cat([images, images.square(), log_cdf(-images / sigma), log_cdf((images - 1) / sigma)], dim=1)
