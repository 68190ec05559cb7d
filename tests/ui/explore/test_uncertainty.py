"""The rows of the predicted error: their models, noise levels and PSNR values."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
import torch
from PIL import Image

from dae.evaluation import make_denoiser, psnr_db
from dae.imagination import posterior_variance, predicted_psnr_db
from dae.noise import NoiseSpec, corrupt
from dae.runs import run_training
from dae.ui import model_options, resources
from dae.ui.explore.gallery.sprites import Gallery, ImageSelection, compute_sprites
from dae.ui.explore.gallery.uncertainty import uncertainty_rows
from dae.utils.random import make_generator
from tests.helpers import new_run
from tests.ui.apps import opened, shown

STEP = 25


@pytest.fixture(scope="module")
def unclipped_runs(photos: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a runs folder with a model for clipped noise and one for unclipped noise of level 0.5."""
    root = tmp_path_factory.mktemp("unclipped")
    for name, noise in (("clipped", "gaussian:0.5"), ("unclipped", "gaussian:0.5:unclipped")):
        for _ in run_training(new_run(root, photos, name=name, noise=NoiseSpec.parse(noise), epochs=20)):
            pass
    return root


@pytest.fixture
def gallery(unclipped_runs: Path, photos: str, monkeypatch: pytest.MonkeyPatch) -> Gallery:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(unclipped_runs))
    options = model_options.model_options(resources.images(photos, "test"))
    models = options["clipped"], options["unclipped"]
    return Gallery(models, ImageSelection(photos, (5, 0)), NoiseSpec("gaussian", 0.5), 4, ("unclipped",))


def test_only_the_model_trained_on_unclipped_noise_receives_it_with_the_same_seed(gallery: Gallery) -> None:
    plain, unclipped = compute_sprites(replace(gallery, unclipped=())), compute_sprites(gallery)
    assert (plain.noisy, plain.denoised[0]) == (unclipped.noisy, unclipped.denoised[0])
    images = gallery.images.image_set()
    noisy = corrupt(gallery.images.clean(), NoiseSpec.parse("gaussian:0.5:unclipped"), make_generator(4))
    expected = psnr_db(make_denoiser(resources.checkpoint("unclipped"), images)(noisy), gallery.images.clean())
    assert unclipped.denoised[1].psnr_db[STEP] == pytest.approx(expected.tolist())


def test_the_row_shows_the_prediction_at_the_selected_level(gallery: Gallery) -> None:
    sprites = compute_sprites(gallery)
    shown_rows = uncertainty_rows(gallery, sprites, "slider", st.empty())
    row = shown_rows.rows[1]
    assert list(shown_rows.rows) == [1]
    noisy = corrupt(gallery.images.clean(), NoiseSpec.parse("gaussian:0.5:unclipped"), make_generator(4))
    network = resources.checkpoint("unclipped").model
    *_, variance = posterior_variance(network, noisy, 0.5, make_generator(1))
    expected_db = predicted_psnr_db(variance)
    assert [float(number) for number in row.numbers[STEP]] == pytest.approx(expected_db.tolist(), abs=0.06)
    true_db = sprites.denoised[1].mean_psnr_db[STEP]
    predicted_db = float(row.words[STEP].split(" dB")[0])
    assert row.words[STEP].endswith(f"dB predicted, {true_db:.1f} true")
    assert ("poor for" in shown_rows.note) == (abs(predicted_db - true_db) > 1)
    assert row.words[STEP + 1] == "not trained for this level" and row.words[0] == "no noise added"
    with Image.open(io.BytesIO(row.sheet)) as sheet:
        pixels = torch.from_numpy(np.array(sheet)).view(-1, 28, 56, 3)
    # Elsewhere the row is a uniform gray.
    assert pixels[STEP].unique().numel() > 10 and pixels[STEP + 1].unique().numel() <= 2


def test_no_error_is_predicted_at_a_level_without_training(gallery: Gallery) -> None:
    other = replace(gallery, noise=NoiseSpec("gaussian", 0.3))
    row = uncertainty_rows(other, compute_sprites(other), "slider", st.empty()).rows[1]
    assert row.words[15] == "not trained for this level" and not any(row.numbers[15])


def test_the_prediction_for_a_user_image_equals_that_for_the_same_test_image(gallery: Gallery) -> None:
    test = ImageSelection(gallery.images.dataset, (5,))
    user = replace(test, indices=(0,), user_pixels=test.clean()[0].numpy().tobytes())
    sprites = compute_sprites(replace(gallery, images=test))
    first, second = (
        uncertainty_rows(replace(gallery, images=images), sprites, "slider", st.empty()).rows[1]
        for images in (test, user)
    )
    assert first.sheet == second.sheet and first.numbers == second.numbers


def test_the_page_offers_a_suitable_model_and_keeps_the_toggle_in_the_address(
    unclipped_runs: Path, photos: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(unclipped_runs))
    app = opened("pages/explore.py", models=["clipped"], noise="Masking", sure="true")
    assert not [toggle for toggle in app.toggle if toggle.key == "sure"]
    app = opened("pages/explore.py", models=["clipped"], sure="true")
    assert app.toggle(key="sure").value and "No selected model was trained on unclipped" in shown(app)
    app.button(key="sure_add").click()
    app.run()
    assert not app.exception and not app.error
    assert app.multiselect(key="models").value == ["clipped", "unclipped"] and "true" in app.query_params["sure"]
    assert "Black: certain" in shown(app)
