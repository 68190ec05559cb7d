"""The denoising view without Streamlit's runtime: sprites, summaries, downloads and the order of images."""

import io
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dae.evaluation import make_denoiser, make_filter
from dae.evaluation.denoisers import identity
from dae.noise import NOISES, NoiseSpec, corrupt
from dae.ui import model_options, resources
from dae.ui.explore.gallery import ordering
from dae.ui.explore.gallery import sprites as gallery_sprites
from dae.ui.explore.gallery.downloads import label_rows, psnr_table, stack_rows
from dae.ui.explore.gallery.inspector import crop_sprite
from dae.ui.explore.gallery.render import gallery_rows, summarize
from dae.ui.explore.gallery.sprites import Gallery, GallerySprites, ImageSelection, compute_sprites
from dae.ui.explore.level import parse_level
from dae.ui.model_options import ModelOption
from dae.utils.random import make_generator
from dae.viz.noise_sweep import NUM_LEVELS, SpriteSheet, levels
from tests.helpers import tiny_dataset

NOISE = NoiseSpec("gaussian", 0.5)


@pytest.fixture
def models(trained: Path, photos: str, monkeypatch: pytest.MonkeyPatch) -> tuple[ModelOption, ...]:
    """Return two runs and a filter."""
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))
    runs = model_options.model_options(resources.images(photos, "test")).values()
    return *runs, model_options.filter_option("median", photos)


@pytest.fixture
def gallery(models: tuple[ModelOption, ...], photos: str) -> Gallery:
    return Gallery(models, ImageSelection(photos, (5, 0, 3)), NOISE, seed=4)


def fake_sprites(noisy_db: float, *denoised_db: float) -> GallerySprites:
    """Return sprites without images, with the same PSNR at every level."""
    sheets = [SpriteSheet(b"", ((db,),) * NUM_LEVELS, (db,) * NUM_LEVELS) for db in (noisy_db, *denoised_db)]
    return GallerySprites(b"", sheets[0], tuple(sheets[1:]))


def pixels(image: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(image)).float().div(255)


@pytest.mark.parametrize(
    ("level", "parsed"),
    [("0.3", 0.3), ("0", 0.0), ("", 0.5), ("1e999", 0.5), ("nan", 0.5), ("-1", 0.5), ("<b>", 0.5), ("\x00", 0.5)],
)
def test_an_invalid_level_in_a_link_becomes_the_default(level: str, parsed: float) -> None:
    assert parse_level("gaussian", level) == parsed


@given(st.text() | st.floats().map(str), st.sampled_from(list(NOISES)))
def test_any_level_in_a_link_becomes_one_that_the_kind_allows(level: str, kind: str) -> None:
    assert NoiseSpec(kind, parse_level(kind, level)).level >= 0


def test_sprites_show_each_selected_image_at_each_level(gallery: Gallery) -> None:
    sprites = compute_sprites(gallery)
    images = resources.images(gallery.images.dataset, "test")
    clean = images.to_float([5, 0, 3])
    step = 25
    noisy = corrupt(clean, NOISE.with_level(levels(NOISE)[step]), make_generator(4))
    denoiser = make_denoiser(resources.checkpoint(gallery.models[0].name), images)
    for sheet, expected in ((sprites.noisy, identity(noisy)), (sprites.denoised[0], denoiser(noisy))):
        for column in range(3):
            shown = pixels(crop_sprite(sheet.png, images.shape, column, step))
            torch.testing.assert_close(shown, expected[column, 0], atol=0.6 / 255, rtol=0)
    assert torch.equal(pixels(crop_sprite(sprites.clean, images.shape, 1, 0)), clean[1, 0])
    assert sprites.gain_db(0, step) == sprites.denoised[0].mean_psnr_db[step] - sprites.noisy.mean_psnr_db[step]


def test_a_filter_uses_the_strength_tuned_near_each_level(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery_sprites, "tune_strength", lambda name, train, noise: 3 if noise.level < 0.5 else 5)
    sprites = compute_sprites(gallery)
    images = resources.images(gallery.images.dataset, "test")
    for step, strength in ((0, 3), (24, 3), (26, 5), (NUM_LEVELS - 1, 5)):
        noisy = corrupt(images.to_float([5, 0, 3]), NOISE.with_level(levels(NOISE)[step]), make_generator(4))
        shown = pixels(crop_sprite(sprites.denoised[-1].png, images.shape, 2, step))
        expected = make_filter("median", strength)(noisy)[2, 0]
        torch.testing.assert_close(shown, expected, atol=0.6 / 255, rtol=0)


def test_summary_names_the_best_model(gallery: Gallery) -> None:
    best = gallery.models[1].label
    assert summarize(gallery, fake_sprites(10, 18, 20.04, 15), 5, is_copy=False) == (
        f"**{best} wins here**: 10.0 dB clearer than the noisy images."
    )
    alone = replace(gallery, models=gallery.models[1:2])
    assert summarize(alone, fake_sprites(10, 20.04), 5, is_copy=False) == (
        f"**{best} helps**: 10.0 dB clearer than the noisy images."
    )
    worse = summarize(gallery, fake_sprites(30, 20, 28.8, 15), 5, is_copy=True)
    assert worse == f"**No model helps on these small copies**: the best, {best}, makes the images 1.2 dB worse."
    assert "invents details" in summarize(gallery, fake_sprites(5, 8, 9, 8), 5, is_copy=False)
    assert summarize(gallery, fake_sprites(math.inf, math.inf, 20, 20), 5, is_copy=False) == "No noise added."
    assert not summarize(gallery, fake_sprites(10, 18, 20, 15), 0, is_copy=False)
    assert not summarize(replace(gallery, models=()), fake_sprites(10), 5, is_copy=False)


def test_summary_never_warns_of_invented_details_for_a_filter(gallery: Gallery) -> None:
    assert "wins here" in summarize(gallery, fake_sprites(5, 6, 6, 9), 5, is_copy=False)


def test_an_empty_board_has_no_gains(gallery: Gallery) -> None:
    shape = gallery.images.clean().shape[1:]
    for board, has_gains in ((torch.zeros(shape), False), (torch.ones(shape), True)):
        images = replace(gallery.images, indices=(0,), user_pixels=board.numpy().tobytes())
        drawing = replace(gallery, images=images)
        noisy, *others = list(gallery_rows(drawing, fake_sprites(10, 18, 20, 15), {}))[1:]
        assert noisy.words == ("Gaussian noise",)
        assert len(others) == len(gallery.models)
        for row in others:
            assert any(row.words) == any(number for (number,) in row.numbers) == has_gains


def test_downloads_contain_all_rows_at_one_level(gallery: Gallery) -> None:
    sprites, step = compute_sprites(gallery), 20
    table = psnr_table(gallery, sprites, step)
    assert list(table["run"].unique()) == ["noisy", *(model.name for model in gallery.models)]
    assert list(table["image"][:3]) == [5, 0, 3] and set(table["noise"]) == {"gaussian:0.4"}
    assert table["psnr_db"][3] == sprites.denoised[0].psnr_db[step][0]
    stacked = stack_rows(sprites.clean, [sprites.noisy.png, sprites.denoised[0].png], step)
    assert stacked.size == (4 * 3 * 28, 4 * 3 * 28)
    shown = pixels(stacked.crop((0, 2 * 4 * 28, 4 * 28, 3 * 4 * 28)))[::4, ::4]
    with Image.open(io.BytesIO(label_rows(gallery, sprites, step))) as labeled:
        assert labeled.height == (2 + len(gallery.models)) * 4 * 28 and labeled.width > stacked.width
        margin = np.asarray(labeled.convert("L"))[:, : labeled.width - stacked.width]
    # A label at each row.
    assert all((rows < 128).any() for rows in np.split(margin, 2 + len(gallery.models)))
    assert torch.equal(shown, pixels(crop_sprite(sprites.denoised[0].png, (1, 28, 28), 0, step)))


def test_classes_are_selected_by_name() -> None:
    images = tiny_dataset(5)
    assert ordering.class_indices(images, "odd") == (1, 3)
    assert ordering.class_indices(images, ordering.ALL_CLASSES) == (0, 1, 2, 3, 4)


def test_images_are_sorted_by_psnr_or_by_difference(models: tuple[ModelOption, ...], photos: str) -> None:
    images = resources.images(photos, "test")
    first, second = (
        np.array(ordering._psnr_db(model.name, resources.weights_mtime(model.name), photos, NoiseSpec("gaussian", 0.5)))
        for model in models[:2]
    )
    assert ordering.sort_indices((7, 2, 4), (), images, NOISE) == (7, 2, 4)
    hardest = ordering.sort_indices((7, 2, 4), models[:1], images, NOISE)
    assert list(hardest) == sorted((2, 4, 7), key=lambda index: first[index])
    different = ordering.sort_indices(range(8), models[:2], images, NOISE)
    assert list(different) == sorted(range(8), key=lambda index: -abs(first - second)[index])
    assert ordering.sort_indices((7_000,), models[:1], images, NOISE) == ()
