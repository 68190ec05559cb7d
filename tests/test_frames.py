"""Frames: what a page drags through is what the models were given and gave back, level by level."""

import io
import math

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from dae import metrics
from dae.contenders import nothing
from dae.frames import LEVELS, clean_sheet, denoised_sheet, levels, nearest_step, noisy_levels, noisy_sheet
from dae.noise import NOISES, NoiseSpec, corrupt
from dae.seeds import generator
from tests.conftest import tiny

HALF = NoiseSpec("gaussian", 0.5)
SEED = 3


def batch(number: int = 3, shape: tuple[int, int, int] = (1, 6, 5)) -> Tensor:
    return tiny(number, shape).clean()


def pixels(png: bytes) -> np.ndarray:
    """uint8 (H, W) or (H, W, 3)."""
    return np.asarray(Image.open(io.BytesIO(png)))


def as_bytes(images: Tensor) -> np.ndarray:
    return images.clamp(0, 1).mul(255).round().byte().numpy()


@pytest.mark.parametrize("kind", NOISES)
def test_the_levels_run_over_the_whole_kind(kind: str) -> None:
    spec = NoiseSpec(kind, NOISES[kind].typical)
    steps = levels(spec)
    assert len(steps) == LEVELS and steps == sorted(set(steps))
    assert (steps[0], steps[-1]) == (NOISES[kind].low, NOISES[kind].high)
    assert [nearest_step(spec, level) for level in steps] == list(range(LEVELS))
    assert steps[nearest_step(spec, NOISES[kind].typical)] == pytest.approx(NOISES[kind].typical)


@pytest.mark.parametrize("kind", NOISES)
def test_each_level_is_the_noise_that_corrupt_makes(kind: str) -> None:
    clean, spec = batch(), NoiseSpec(kind, NOISES[kind].typical)
    noisy = noisy_levels(clean, spec, SEED)
    assert noisy.shape == (LEVELS, *clean.shape)
    assert torch.equal(noisy[0], clean)
    for step in (7, LEVELS - 1):
        assert torch.equal(noisy[step], corrupt(clean, spec.at(levels(spec)[step]), generator(SEED)))


def test_one_draw_of_gaussian_noise_grows_with_the_level() -> None:
    clean, spec = batch(), NoiseSpec("gaussian", 0.5, clipped=False)
    added = noisy_levels(clean, spec, SEED) - clean
    for step, level in enumerate(levels(spec)):
        torch.testing.assert_close(added[step], level * added[-1], rtol=0, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_sheet_stacks_the_levels_downwards(channels: int) -> None:
    clean = batch(4, (channels, 6, 5))
    sheet = noisy_sheet(clean, HALF, SEED)
    picture = pixels(sheet.png).reshape(LEVELS * 6, 4 * 5, channels)
    noisy = as_bytes(noisy_levels(clean, HALF, SEED))
    for step in (0, 11, LEVELS - 1):
        for place in range(4):
            shown = picture[step * 6 : step * 6 + 6, place * 5 : place * 5 + 5].transpose(2, 0, 1)
            assert np.array_equal(shown, noisy[step, place])


def test_the_clean_row_is_one_strip() -> None:
    clean = batch(4)
    picture = pixels(clean_sheet(clean))
    assert picture.shape == (6, 20) and np.array_equal(picture[:, 5:10], as_bytes(clean)[1, 0])


def test_the_numbers_are_those_of_each_picture_against_its_clean_one() -> None:
    clean = batch()
    sheet = noisy_sheet(clean, HALF, SEED)
    expected = metrics.psnr_db(noisy_levels(clean, HALF, SEED)[25], clean)
    assert sheet.psnr_db[25] == pytest.approx(expected.tolist())
    assert sheet.mean_psnr_db[25] == pytest.approx(float(expected.mean()))
    assert sheet.psnr_db[0] == (math.inf,) * 3


def test_a_denoiser_sees_the_noise_that_the_noisy_row_shows() -> None:
    clean, given = batch(), []

    def denoiser(noisy: Tensor) -> Tensor:
        given.append(noisy)
        return nothing(noisy)

    assert denoised_sheet(clean, HALF, SEED, denoiser) == noisy_sheet(clean, HALF, SEED)
    assert torch.equal(torch.cat(given), noisy_levels(clean, HALF, SEED).flatten(0, 1))
    assert denoised_sheet(clean, HALF, SEED + 1, nothing) != noisy_sheet(clean, HALF, SEED)
