"""Sampling from the prior that is implicit in a denoiser: new images, plausible clean images and completions.

A denoiser f with the least mean squared error gives the score of the noisy images: (f(x) - x) / level^2 is the gradient
of their log density (Miyasawa 1961). All samplers follow it from much noise to little.

- `dream`: Kadkhodaie and Simoncelli 2020 (arXiv 2007.13640). Pure noise is not a noisy image, so the first
  steps stay at the highest level and only mix.
- `sample_posterior`: the same steps, starting at the observation, and Langevin steps with the likelihood term of Kawar
  et al. 2021 (arXiv 2101.09552).
- `complete`: the same steps, with the known pixels put back at every level (Lugmayr et al. 2022, arXiv 2201.09865).
"""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from dae.errors import SpecError
from dae.models import Autoencoder, Shape, denoise
from dae.utils.threads import parallel_map

# Noisy images (B, C, H, W) and the standard deviation of their noise to the posterior mean, the same shape.
Prior = Callable[[Tensor, float], Tensor]

NUM_STEPS = 60
# The highest noise level of `mnist-prior`, and a level at which noise is invisible.
HIGHEST_LEVEL, LOWEST_LEVEL = 1.0, 0.02
# Step of a Langevin correction as a fraction of the variance that it explores. Larger ones are less exact.
_CORRECTION = 0.2
# Langevin steps per level; a completion needs more, as its known pixels are put back after each.
_COMPLETION_CORRECTIONS = 3
# Share of the estimated noise that a step removes when the level stays; see `_step`.
_MIXING_STEP = 0.5
# Tasks of the worker threads per step; fixed, so that no result depends on the number of cores. More tasks, with fewer
# images each, would hold the interpreter longer, for which a training waits.
_NUM_TASKS = 2


class Frame(NamedTuple):
    """One step of a sampler.

    Attributes:
        images: noisy images (B, C, H, W), at the last step without noise and in [0, 1].
        level: standard deviation of their noise; 0 at the last step.
    """

    images: Tensor
    level: float


def as_prior(model: Autoencoder | Prior, clipped: bool = False) -> Prior:
    """Return a model as a function of noisy images and their level; a function is returned unchanged.

    Models estimate the level themselves. They should be trained on unclipped Gaussian noise of all levels with the mean
    squared error, as `mnist-prior` is; with others the samples are only approximate.

    Args:
        clipped: clip the input of the model to [0, 1], for models that were trained on clipped noise.
    """
    if not isinstance(model, Autoencoder):
        return model
    network = model

    def posterior_mean(noisy: Tensor, level: float) -> Tensor:
        images = noisy.clamp(0, 1) if clipped else noisy
        return torch.cat(parallel_map(partial(denoise, network), images.chunk(_NUM_TASKS)))

    return posterior_mean


def dream(
    model: Autoencoder | Prior,
    n: int,
    generator: Generator,
    *,
    shape: Shape = (1, 28, 28),
    num_steps: int = NUM_STEPS,
) -> Iterator[Frame]:
    """Yield `num_steps` + 1 frames in which `n` images of this shape emerge from noise.

    The first half of the steps stays at the highest level.

    Args:
        generator: on the device of the model; the only source of randomness.

    Raises:
        SpecError: `n` is below 1 or `num_steps` below 3.
    """
    if n < 1:
        raise SpecError(f"Cannot dream {n} images. Ask for 1 or more.")
    if num_steps < 3:
        raise SpecError(f"Cannot dream in {num_steps} steps. Use 3 or more.")
    num_mixing = num_steps // 2
    levels = _levels(HIGHEST_LEVEL, num_steps - num_mixing)

    def frames(prior: Prior) -> Iterator[Frame]:
        images = HIGHEST_LEVEL * torch.randn(n, *shape, generator=generator, device=generator.device)
        for _ in range(num_mixing):
            yield Frame(images, HIGHEST_LEVEL)
            images = _step(prior, images, HIGHEST_LEVEL, HIGHEST_LEVEL, _MIXING_STEP, generator)
        yield from _descend(prior, images, levels, generator)

    return frames(as_prior(model))


def sample_posterior(
    model: Autoencoder | Prior,
    noisy: Tensor,
    level: float,
    generator: Generator,
    *,
    num_steps: int = NUM_STEPS // 2,
) -> Iterator[Frame]:
    """Yield `num_steps` + 1 frames that lead from noisy images to plausible clean ones, a sample for each noisy image.

    Repeat a noisy image to see several answers. Their mean is the denoised image.

    Args:
        noisy: clean images plus unclipped Gaussian noise, (B, C, H, W).
        level: standard deviation of the noise, in pixel units.

    Raises:
        SpecError: the level is not above 0, or `num_steps` is too small.
    """
    prior = as_prior(model)

    def correct(images: Tensor, current: float) -> Tensor:
        # The noise at this level is part of the noise of the observation.
        remaining = level**2 - current**2
        score = (prior(images, current) - images) / current**2 + (noisy - images) / remaining
        return _langevin_step(images, score, min(current**2, remaining), generator)

    return _descend(prior, noisy, _levels(level, num_steps), generator, correct)


def complete(
    model: Autoencoder | Prior,
    clean: Tensor,
    known: Tensor,
    generator: Generator,
    *,
    num_steps: int = NUM_STEPS // 2,
) -> Iterator[Frame]:
    """Yield `num_steps` + 1 frames that lead from noise to images completed from their known pixels.

    Args:
        clean: (B, C, H, W) in [0, 1]; unknown pixels are ignored.
        known: booleans that broadcast to `clean`. In the last frame, these pixels equal those of `clean`.

    Raises:
        SpecError: `num_steps` is too small.
    """
    prior, levels = as_prior(model), _levels(HIGHEST_LEVEL, num_steps)

    def put_back(images: Tensor, current: float) -> Tensor:
        noise = torch.randn(clean.shape, generator=generator, device=clean.device) if current else 0
        return torch.where(known, clean + current * noise, images)

    def correct(images: Tensor, current: float) -> Tensor:
        images = put_back(images, current)
        for _ in range(_COMPLETION_CORRECTIONS):
            score = (prior(images, current) - images) / current**2
            images = put_back(_langevin_step(images, score, current**2, generator), current)
        return images

    def frames() -> Iterator[Frame]:
        noise = torch.randn(clean.shape, generator=generator, device=clean.device)
        start = put_back(HIGHEST_LEVEL * noise, HIGHEST_LEVEL)
        for frame in _descend(prior, start, levels, generator, correct):
            yield frame._replace(images=put_back(frame.images, 0)) if frame.level == 0 else frame

    return frames()


def _levels(highest: float, num_steps: int) -> list[float]:
    """Return `num_steps` levels that fall geometrically from the highest to the lowest."""
    if not 0 < highest < math.inf or num_steps < 2:
        raise SpecError(
            f"Cannot sample from noise level {highest:g} in {num_steps} steps. Use a level above 0 and 2 steps or more."
        )
    lowest = min(LOWEST_LEVEL, highest / 2)
    return [highest * (lowest / highest) ** (step / (num_steps - 1)) for step in range(num_steps)]


def _descend(
    prior: Prior,
    images: Tensor,
    levels: list[float],
    generator: Generator,
    correct: Callable[[Tensor, float], Tensor] = lambda images, level: images,
) -> Iterator[Frame]:
    """Yield a frame per level, then the denoised images; `correct` changes the images at each level but the first.

    With this size of steps the injected noise is that of the exact reverse process, so noisy images become samples of
    the clean ones.
    """
    yield Frame(images, levels[0])
    for level, lower in zip(levels, levels[1:], strict=False):
        images = correct(_step(prior, images, level, lower, 1 - (lower / level) ** 2, generator), lower)
        yield Frame(images, lower)
    yield Frame(prior(images, levels[-1]).clamp(0, 1), 0.0)


def _step(prior: Prior, images: Tensor, level: float, lower: float, size: float, generator: Generator) -> Tensor:
    """Return the images after one step from a noise level to a lower one, or to the same one.

    It removes a fraction `size` (h) of the estimated noise, and injects noise so that the level becomes `lower`:
    gamma^2 = lower^2 - (1 - h)^2 level^2 in the notation of Kadkhodaie and Simoncelli.
    """
    noise = torch.randn(images.shape, generator=generator, device=images.device)
    injected = math.sqrt(lower**2 - ((1 - size) * level) ** 2)
    return images + size * (prior(images, level) - images) + injected * noise


def _langevin_step(images: Tensor, score: Tensor, variance: float, generator: Generator) -> Tensor:
    """Return the images after one step of Langevin dynamics."""
    step = _CORRECTION * variance
    noise = torch.randn(images.shape, generator=generator, device=images.device)
    return images + step / 2 * score + math.sqrt(step) * noise
