"""Clean this image, run without a browser: samples, uploads, strengths, several images and files that fail."""

import io
import math
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from dae.data.image_file import decode_file
from dae.noise import NoiseSpec, corrupt
from dae.runs import run_training
from dae.ui.cleaning import jobs
from dae.ui.cleaning.jobs import clean_all, clean_step, cleaned_name, open_image
from dae.ui.cleaning.strengths import strengths
from dae.ui.cleaning.uploads import SAMPLES, Upload, sample_file
from dae.ui.cleaning.view import mismatches
from dae.ui.model_options import ModelOption, photo_options
from dae.utils.random import make_generator
from dae.viz.images import make_grid, to_png
from tests.benchmarks.photographs import photograph
from tests.helpers import gray_noise, new_run
from tests.ui.apps import opened, shown


@pytest.fixture(scope="module")
def unets(photos: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of runs: "plain", and "level" with a noise level as its input."""
    root = tmp_path_factory.mktemp("unets")
    for name, model in (("plain", "unet"), ("level", "level-unet")):
        list(run_training(new_run(root, photos, name=name, model=model, epochs=1)))
    return root


@pytest.fixture
def models(unets: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, ModelOption]:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(unets))
    return {option.name: option for option in photo_options()}


def noisy_png(side: int = 40, mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    gray_noise(side, side, 60).convert(mode).save(buffer, "PNG")
    return buffer.getvalue()


def estimated_noise(app: AppTest) -> str:
    return next(text.value for text in app.markdown if "Estimated noise: " in text.value)


def test_models_that_receive_a_noise_level_are_listed_first(models: dict[str, ModelOption]) -> None:
    assert list(models) == ["level", "plain"]


@pytest.mark.parametrize(("noise", "is_hinted"), [("camera:0.3", True), ("gaussian:0.1", False)])
def test_a_warning_is_shown_for_spatially_correlated_noise_only(
    noise: str, is_hinted: bool, models: dict[str, ModelOption]
) -> None:
    noisy = corrupt(photograph("chelsea")[..., :100, :100], NoiseSpec.parse(noise), make_generator(0))
    app = opened("pages/explore.py", pictures="Your image")
    app.file_uploader(key="upload").upload("mine.png", to_png(make_grid(noisy, 1)), "image/png")
    app.run()
    assert not app.exception
    assert any("Neighboring pixels seem to share this noise" in warning.value for warning in app.warning) == is_hinted


def test_no_warning_is_shown_for_camera_noise_with_a_model_trained_on_it(models: dict[str, ModelOption]) -> None:
    cleaning = open_image(noisy_png(), models["level"])
    cleaning.is_correlated = True
    assert mismatches(cleaning, models["level"])
    trained = replace(models["level"], noise=NoiseSpec.parse("gaussian:0-0.5+camera:0-0.5"))
    assert not mismatches(cleaning, trained)


def test_strengths_surround_the_estimate() -> None:
    levels = [strength.level for strength in strengths(0.1, takes_level=True)]
    assert levels == sorted(levels, key=float) and levels[0] == 0.05 and levels[-1] == 0.2
    assert [strength.level for strength in strengths(0.1, True) if strength.is_default] == [0.1]
    assert [strength.amount for strength in strengths(0.1, False) if strength.is_default] == [1]
    assert all(strength.level for strength in strengths(0.0, True))


@pytest.mark.parametrize("name", ["level", "plain"])
def test_an_image_is_cleaned_at_each_strength(name: str, models: dict[str, ModelOption]) -> None:
    cleaning, progress = open_image(noisy_png(mode="L"), models[name]), list[float]()
    assert cleaning.is_live and 0.1 < cleaning.level < 0.4
    for step in (0, len(cleaning.steps) - 1):
        clean_step(cleaning, step, models[name], progress.append)
    first, last = cleaning.restored.values()
    assert first.shape == last.shape == (1, 1, 40, 40) and not first.equal(last)
    assert progress[-1] == 1 and set(cleaning.views) == set(cleaning.restored)
    assert math.isfinite(jobs.estimate_quality(cleaning, 0, models[name]))


def test_only_the_latest_result_of_a_large_image_is_kept(
    models: dict[str, ModelOption], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_MAX_LIVE_PIXELS", 10)
    cleaning = open_image(noisy_png(), models["plain"])
    for step in (0, 1):
        clean_step(cleaning, step, models["plain"], lambda done: None)
    assert list(cleaning.restored) == list(cleaning.views) == [1]


def test_several_images_become_an_archive_and_failures_are_named(models: dict[str, ModelOption]) -> None:
    uploads = [Upload("a.png", noisy_png()), Upload("bad.jpg", b"none"), Upload("a.png", noisy_png(mode="L"))]
    archive, failures = clean_all(uploads, strengths(0.1, True)[3], models["level"], lambda done, caption: None)
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        assert files.namelist() == ["a-clean.png", "3-a-clean.png"]
        assert Image.open(io.BytesIO(files.read("3-a-clean.png"))).mode == "L"
    (failure,) = failures
    assert failure.startswith("bad.jpg: The file is damaged")


@pytest.mark.parametrize(("name", "step"), [("level", 0), ("level", 6), ("plain", 1)])
def test_the_archive_contains_what_the_page_shows(models: dict[str, ModelOption], name: str, step: int) -> None:
    content = noisy_png()
    cleaning = open_image(content, models[name])
    clean_step(cleaning, step, models[name], lambda done: None)
    uploads = [Upload("a.png", content)] * 2
    archive, _ = clean_all(uploads, cleaning.steps[step], models[name], lambda done, caption: None)
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        assert files.read("a-clean.png") == cleaning.file.encode(cleaning.restored[step])


def test_a_cleaned_file_is_named_after_its_source_with_a_writable_suffix() -> None:
    file = decode_file(noisy_png())
    names = [cleaned_name(name, file) for name in ("a.b.PNG", "noise.gif", "plain")]
    assert names == ["a.b-clean.PNG", "noise-clean.png", "plain-clean.png"]


@pytest.mark.parametrize("name", SAMPLES)
def test_each_sample_has_a_clean_and_a_noisy_version(name: str) -> None:
    clean, noisy = (np.asarray(Image.open(io.BytesIO(sample_file(name, is_noisy)))) for is_noisy in (False, True))
    assert clean.shape == noisy.shape and 10 < np.abs(clean.astype(float) - noisy).mean() < 25


def test_the_page_cleans_an_upload_and_rejects_other_files(
    models: dict[str, ModelOption], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The sample is cleaned at one strength instead of seven.
    monkeypatch.setattr(jobs, "_MAX_LIVE_PIXELS", 10_000)
    app = opened("pages/explore.py", pictures="Your image")
    assert "Upload a noisy image" in shown(app)
    png = noisy_png(24)
    app.file_uploader(key="upload").upload("mine.png", png, "image/png")
    app.run()
    assert not app.exception and not app.error
    assert estimated_noise(app)
    assert app.selectbox(key="clean_run").value == "level"
    # The latest of two choices counts.
    of_upload = estimated_noise(app)
    app.pills(key="sample").select("chelsea").run()
    assert estimated_noise(app) != of_upload
    app.file_uploader(key="upload").upload("again.png", png, "image/png")
    app.run()
    assert app.pills(key="sample").value is None and estimated_noise(app) == of_upload
    app.file_uploader(key="upload").upload("bad.png", b"none", "image/png")
    app.run()
    assert not app.exception and len(app.error) == 1 and "damaged" in app.error[0].value
