"""The pages, run without a browser: they open, they react, and nothing a user does ends in a traceback."""

import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dae.recording import record
from dae.runs import RunDirectory, list_runs
from dae.ui import shared
from tests.conftest import ROOT, new_run, small, wait_for
from tests.pages.apps import opened

PAGES = ("dashboard.py", "pages/train.py", "pages/explore.py", "pages/compare.py")
FEW = 48


@pytest.fixture(autouse=True)
def _few(few_pictures: None) -> None:
    """What comes out does not matter here."""


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_without_a_run_and_says_what_to_do(page: str) -> None:
    app = opened(page)
    assert len(app.title) == 1 and not app.error
    assert any("rain" in info.value for info in app.info) or page == "pages/train.py"


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_with_runs(page: str, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))
    app = opened(page)
    assert len(app.title) == 1 and not app.error and not app.warning


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    "nonsense", ["", "-1", "1e999", "nan", "../../etc", "<b>x</b>", "9" * 400, "\x00", "digits,digits"]
)
def test_a_nonsense_address_never_breaks_a_page(
    page: str, nonsense: str, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))
    monkeypatch.setattr("dae.ui.contest.milliseconds", lambda *_: 1.0)
    names = ("data", "noise", "models", "page", "seed", "level", "strength_gaussian", "compared", "full", "runs")
    assert not opened(page, **dict.fromkeys(names, nonsense)).error


def test_train_starts_a_run_in_a_background_thread_and_shows_its_end(photos: str) -> None:
    app = opened("pages/train.py")
    app.button(key="start-quick-linear").click()
    app.run()
    assert not app.exception and not app.error
    (run,) = list_runs()
    assert run.recipe == "quick-linear" and app.session_state["runs:1"] == ["quick-linear"]
    wait_for(lambda: run.progress())
    shared.lab().stop(run.name)
    wait_for(lambda: run.state == "stopped")
    app.run()
    assert "stopped" in " ".join(text.value for text in app.markdown) and run.has_model


def test_a_race_starts_two_runs_as_one_job() -> None:
    app = opened("pages/train.py")
    app.button(key="start-race").click()
    app.run()
    assert sorted(run.recipe for run in list_runs()) == ["quick-conv", "quick-linear"]
    assert len(shared.lab().jobs()) == 1 and len(app.session_state["runs:1"]) == 2


def test_the_twins_are_alike_but_for_what_they_are_compared_with() -> None:
    app = opened("pages/train.py")
    app.button(key="start-twins").click()
    app.run()
    clean, noisy = sorted((run.config for run in list_runs()), key=lambda config: config.target)
    assert (clean.target, noisy.target) == ("clean", "noisy") and replace(noisy, target="clean") == clean
    assert app.session_state["curve_y:1"] == "psnr_db" and not app.warning  # the losses are not of the same thing


def labelled(elements: Iterable[Any], label: str) -> Any:
    return next(element for element in elements if element.label == label)


def test_every_setting_of_the_advanced_form_reaches_the_run() -> None:
    app = opened("pages/train.py")
    labelled(app.multiselect, "Model, or several for a race").set_value(["conv-flat"])
    labelled(app.multiselect, "Noise, or several kinds mixed").set_value(["gaussian", "masking"])
    labelled(app.slider, "Noise strength").set_value((0.1, 0.6))
    labelled(app.checkbox, "Cut at black and white").uncheck()
    labelled(app.selectbox, "Optimizer").set_value("muon")
    labelled(app.number_input, "Training pictures (0 for all)").set_value(9)
    labelled(app.button, "Start training").click()
    app.run()
    (config,) = (run.config for run in list_runs())
    assert str(config.noise) == "gaussian:0.1-0.6:unclipped+masking:0.1-0.6"
    assert (config.model, config.optimizer, config.images) == ("conv-flat", "muon", 9)


def test_a_training_begins_with_another_runs_weights() -> None:
    base = RunDirectory.create(small(dataset="digits", model="linear-32", images=8, epochs=1), name="base")
    list(record(base))
    app = opened("pages/train.py")
    labelled(app.selectbox, "Begin with").set_value("base")
    labelled(app.button, "Start training").click()
    app.run()
    assert "is 'linear-32' for grey pictures" in app.error[0].value and len(list_runs()) == 1
    app = opened("pages/train.py")
    labelled(app.selectbox, "Begin with").set_value("base")
    labelled(app.multiselect, "Model, or several for a race").set_value(["linear-32"])
    labelled(app.button, "Start training").click()
    app.run()
    assert not app.error and [run.config.pretrained for run in list_runs()] == ["base", ""] and not app.exception


def test_what_is_shown_first_has_a_curve_to_show(photos: str, tmp_path: Path) -> None:
    new_run(tmp_path / "runs", photos, name="learns")
    RunDirectory.create(small(dataset=photos, pretrained="learns"), recipe="mnist-blind", name="knows")
    assert opened("pages/train.py").session_state["runs:0"] == ["learns"]


def test_settings_that_do_not_go_together_are_told_and_start_nothing() -> None:
    app = opened("pages/train.py")
    labelled(app.selectbox, "Compared with").set_value("noisy")
    labelled(app.button, "Start training").click()
    app.run()
    assert "not: clipping and lost pixels shift the mean" in app.error[0].value and not list_runs()


def test_a_run_can_be_stopped_renamed_and_deleted(photos: str, tmp_path: Path) -> None:
    new_run(tmp_path / "runs", photos, name="old").status.set("stopped")
    app = opened("pages/train.py")
    app.text_input(key="name-old").set_value("../new")
    app.run()
    app.button(key="rename-old").click()
    app.run()
    assert "cannot name a run" in app.error[0].value and list_runs()[0].name == "old"
    app.text_input(key="name-old").set_value("new")
    app.run()
    app.button(key="rename-old").click()
    app.run()
    assert [run.name for run in list_runs()] == ["new"] and app.session_state["runs:1"] == ["new"]
    assert app.button(key="delete-new").disabled
    app.checkbox(key="sure-new").check()
    app.run()
    app.button(key="delete-new").click()
    app.run()
    assert not list_runs() and not app.exception


def test_a_failed_run_says_why(photos: str, tmp_path: Path) -> None:
    run = new_run(tmp_path / "runs", photos)
    run.status.set("failed", "Training diverged in epoch 2: the loss became nan.")
    app = opened("pages/train.py")
    assert "diverged in epoch 2" in app.error[0].value


def test_a_run_whose_server_died_is_interrupted_and_can_be_resumed(photos: str, tmp_path: Path) -> None:
    run = new_run(tmp_path / "runs", photos, name="left")
    run.status.set("running")  # and nobody holds it
    app = opened("pages/train.py")
    assert any("interrupted" in text.value for text in app.markdown)
    app.button(key="resume-left").click()
    app.run()
    wait_for(lambda: run.state == "finished")


def test_a_damaged_run_does_not_take_its_neighbours_along(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, photos: str
) -> None:
    shutil.copytree(trained, tmp_path / "runs")
    damaged = new_run(tmp_path / "runs", photos, name="damaged")
    damaged.model_path.write_bytes(b"no weights at all")
    newer = new_run(tmp_path / "runs", photos, name="newer")
    (newer.path / "config.json").write_text('{"format": 99}')
    monkeypatch.setattr("dae.ui.contest.milliseconds", lambda *_: 1.0)
    for page, whom in {"train": "runs:0", "explore": "models", "compare": "compared"}.items():
        app = opened(f"pages/{page}.py", data=shared.label(photos))
        assert not app.error and "small-conv-64" in str(app.multiselect(key=whom).options)
    assert not opened("dashboard.py").error


def test_every_run_of_the_project_can_be_read() -> None:
    for path in (ROOT / "checkpoints").glob("*/config.json"):
        run = RunDirectory(path.parent)
        assert run.config.model == run.load().name and run.progress() and run.state == "finished"


@pytest.mark.parametrize("page", ["pages/explore.py", "pages/compare.py"])
def test_a_run_that_is_deleted_meanwhile_leaves_the_rest_working(
    page: str, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "own"
    shutil.copytree(trained, root)
    monkeypatch.setenv("DAE_CHECKPOINTS", str(root))
    monkeypatch.setattr("dae.ui.contest.milliseconds", lambda *_: 1.0)
    key = "models" if page == "pages/explore.py" else "compared"
    app = opened(page, **{key: ["small-linear-32", "small-conv-64"]})
    shutil.rmtree(root / "small-conv-64")
    app.run()
    assert not app.exception and not app.error
    assert app.multiselect(key=key).value == ["small-linear-32"]
    (root / "small-linear-32" / "model.safetensors").write_bytes(b"cut")
    app.run()
    assert not app.exception and app.multiselect(key=key)
