"""Sprite sheets show exactly the noisy and denoised images of every noise level."""

import io
import math

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from dae.evaluation import identity, psnr_db
from dae.noise import NOISES, NoiseSpec, corrupt
from dae.utils.random import make_generator
from dae.viz import (
    NUM_LEVELS,
    clean_sprites,
    denoised_sprites,
    levels,
    nearest_level_index,
    noisy_levels,
    noisy_sprites,
)
from tests.helpers import tiny_dataset

HALF = NoiseSpec("gaussian", 0.5)
SEED = 3


def batch(number: int = 3, shape: tuple[int, int, int] = (1, 6, 5)) -> Tensor:
    return tiny_dataset(number, shape).to_float()


def pixels(png: bytes) -> np.ndarray:
    """Return the pixels of a PNG, uint8 (H, W) or (H, W, 3)."""
    return np.asarray(Image.open(io.BytesIO(png)))


def as_bytes(images: Tensor) -> np.ndarray:
    return images.clamp(0, 1).mul(255).round().byte().numpy()


@pytest.mark.parametrize("kind", NOISES)
def test_levels_cover_the_range_of_the_noise_kind(kind: str) -> None:
    spec = NoiseSpec(kind, NOISES[kind].default_level)
    steps = levels(spec)
    assert len(steps) == NUM_LEVELS and steps == sorted(set(steps))
    assert (steps[0], steps[-1]) == (NOISES[kind].low, NOISES[kind].high)
    assert [nearest_level_index(spec, level) for level in steps] == list(range(NUM_LEVELS))
    assert steps[nearest_level_index(spec, NOISES[kind].default_level)] == pytest.approx(NOISES[kind].default_level)


@pytest.mark.parametrize("kind", NOISES)
def test_every_level_equals_corrupt_with_the_same_seed(kind: str) -> None:
    clean, spec = batch(), NoiseSpec(kind, NOISES[kind].default_level)
    noisy = noisy_levels(clean, spec, SEED)
    assert noisy.shape == (NUM_LEVELS, *clean.shape)
    assert torch.equal(noisy[0], clean)
    for step in (7, NUM_LEVELS - 1):
        assert torch.equal(noisy[step], corrupt(clean, spec.with_level(levels(spec)[step]), make_generator(SEED)))


def test_gaussian_noise_scales_with_the_level() -> None:
    clean, spec = batch(), NoiseSpec("gaussian", 0.5, clipped=False)
    added = noisy_levels(clean, spec, SEED) - clean
    for step, level in enumerate(levels(spec)):
        torch.testing.assert_close(added[step], level * added[-1], rtol=0, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_sheet_stacks_levels_downwards(channels: int) -> None:
    clean = batch(4, (channels, 6, 5))
    sheet = noisy_sprites(clean, HALF, SEED)
    sprites = pixels(sheet.png).reshape(NUM_LEVELS * 6, 4 * 5, channels)
    noisy = as_bytes(noisy_levels(clean, HALF, SEED))
    for step in (0, 11, NUM_LEVELS - 1):
        for place in range(4):
            shown = sprites[step * 6 : step * 6 + 6, place * 5 : place * 5 + 5].transpose(2, 0, 1)
            assert np.array_equal(shown, noisy[step, place])


def test_the_clean_sheet_has_a_single_level() -> None:
    clean = batch(4)
    sprites = pixels(clean_sprites(clean))
    assert sprites.shape == (6, 20) and np.array_equal(sprites[:, 5:10], as_bytes(clean)[1, 0])


def test_psnr_compares_each_image_with_its_clean_one() -> None:
    clean = batch()
    sheet = noisy_sprites(clean, HALF, SEED)
    expected = psnr_db(noisy_levels(clean, HALF, SEED)[25], clean)
    assert sheet.psnr_db[25] == pytest.approx(expected.tolist())
    assert sheet.mean_psnr_db[25] == pytest.approx(float(expected.mean()))
    assert sheet.psnr_db[0] == (math.inf,) * 3


def test_a_denoiser_gets_the_images_of_the_noisy_sheet() -> None:
    clean, inputs = batch(), []

    def denoiser(noisy: Tensor) -> Tensor:
        inputs.append(noisy)
        return identity(noisy)

    assert denoised_sprites(clean, HALF, SEED, denoiser) == noisy_sprites(clean, HALF, SEED)
    assert torch.equal(torch.cat(inputs), noisy_levels(clean, HALF, SEED).flatten(0, 1))
    assert denoised_sprites(clean, HALF, SEED + 1, identity) != noisy_sprites(clean, HALF, SEED)
