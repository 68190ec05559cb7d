"""Samplers: their proportions against posteriors that are known exactly, known pixels, seeds."""

import pytest
import torch

from dae.errors import SpecError
from dae.imagination import complete, dream, sample_posterior
from dae.imagination.sampling import as_prior
from dae.models import denoise
from dae.utils.random import make_generator
from tests.helpers import untrained_checkpoint
from tests.imagination.toy_priors import mixture, posterior, shares

NUM_SAMPLES = 2_000
# More than three standard deviations of a share of 2,000 samples, plus the error of finite steps.
TOLERANCE = 0.045
WEIGHTS = torch.tensor([0.3, 0.7])


def two_images() -> torch.Tensor:
    return torch.rand(2, 1, 4, 4, generator=make_generator(0))


@pytest.mark.parametrize(("level", "towards_first"), [(0.5, 0.5), (1.0, 0.5), (1.0, 1.0), (2.0, 0.0)])
def test_posterior_samples_have_the_proportions_of_the_posterior(level: float, towards_first: float) -> None:
    images, generator = two_images(), make_generator(1)
    clean = torch.lerp(images[1:], images[:1], towards_first)
    noisy = clean + level * torch.randn(clean.shape, generator=generator)
    expected = posterior(images, WEIGHTS, noisy, level)[0]
    frames = sample_posterior(mixture(images, WEIGHTS), noisy.expand(NUM_SAMPLES, -1, -1, -1), level, generator)
    *_, last = frames
    assert last.level == 0
    torch.testing.assert_close(shares(images, last.images), expected, rtol=0, atol=TOLERANCE)
    # Each sample is one of the images, unlike the denoised image, which is their mean.
    assert torch.cdist(last.images.flatten(1), images.flatten(1)).min(1).values.max() < 0.01


def test_the_mean_of_posterior_samples_is_the_denoised_image() -> None:
    images, generator = two_images(), make_generator(2)
    prior = mixture(images, WEIGHTS)
    noisy = images.mean(0, keepdim=True) + 0.5 * torch.randn(1, 1, 4, 4, generator=generator)
    *_, last = sample_posterior(prior, noisy.expand(NUM_SAMPLES, -1, -1, -1), 0.5, generator)
    torch.testing.assert_close(last.images.mean(0, keepdim=True), prior(noisy, 0.5), rtol=0, atol=TOLERANCE)


def test_completions_fit_the_known_pixels_in_the_proportions_of_the_prior() -> None:
    generator = make_generator(3)
    images = torch.rand(3, 1, 4, 4, generator=generator)
    # The first two images agree in the known half.
    images[1, ..., :2] = images[0, ..., :2]
    weights = torch.tensor([0.3, 0.6, 0.1])
    known = torch.zeros(1, 1, 4, 4, dtype=torch.bool)
    known[..., :2] = True
    clean = torch.where(known, images[:1], torch.tensor(0.5)).expand(NUM_SAMPLES, -1, -1, -1)
    *_, last = complete(mixture(images, weights), clean, known, generator)
    torch.testing.assert_close(shares(images, last.images), torch.tensor([1 / 3, 2 / 3, 0]), rtol=0, atol=TOLERANCE)
    assert torch.equal(last.images[..., :2], clean[..., :2])


def test_dreams_end_at_images_of_the_prior() -> None:
    images = two_images()
    frames = list(dream(mixture(images, WEIGHTS), 6, make_generator(4), shape=(1, 4, 4), num_steps=20))
    assert len(frames) == 21 and all(frame.images.shape == (6, 1, 4, 4) for frame in frames)
    levels = [frame.level for frame in frames]
    assert levels == sorted(levels, reverse=True) and levels[0] == 1 and levels[-1] == 0
    assert torch.cdist(frames[-1].images.flatten(1), images.flatten(1)).min(1).values.max() < 0.01


def test_the_seed_determines_every_frame() -> None:
    model = untrained_checkpoint("linear-32").model
    first, again, other = (list(dream(model, 5, make_generator(seed), num_steps=4)) for seed in (5, 5, 6))
    assert all(torch.equal(one.images, two.images) for one, two in zip(first, again, strict=True))
    assert not torch.equal(first[-1].images, other[-1].images)


def test_a_model_for_clipped_noise_receives_clipped_images() -> None:
    model = untrained_checkpoint("linear-32").model
    noisy = 3 * torch.randn(6, 1, 28, 28, generator=make_generator(7))
    torch.testing.assert_close(as_prior(model, clipped=True)(noisy, 1.0), denoise(model, noisy.clamp(0, 1)))
    torch.testing.assert_close(as_prior(model)(noisy, 1.0), denoise(model, noisy))


def test_impossible_requests_are_refused() -> None:
    prior, generator, noisy = mixture(two_images(), WEIGHTS), make_generator(0), torch.zeros(1, 1, 4, 4)
    with pytest.raises(SpecError, match="Cannot dream 0 images"):
        dream(prior, 0, generator)
    with pytest.raises(SpecError, match="3 or more"):
        dream(prior, 1, generator, num_steps=2)
    with pytest.raises(SpecError, match="a level above 0"):
        sample_posterior(prior, noisy, 0.0, generator)
    with pytest.raises(SpecError, match="2 steps or more"):
        complete(prior, noisy, noisy == 0, generator, num_steps=0)
