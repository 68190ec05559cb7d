"""The error predicted without the clean image, compared with the true error under an exactly known prior."""

import math

import pytest
import torch

from dae.imagination import is_trained_for, posterior_variance, predicted_psnr_db
from dae.noise import NoiseSpec
from dae.utils.random import make_generator
from tests.imagination.toy_priors import mixture


def test_posterior_variance_predicts_the_squared_error() -> None:
    generator, level = make_generator(2), 0.6
    images = torch.rand(2, 1, 5, 5, generator=generator)
    prior = mixture(images, torch.tensor([0.5, 0.5]))
    clean = images[torch.randint(0, 2, (4_000,), generator=generator)]
    noisy = clean + level * torch.randn(clean.shape, generator=generator)
    *_, predicted = posterior_variance(lambda pixels: prior(pixels, level), noisy, level, generator)
    actual = (prior(noisy, level) - clean).square()
    torch.testing.assert_close(predicted.mean(0), actual.mean(0), rtol=0.15, atol=0.002)
    # Images predicted to be hard are hard.
    is_hard = predicted.mean((1, 2, 3)) > predicted.mean()
    assert actual[is_hard].mean() > 2 * actual[~is_hard].mean()


def test_the_psnr_follows_from_the_mean_variance_of_each_image() -> None:
    variance = torch.stack(
        [torch.full((1, 2, 2), 0.01), torch.tensor([[[0.0, 0.4], [-0.2, 0.2]]]), torch.zeros(1, 2, 2)]
    )
    torch.testing.assert_close(predicted_psnr_db(variance), torch.tensor([20.0, 10.0, math.inf]))


@pytest.mark.parametrize(
    ("noise", "expected"),
    [
        ("gaussian:0.5:unclipped", True),
        ("gaussian:0.5", False),
        ("gaussian:0.6-1:unclipped", False),
        ("gaussian:0-0.4:unclipped+gaussian:0.5", False),
        ("masking:0.5+gaussian:0-1:unclipped", True),
        ("uniform:0.5:unclipped", False),
    ],
)
def test_is_trained_for_requires_unclipped_gaussian_noise_that_covers_the_level(noise: str, expected: bool) -> None:
    assert is_trained_for(NoiseSpec.parse(noise), 0.5) == expected
