"""Noise and drawings of the HTML file follow those of the package."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from dae.data.uploads import normalize_digit
from dae.html_demo.page import KINDS
from dae.noise import NoiseSpec, corrupt
from tests.html_demo.javascript import run_javascript

SHAPE = (3, 40, 50)
LEVELS = (0.0, 0.25, 0.9)


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, float], torch.Tensor]:
    """Return a noisy image of the scripts, (C, H, W), for every kind and level."""
    clean = torch.linspace(0.1, 0.9, 6000).tolist()
    cases = [(kind, level) for kind in KINDS for level in LEVELS]
    images = run_javascript(
        """data.cases.map(([kind, level]) =>
          Array.from(addNoise(Float32Array.from(data.clean), kind, level, data.shape, makeRandom(7))))""",
        {"clean": clean, "shape": SHAPE, "cases": cases},
        tmp_path_factory.mktemp("noise"),
    )
    return {case: torch.tensor(image).view(SHAPE) for case, image in zip(cases, images, strict=True)}


@pytest.mark.parametrize("kind", KINDS)
def test_noise_has_the_distribution_of_the_package(kind: str, noisy: dict[tuple[str, float], torch.Tensor]) -> None:
    clean = torch.linspace(0.1, 0.9, 6000).view(SHAPE)
    torch.testing.assert_close(noisy[kind, 0.0], clean)
    for level in LEVELS[1:]:
        actual = noisy[kind, level]
        expected = corrupt(clean[None], NoiseSpec(kind, level), torch.Generator().manual_seed(1))[0]
        assert actual.min() >= 0 and actual.max() <= 1
        if kind == "occlusion":
            # The place of the rectangle differs, its area does not; its border hides part of a pixel.
            hidden = (1 - actual / clean).mean((1, 2))
            torch.testing.assert_close(hidden, torch.full((3,), level), rtol=0, atol=0.005)
            continue
        # The standard error of these statistics over 6,000 values is below 0.007.
        assert (actual - clean).mean().item() == pytest.approx((expected - clean).mean().item(), abs=0.03)
        assert (actual - clean).std().item() == pytest.approx((expected - clean).std().item(), abs=0.03)


@pytest.mark.parametrize("kind", ["masking", "salt-and-pepper"])
def test_masking_and_salt_and_pepper_replace_all_channels_of_a_pixel(
    kind: str, noisy: dict[tuple[str, float], torch.Tensor]
) -> None:
    clean = torch.linspace(0.1, 0.9, 6000).view(SHAPE)
    changed = (noisy[kind, 0.25] - clean).abs() > 1e-6
    assert torch.equal(changed.all(0), changed.any(0)) and 0.2 < changed.float().mean() < 0.3


def test_psnr_is_in_decibels_and_infinite_for_identical_images(tmp_path: Path) -> None:
    values = run_javascript("[psnr([0, 1], [0.1, 0.9]), String(psnr([1], [1]))]", None, tmp_path)
    assert values == [pytest.approx(20), "Infinity"]


def drawing(*points: tuple[int, int], width: int = 22) -> Image.Image:
    image = Image.new("L", (280, 280))
    ImageDraw.Draw(image).line(points, fill=255, width=width, joint="curve")
    return image


def test_drawings_are_normalized_like_those_of_the_pages(tmp_path: Path) -> None:
    drawings = [
        drawing((60, 50), (200, 50), (110, 230)),
        drawing((20, 20), (24, 90), (60, 100), width=9),
        drawing((150, 130), (250, 140), (245, 160)),
        Image.new("L", (280, 280)),
    ]
    data: list[Any] = [(np.asarray(image) / 255).ravel().tolist() for image in drawings]
    prepared = run_javascript("data.map((ink) => Array.from(prepareDrawing(ink, 280, [1, 28, 28])))", data, tmp_path)
    for image, pixels in zip(drawings, prepared, strict=True):
        difference = torch.tensor(pixels).view(28, 28) - normalize_digit(image)[0, 0]
        # The resampling filters differ.
        assert difference.abs().mean() < 0.02
    (other,) = run_javascript("[Array.from(prepareDrawing(data[0], 280, [1, 14, 14]))]", data, tmp_path)
    assert len(other) == 14 * 14 and 0 < np.mean(other) < 0.5
