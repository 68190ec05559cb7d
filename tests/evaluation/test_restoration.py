"""Cleaning noisy images: channels, level, amount, the estimates of noise and quality."""

import math

import pytest
import torch
from torch import Tensor

from dae.evaluation import psnr_db
from dae.evaluation.restoration import (
    describe_level,
    estimate_level,
    has_correlated_noise,
    laplacian_level,
    restore,
    restore_into,
    sure_psnr_db,
)
from dae.models import Autoencoder, denoise_tiled
from dae.noise import NoiseSpec, corrupt
from dae.utils.random import make_generator
from tests.benchmarks.photographs import PHOTOGRAPHS, photograph
from tests.helpers import tiny_dataset, untrained_checkpoint

COLOR = torch.rand(1, 3, 40, 50, generator=make_generator(0))
GRAY = COLOR[:, :1]
SMOOTH = tiny_dataset(1, (3, 200, 200)).to_float()

CORRELATED = {
    "gaussian:0.03": False,
    "gaussian:0.1": False,
    "gaussian:0.4": False,
    "camera:0.2": True,
    "camera:0.4": True,
}


def model(name: str, channels: int) -> Autoencoder:
    return untrained_checkpoint(name, (channels, 32, 32)).model


def test_an_image_with_the_channels_of_the_model_is_denoised_tile_by_tile() -> None:
    network = model("unet", 3)
    assert torch.equal(restore(network, 3, COLOR), denoise_tiled(network, COLOR))


def test_a_gray_image_stays_gray_with_a_color_model() -> None:
    network = model("unet", 3)
    expected = denoise_tiled(network, GRAY.expand(-1, 3, -1, -1)).mean(1, keepdim=True)
    assert torch.equal(restore(network, 3, GRAY), expected)


def test_a_gray_model_cleans_each_channel_of_a_color_image() -> None:
    network = model("unet", 1)
    channels = [denoise_tiled(network, COLOR[:, index : index + 1]) for index in range(3)]
    torch.testing.assert_close(restore(network, 1, COLOR), torch.cat(channels, 1))


def test_the_amount_blends_input_and_output() -> None:
    network = model("unet", 3)
    assert torch.equal(restore(network, 3, COLOR, amount=0), COLOR)
    half = (COLOR + restore(network, 3, COLOR)) / 2
    torch.testing.assert_close(restore(network, 3, COLOR, amount=0.5), half)


@pytest.mark.parametrize("name", ["level-unet", "res-unet-blind"])
def test_the_level_reaches_models_that_take_one(name: str) -> None:
    network = model(name, 3)
    assert network.takes_level and not torch.equal(restore(network, 3, COLOR, 0.01), restore(network, 3, COLOR, 0.5))
    plain = model("unet", 3)
    assert not plain.takes_level and torch.equal(restore(plain, 3, COLOR, 0.01), restore(plain, 3, COLOR))


def test_progress_ends_at_one() -> None:
    noisy = torch.rand(1, 1, 600, 20, generator=make_generator(1))
    steps = list(restore_into(torch.empty_like(noisy), model("unet", 1), 1, noisy))
    assert steps == [0.5, 1]


@pytest.mark.parametrize("level", [0.02, 0.1, 0.3])
def test_the_laplacian_estimate_of_the_noise_level_is_within_10_percent(level: float) -> None:
    noisy = corrupt(SMOOTH, NoiseSpec("gaussian", level, clipped=False), make_generator(0))
    assert laplacian_level(noisy) == pytest.approx(level, rel=0.1)
    assert estimate_level(model("unet", 3), 3, noisy) == laplacian_level(noisy)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_demosaiced_noise_is_distinguished_from_white_noise(name: str) -> None:
    clean = photograph(name)
    noisy = {noise: corrupt(clean, NoiseSpec.parse(noise), make_generator(0)) for noise in CORRELATED}
    assert {noise: has_correlated_noise(images) for noise, images in noisy.items()} == CORRELATED
    assert not has_correlated_noise(clean)


def test_tiny_and_flat_images_have_no_correlated_noise() -> None:
    assert not has_correlated_noise(COLOR[..., :1, :1]) and not has_correlated_noise(torch.ones(1, 1, 40, 40))


def test_tiny_and_flat_images_have_level_0_and_a_color_model_estimates_gray_images() -> None:
    assert laplacian_level(COLOR[..., :1, :1]) == 0 and laplacian_level(torch.ones(1, 1, 9, 9)) == 0
    assert estimate_level(model("level-unet", 3), 3, GRAY) > 0


def test_describe_level_returns_words_from_hardly_any_to_very_strong() -> None:
    words = [describe_level(level) for level in (0, 0.02, 0.05, 0.1, 0.5)]
    assert words == ["hardly any", "weak", "moderate", "strong", "very strong"]


def test_sure_predicts_the_psnr_without_the_clean_image() -> None:
    noisy = corrupt(SMOOTH, NoiseSpec("gaussian", 0.1, clipped=False), make_generator(0))

    def blur(images: Tensor) -> Tensor:
        return torch.nn.functional.avg_pool2d(images, 3, 1, 1, count_include_pad=False)

    for denoiser in (blur, lambda images: images * 0.8):
        predicted = sure_psnr_db(denoiser, noisy, 0.1, make_generator(1))
        assert predicted == pytest.approx(float(psnr_db(denoiser(noisy), SMOOTH)), abs=0.5)
    assert math.isnan(sure_psnr_db(blur, noisy, 0, make_generator(1)))
