"""Predict the error of a denoised image without the clean image, per pixel and as a PSNR.

Under Gaussian noise of known level the variance of the clean image given the noisy one is level^2 times the diagonal of
the Jacobian of the posterior mean (Tweedie's formula; Miyasawa 1961, Efron 2011; Manor and Michaeli 2023, arXiv
2309.13598). This holds for denoisers that come close to the posterior mean: trained with the mean squared error on
unclipped Gaussian noise of this level, and until they no longer improve.
"""

from collections.abc import Callable, Iterator

from torch import Generator, Tensor

from dae.imagination.jacobian import jacobian_diagonal
from dae.noise import NoiseSpec


def is_trained_for(trained_on: NoiseSpec, level: float) -> bool:
    """Return whether unclipped Gaussian noise of this level is part of the noise that a model was trained on."""
    return trained_on.contains(NoiseSpec("gaussian", level, clipped=False))


def posterior_variance(
    model: Callable[[Tensor], Tensor], noisy: Tensor, level: float, generator: Generator
) -> Iterator[Tensor]:
    """Yield estimates of the variance of the clean image given the noisy one, each complete for more of the pixels.

    The last estimate covers all pixels; before, the others are 0. The variance of a pixel is its expected squared
    error if the model returns the posterior mean. The mean over an image, or over several, is much more exact than the
    value of one pixel. Negative estimates, which a variance cannot have, are kept: their mean would not be exact
    without them.

    Args:
        model: denoiser, in evaluation mode, whose output is not clipped.
        noisy: clean images plus Gaussian noise, not clipped, (B, C, H, W).
        level: standard deviation of the noise; white is 1.
        generator: on the device of the images; the only source of randomness.

    Returns:
        Estimates (B, C, H, W), in squared units of the image.
    """
    return (level**2 * diagonal for diagonal in jacobian_diagonal(model, noisy, generator))


def predicted_psnr_db(variance: Tensor) -> Tensor:
    """Return the PSNR in dB that each image has if its squared error is the variance (B, C, H, W); (B,).

    It is infinite where the mean of the variance is 0 or negative.
    """
    return -10 * variance.mean((1, 2, 3)).clamp(min=0).log10()
