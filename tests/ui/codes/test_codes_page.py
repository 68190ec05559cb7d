"""Inside the model, run without a browser: every view opens, reacts, and explains what it leaves out."""

import itertools
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from dae.models import MODELS
from dae.representation import cache, latent
from dae.representation.cache import ProbeCache
from dae.runs import run_training
from dae.training import RECIPES
from dae.training.recipes import NOISE_ABLATION_RECIPES
from dae.ui import resources
from dae.ui.codes import interpolation
from tests.helpers import ROOT, blobs, new_run
from tests.ui.apps import opened, shown

# One worker, whose tests share what they have measured.
pytestmark = pytest.mark.xdist_group("codes")
PARTS = ("Map", "Interpolation", "Linear probe", "Effect of noise")
VIEW = {"view": "Inside the model", "map_by": "PCA"}
NONSENSE = ("", "-1", "1e999", "<b>x</b>", "9" * 400, "\x00")
BOTH = ["small-linear-32", "small-conv-64"]


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use fewer images and seeds: the computations have tests of their own."""
    monkeypatch.setattr("dae.ui.codes.view.NUM_IMAGES", 60)
    monkeypatch.setattr("dae.ui.codes.linear_probe.LABEL_COUNTS", (10, 50))
    monkeypatch.setattr("dae.ui.codes.noise_ablation.LABEL_COUNTS", (10, 50))
    monkeypatch.setattr("dae.ui.codes.noise_ablation.probe_cache", _probes)
    monkeypatch.setattr("dae.representation.finetune.LABEL_COUNT_RANGE", (50, 50))
    monkeypatch.setattr("dae.representation.finetune.NUM_STEPS", 2)
    monkeypatch.setattr("dae.representation.finetune.LEARNING_RATES", (1e-3,))
    monkeypatch.setattr("dae.representation.linear_probe._INVERSE_REGULARIZATION", (0.1,))
    monkeypatch.setattr("dae.ui.codes.linear_probe.probe_cache", _probes)


def _probes(dataset: str) -> ProbeCache:
    images = resources.images(dataset, "train", 200), resources.images(dataset, "test", 100)
    return ProbeCache(cache.ProbeTask(*images), 2)


@pytest.fixture
def runs(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))
    return trained


@pytest.mark.parametrize("part", PARTS)
def test_every_view_opens_with_and_without_runs(part: str, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened("pages/explore.py", part=part, **VIEW)
    assert not app.error and not app.warning
    monkeypatch.setenv("DAE_CHECKPOINTS", str(runs / "none"))
    app = opened("pages/explore.py", part=part, **VIEW)
    assert not app.error and "rain" in shown(app)


# Every parameter has two of the values in every view.
@pytest.mark.parametrize("shift", [0, 3])
@pytest.mark.parametrize("part", [*PARTS, "<b>x</b>"])
def test_an_invalid_url_never_breaks_a_view(part: str, shift: int, runs: Path) -> None:
    names = ("map_by", "in_space", "noise", "walk_from", "walk_to", "walk_from_picture", "walk_to_picture", "models")
    values = dict(zip(names, itertools.cycle(NONSENSE[shift:] + NONSENSE[:shift]), strict=False))
    assert not opened("pages/explore.py", part=part, **(VIEW | values)).error


@pytest.mark.parametrize("nonsense", ["", "<b>x</b>"])
def test_an_unknown_view_never_breaks_the_page(nonsense: str, runs: Path) -> None:
    assert not opened("pages/explore.py", view=nonsense, part=nonsense).error


def test_the_table_shows_the_accuracies_of_the_probe_cache(runs: Path) -> None:
    app = opened("pages/explore.py", part="Linear probe", models=BOTH, **VIEW)
    table = app.dataframe[0].value.set_index("Input")
    probe_cache = _probes("digits")
    run = resources.find_run(BOTH[1])
    (code,) = (
        method
        for method in cache.probe_methods(run.name, run.load(), probe_cache.task)
        if method.method == cache.Method.CODE
    )
    probe_cache.compute(code, 50)
    row = probe_cache.summary_row(code, 50)
    assert row and table.loc[f"{MODELS['conv-64'].label}, code", "50 labels"].startswith(f"{row['accuracy']:.1%} ± ")
    assert list(table.columns) == ["Size", "10 labels", "50 labels"]
    assert {
        "Raw pixels",
        "PCA, 32 dimensions",
        "PCA, 64 dimensions",
        f"{MODELS['linear-32'].label}, untrained",
    } <= set(table.index)
    assert "With 50 labels, a linear classifier on the code of" in app.header[0].value
    assert "60 test images of Drawn digits" in shown(app) and "2 seeds" in shown(app)
    assert "from scratch" in app.dataframe[1].value["Input"].iloc[0]


def test_interpolation_starts_and_ends_at_the_decoded_images(runs: Path) -> None:
    app = opened("pages/explore.py", part="Interpolation", models=BOTH, **VIEW)
    test = resources.images("digits", "test", 60)
    assert app.selectbox(key="walk_from").value == "3" and app.selectbox(key="walk_to").value == "8"
    first = int((test.labels == 3).nonzero()[0])
    checkpoint = resources.checkpoint(BOTH[0])
    path = interpolation.decode_path(BOTH[0], resources.weights_mtime(BOTH[0]), "digits", 60, first, first + 1)
    ends = latent.encode(checkpoint.model, test.to_float([first, first + 1]))
    torch.testing.assert_close(path[[0, -1]], latent.decode(checkpoint.model, ends, test.shape))
    app.selectbox(key="walk_to").set_value("1")
    app.run()
    assert not app.exception and not app.error


def test_interpolation_leaves_out_a_u_net_with_a_reason(tmp_path: Path, photos: str) -> None:
    shutil.copytree(ROOT / "checkpoints" / "digits-unet", tmp_path / "runs" / "digits-unet")
    app = opened("pages/explore.py", part="Interpolation", **VIEW)
    assert "Left out: U-Net." in shown(app) and "Choose a linear or a convolutional model" in shown(app)
    assert not opened("pages/explore.py", part="Map", **VIEW).info


def test_a_model_with_a_large_code_is_left_out_with_a_reason(runs: Path, tmp_path: Path, photos: str) -> None:
    shutil.copytree(runs, tmp_path / "runs", dirs_exist_ok=True)
    list(run_training(new_run(tmp_path / "runs", photos, name="flat", model="conv-flat", epochs=1)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAE_CHECKPOINTS", str(tmp_path / "runs"))
        app = opened("pages/explore.py", part="Map", models=["flat", *BOTH], **VIEW)
        assert "25,088 numbers" in shown(app) and not app.error
        app = opened("pages/explore.py", part="Map", models=["flat"], **VIEW)
        assert "Choose at least one model" in shown(app)


@pytest.mark.parametrize("part", ["Map", "Interpolation", "Linear probe"])
def test_a_small_folder_without_classes_has_all_views_but_the_probe(
    part: str, photos: str, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dae.ui.resources.available_datasets", lambda: [photos, "digits"])
    app = opened("pages/explore.py", part=part, **VIEW)
    assert app.selectbox(key="data").value == photos
    if part == "Linear probe":
        assert "each subfolder is a class" in app.error[0].value
    else:
        assert not app.error


def test_a_map_needs_three_images(tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for split in ("train", "test"):
        (tmp_path / "few" / split).mkdir(parents=True)
        for index, image in enumerate(blobs(2)[:, 0]):
            Image.fromarray(image.astype(np.uint8)).save(tmp_path / "few" / split / f"{index}.png")
    monkeypatch.setattr("dae.ui.resources.available_datasets", lambda: [f"folder:{tmp_path / 'few'}@28"])
    assert "at least 3 images" in opened("pages/explore.py", part="Map", **VIEW).error[0].value
    assert not opened("pages/explore.py", part="Interpolation", **VIEW).error


def test_the_noise_ablation_lists_missing_recipes_and_compares_runs(tmp_path: Path, photos: str) -> None:
    app = opened("pages/explore.py", part="Effect of noise", **VIEW)
    assert "Not trained yet: Code, without noise" in shown(app)
    for name in NOISE_ABLATION_RECIPES:
        for _ in run_training(new_run(tmp_path / "runs", photos, name=name, model="unet", epochs=1)):
            pass
        path = tmp_path / "runs" / name / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"recipe": name}))
    app = opened("pages/explore.py", part="Effect of noise", **VIEW)
    table = app.dataframe[0].value
    # Besides the codes: raw pixels, PCA and an untrained encoder.
    assert not app.info and len(table) == 3 + len(NOISE_ABLATION_RECIPES)
    assert f"U-Net, {RECIPES['code-much'].label.removeprefix('Code, ')}, code" in set(table["Input"])
    assert "With 50 labels, the code of U-Net, " in app.header[0].value
