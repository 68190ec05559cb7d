"""The posterior mean over the training images: against its definition."""

import pytest
import torch
from torch.distributions import Normal

from dae.errors import DataError, SpecError
from dae.evaluation.posterior_mean import posterior_mean_denoiser
from dae.noise import NoiseSpec, corrupt
from dae.utils.random import make_generator
from tests.helpers import tiny_dataset


@pytest.mark.parametrize("clipped", [True, False])
def test_posterior_mean_weights_the_training_images_by_their_likelihood(
    clipped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dae.evaluation.posterior_mean._CHUNK", 5)
    train, noise = tiny_dataset(12, (1, 4, 3)), NoiseSpec("gaussian", 0.6, clipped=clipped)
    clean = train.to_float()
    noisy = corrupt(clean[:3], noise, make_generator(0))
    expected = []
    for image in noisy:
        density = Normal(clean, 0.6)
        log_likelihood = density.log_prob(image)
        if clipped:
            log_likelihood = torch.where(image == 0, density.cdf(torch.tensor(0.0)).log(), log_likelihood)
            log_likelihood = torch.where(image == 1, (1 - density.cdf(torch.tensor(1.0))).log(), log_likelihood)
        weight = log_likelihood.flatten(1).sum(1).softmax(0)
        expected.append((weight.view(-1, 1, 1, 1) * clean).sum(0))
    torch.testing.assert_close(
        posterior_mean_denoiser(train, noise)(noisy), torch.stack(expected), rtol=1e-3, atol=1e-4
    )


def test_weak_noise_is_removed_completely_from_a_memorized_image() -> None:
    train, noise = tiny_dataset(12), NoiseSpec("gaussian", 0.1)
    clean = train.to_float(slice(2, 5))
    noisy = corrupt(clean, noise, make_generator(0))
    torch.testing.assert_close(posterior_mean_denoiser(train, noise)(noisy), clean, rtol=0, atol=1e-3)


@pytest.mark.parametrize("noise", ["masking:0.5", "gaussian:0.1-0.5", "gaussian:0", "gaussian:0.5+masking:0.1"])
def test_other_noise_is_refused(noise: str) -> None:
    with pytest.raises(SpecError, match="needs Gaussian noise at one level above 0"):
        posterior_mean_denoiser(tiny_dataset(4), NoiseSpec.parse(noise))


def test_images_of_another_shape_are_refused() -> None:
    train = tiny_dataset(8)
    denoiser = posterior_mean_denoiser(train, NoiseSpec("gaussian", 0.5))
    with pytest.raises(DataError, match="needs images of"):
        denoiser(torch.rand(1, 1, 5, 7))
