"""What the code knows, run without a browser: every part opens, reacts, and tells what it cannot do."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from dae import codes, probed
from dae.probed import Probes
from dae.recipes import CODE_FAMILY
from dae.recording import record
from dae.ui import shared, walk
from tests.conftest import ROOT, blobs, new_run
from tests.pages.apps import opened, shown

PARTS = ("Map", "Walk", "Features", "Noise matters")
VIEW = {"view": "What the code knows"}
NONSENSE = ("", "-1", "1e999", "<b>x</b>", "9" * 400, "\x00")
BOTH = ["small-linear-32", "small-conv-64"]


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer pictures and seeds: what is computed is tested elsewhere."""
    monkeypatch.setattr("dae.ui.knows.IMAGES", 60)
    monkeypatch.setattr("dae.ui.features.LABELS", (10, 50))
    monkeypatch.setattr("dae.ui.noise_matters._LABELS", (10, 50))
    monkeypatch.setattr("dae.ui.noise_matters.probes", _probes)
    monkeypatch.setattr("dae.finetune.LABELS", (50, 50))
    monkeypatch.setattr("dae.finetune.STEPS", 2)
    monkeypatch.setattr("dae.ui.features.probes", _probes)


def _probes(dataset: str) -> Probes:
    images = shared.images(dataset, "train", 400), shared.images(dataset, "test", 100)
    return Probes(probed.Task(*images), 2)


@pytest.fixture
def runs(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))
    return trained


@pytest.mark.parametrize("part", PARTS)
def test_every_part_opens_with_runs_and_without(part: str, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened("pages/explore.py", part=part, **VIEW)
    assert not app.error and not app.warning
    monkeypatch.setenv("DAE_CHECKPOINTS", str(runs / "none"))
    app = opened("pages/explore.py", part=part, **VIEW)
    assert not app.error and "rain" in shown(app)


@pytest.mark.parametrize("nonsense", NONSENSE)
@pytest.mark.parametrize("part", [*PARTS, ""])
def test_a_nonsense_address_never_breaks_a_part(part: str, nonsense: str, runs: Path) -> None:
    names = ("map_by", "in_space", "noise", "walk_from", "walk_to", "walk_from_picture", "walk_to_picture", "models")
    assert not opened("pages/explore.py", part=part or nonsense, **VIEW, **dict.fromkeys(names, nonsense)).error


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_a_view_that_is_none_never_breaks_the_page(nonsense: str, runs: Path) -> None:
    assert not opened("pages/explore.py", view=nonsense, part=nonsense).error


def test_features_are_those_of_the_command_line(runs: Path) -> None:
    app = opened("pages/explore.py", part="Features", models=BOTH, **VIEW)
    table = app.dataframe[0].value.set_index("Learns from")
    kept = _probes("digits")
    run = shared.find_run(BOTH[1])
    (code,) = (learner for learner in probed.learners(run.name, run.load(), kept.task) if learner.way == probed.CODE)
    kept.measure(code, 50)
    row = kept.row(code, 50)
    assert row and table.loc["Conv (64 numbers), its code", "50 labels"].startswith(f"{row['accuracy']:.1%} ± ")
    assert list(table.columns) == ["Numbers", "10 labels", "50 labels"]
    assert {"Raw pixels", "PCA, 32 numbers", "PCA, 64 numbers", "Linear (32 numbers), untrained"} <= set(table.index)
    assert "With 50 labels a straight rule on the code of" in app.header[0].value
    assert "100 test pictures of Drawn digits" in shown(app) and "2 seeds" in shown(app)
    assert "from scratch" in app.dataframe[1].value["Learns from"].iloc[0]


def test_the_walk_ends_in_what_the_models_make_of_the_codes(runs: Path) -> None:
    app = opened("pages/explore.py", part="Walk", models=BOTH, **VIEW)
    test = shared.images("digits", "test", 60)
    assert app.selectbox(key="walk_from").value == "3" and app.selectbox(key="walk_to").value == "8"
    first = int((test.labels == 3).nonzero()[0])
    checkpoint = shared.checkpoint(BOTH[0])
    way = walk._decoded(BOTH[0], shared.version(BOTH[0]), "digits", 60, first, first + 1)
    ends = codes.encode(checkpoint.model, test.clean([first, first + 1]))
    torch.testing.assert_close(way[[0, -1]], codes.decode(checkpoint.model, ends, test.shape))
    app.selectbox(key="walk_to").set_value("1")
    app.run()
    assert not app.exception and not app.error


def test_a_u_net_takes_part_but_in_the_walk_it_is_said_why_not(tmp_path: Path, photos: str) -> None:
    shutil.copytree(ROOT / "checkpoints" / "digits-unet", tmp_path / "runs" / "digits-unet")
    app = opened("pages/explore.py", part="Walk", **VIEW)
    assert "U-Net cannot walk" in shown(app) and "Choose a linear or a convolutional model" in shown(app)
    assert not opened("pages/explore.py", part="Map", **VIEW).info


def test_a_code_that_is_too_large_is_told_and_the_others_stay(runs: Path, tmp_path: Path, photos: str) -> None:
    shutil.copytree(runs, tmp_path / "runs", dirs_exist_ok=True)
    list(record(new_run(tmp_path / "runs", photos, name="flat", model="conv-flat", epochs=1)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAE_CHECKPOINTS", str(tmp_path / "runs"))
        app = opened("pages/explore.py", part="Map", models=["flat", *BOTH], **VIEW)
        assert "25,088 numbers" in shown(app) and not app.error
        app = opened("pages/explore.py", part="Map", models=["flat"], **VIEW)
        assert "Choose at least one model" in shown(app)


@pytest.mark.parametrize("part", ["Map", "Walk", "Features"])
def test_a_folder_without_classes_and_with_few_pictures_is_no_problem(
    part: str, photos: str, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dae.ui.shared.available_datasets", lambda: [photos, "digits"])
    app = opened("pages/explore.py", part=part, **VIEW)
    assert app.selectbox(key="data").value == photos
    if part == "Features":
        assert "each subfolder is a class" in app.error[0].value
    else:
        assert not app.error


def test_two_pictures_are_too_few_for_a_map(tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for split in ("train", "test"):
        (tmp_path / "few" / split).mkdir(parents=True)
        for place, image in enumerate(blobs(2)[:, 0]):
            Image.fromarray(image.astype(np.uint8)).save(tmp_path / "few" / split / f"{place}.png")
    monkeypatch.setattr("dae.ui.shared.available_datasets", lambda: [f"folder:{tmp_path / 'few'}@28"])
    assert "at least 3 pictures" in opened("pages/explore.py", part="Map", **VIEW).error[0].value
    assert not opened("pages/explore.py", part="Walk", **VIEW).error


def test_noise_matters_names_what_is_missing_and_compares_what_is_there(tmp_path: Path, photos: str) -> None:
    app = opened("pages/explore.py", part="Noise matters", **VIEW)
    assert "dae train --recipe code-clean" in shown(app)
    for name in CODE_FAMILY:
        for _ in record(new_run(tmp_path / "runs", photos, name=name, model="unet", epochs=1)):
            pass
        about = tmp_path / "runs" / name / "config.json"
        about.write_text(json.dumps(json.loads(about.read_text()) | {"recipe": name}))
    app = opened("pages/explore.py", part="Noise matters", **VIEW)
    table = app.dataframe[0].value
    assert not app.info and len(table) == 3 + len(CODE_FAMILY)  # beside raw pixels, PCA and an untrained encoder
    assert "U-Net, much noise, its code" in set(table["Learns from"])
    assert "With 50 labels the code of U-Net, " in app.header[0].value
