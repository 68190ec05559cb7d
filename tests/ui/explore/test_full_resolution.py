"""Denoising an upload at full resolution, without Streamlit's runtime."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from PIL import Image

from dae.evaluation import psnr_db
from dae.models.inference import denoise_tiled
from dae.noise import NoiseSpec
from dae.runs import run_training
from dae.ui import model_options, resources
from dae.ui.explore import full_resolution
from dae.ui.explore.full_resolution import FullResolution, FullResolutionResult, compare, corrupt_image, denoise
from tests.helpers import new_run

NOISE = NoiseSpec("gaussian", 0.3)


@pytest.fixture(scope="module")
def unet(photos: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a U-Net for a few steps; return its runs folder."""
    root = tmp_path_factory.mktemp("unet")
    list(run_training(new_run(root, photos, name="small-unet", model="unet", epochs=1)))
    return root


@pytest.fixture
def selection(unet: Path, monkeypatch: pytest.MonkeyPatch) -> FullResolution:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(unet))
    (model,) = model_options.photo_options()
    image = Image.effect_mandelbrot((90, 61), (-2, -1, 1, 1), 40)
    return FullResolution(image, model, NOISE, seed=3)


def test_an_image_of_any_size_is_denoised_with_progress(selection: FullResolution) -> None:
    clean, noisy = corrupt_image(selection)
    assert clean.shape == noisy.shape == (1, 1, 61, 90)
    progress: list[float] = []
    result = denoise(clean, noisy, selection.model, lambda done, caption: progress.append(done))
    expected = denoise_tiled(resources.checkpoint(selection.model.name).model, noisy)
    assert result.denoised and result.denoised.size == (90, 61) and progress[-1] == 1
    assert result.psnr_db == pytest.approx(float(psnr_db(expected, clean)))
    assert result.noisy_psnr_db == pytest.approx(float(psnr_db(noisy.clamp(0, 1), clean)))
    assert corrupt_image(selection)[1].equal(noisy)


def test_an_exception_in_the_progress_callback_cancels_and_releases_the_lock(selection: FullResolution) -> None:
    def cancel(done: float, caption: str) -> None:
        raise KeyboardInterrupt

    clean, noisy = corrupt_image(selection)
    with pytest.raises(KeyboardInterrupt):
        denoise(clean, noisy, selection.model, cancel)
    with resources.compute_lock(lambda: pytest.fail("the lock is still held")):
        pass


def test_waiting_for_another_computation_is_shown(selection: FullResolution, monkeypatch: pytest.MonkeyPatch) -> None:
    captions: list[str] = []

    @contextmanager
    def lock(waiting=lambda: None) -> Iterator[None]:  # type: ignore[no-untyped-def]
        waiting()
        yield

    monkeypatch.setattr(full_resolution.resources, "compute_lock", lock)
    denoise(*corrupt_image(selection), selection.model, lambda done, caption: captions.append(caption))
    assert captions[0].startswith("Waiting") and captions[-1].endswith("100%")


def test_an_unchanged_image_has_an_infinite_psnr() -> None:
    clean = torch.rand(1, 3, 600, 5, generator=torch.Generator())
    result = compare(clean, clean, clean)
    assert result.psnr_db == result.noisy_psnr_db == math.inf
    assert compare(clean, clean * 0.5).denoised is None


@pytest.mark.parametrize(
    ("noise", "expected"),
    [
        (NOISE, ", not Gaussian 0.3."),
        (NoiseSpec("gaussian", 0.5), "."),
        (NoiseSpec("masking", 0.5), ", not Masking 0.5."),
        (NoiseSpec("camera", 0.5), ", not Camera 0.5."),
    ],
)
def test_summary_names_the_noise_that_the_model_was_trained_on(
    selection: FullResolution, noise: NoiseSpec, expected: str
) -> None:
    gray = Image.new("L", (4, 4))
    result = FullResolutionResult("", 20.0, ("", ""), gray, 22.0)
    other = FullResolution(gray, selection.model, noise, 0)
    summary = full_resolution.summarize(result, other)
    assert summary == f"**2.0 dB clearer.** This model was trained on Gaussian 0.5{expected}"
