"""Test the pages without a browser: they open, they react, and no input ends in a traceback."""

import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dae.runs import Run, list_runs, run_training
from dae.training import RECIPES
from dae.ui import resources, selectors
from dae.ui.shell.page import PAGES
from dae.ui.train.launcher import SIDE_BY_SIDE_TRAININGS
from tests.helpers import new_run, small_config, wait_for
from tests.ui.apps import opened, shown


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_without_runs_and_shows_how_to_start(page: str) -> None:
    app = opened(page)
    assert len(app.title) == 1 and not app.error
    assert any("rain" in info.value for info in app.info) or page == "pages/train.py"


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_with_runs(page: str, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))
    app = opened(page)
    assert len(app.title) == 1 and not app.error and not app.warning


NAMES = ("data", "noise", "models", "page", "seed", "level", "strength_gaussian", "compared", "full", "runs")
INVALID = ("", "-1", "1e999", "nan", "../../etc", "<b>x</b>", "9" * 400, "\x00", "digits,digits", "0x1F")


# Every parameter has three of the values. `test_selectors.py` and `test_denoising.py` try more on the functions that
# read them, and the stress tests try random ones on a server.
@pytest.mark.parametrize("shift", [0, 3, 7])
@pytest.mark.parametrize("page", PAGES)
def test_invalid_query_parameters_never_break_a_page(
    page: str, shift: int, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))
    assert not opened(page, **dict(zip(NAMES, INVALID[shift:] + INVALID[:shift], strict=True))).error


@pytest.fixture
def _long_trainings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the trainings that cards start continue until they are stopped."""
    quick, race = RECIPES["quick-linear"], SIDE_BY_SIDE_TRAININGS["race"]
    monkeypatch.setitem(RECIPES, "quick-linear", replace(quick, config=replace(quick.config, epochs=10_000)))
    overrides = {**race.overrides, "epochs": 10_000}
    monkeypatch.setitem(SIDE_BY_SIDE_TRAININGS, "race", replace(race, overrides=overrides))


def test_train_starts_a_run_in_a_background_thread_and_shows_its_end(_long_trainings: None) -> None:
    app = opened("pages/train.py")
    app.button(key="start-quick-linear").click()
    app.run()
    assert not app.exception and not app.error
    (run,) = list_runs()
    assert run.recipe == "quick-linear" and app.session_state["runs:1"] == ["quick-linear"]
    wait_for(lambda: run.progress())
    resources.training_queue().stop(run.name)
    wait_for(lambda: run.state == "stopped")
    app.run()
    assert "stopped" in " ".join(text.value for text in app.markdown) and run.has_model


def test_a_race_starts_three_runs_as_one_job(_long_trainings: None) -> None:
    app = opened("pages/train.py")
    app.button(key="start-race").click()
    app.run()
    assert sorted(run.recipe for run in list_runs()) == ["quick-conv", "quick-linear", "quick-unet"]
    assert len(resources.training_queue().jobs()) == 1 and len(app.session_state["runs:1"]) == 3


def test_the_twins_differ_only_in_their_target() -> None:
    app = opened_dialog("recipes")
    app.button(key="start-twins").click()
    app.run()
    clean, noisy = sorted((run.config for run in list_runs()), key=lambda config: config.target)
    assert (clean.target, noisy.target) == ("clean", "noisy") and replace(noisy, target="clean") == clean
    assert not app.warning and not app.error


def opened_dialog(name: str) -> AppTest:
    """Open a dialog of the Train page."""
    app = opened("pages/train.py")
    app.button(key=f"open-{name}").click()
    return app.run()


def labelled(elements: Iterable[Any], label: str) -> Any:
    return next(element for element in elements if element.label == label)


def test_every_setting_of_the_custom_form_reaches_the_run() -> None:
    app = opened_dialog("custom")
    labelled(app.multiselect, "Model (choose several for a race)").set_value(["conv-flat"])
    labelled(app.multiselect, "Noise (choose several to mix)").set_value(["gaussian", "masking"])
    labelled(app.slider, "Noise level").set_value((0.1, 0.6))
    labelled(app.checkbox, "Clip noisy images to [0, 1]").uncheck()
    labelled(app.selectbox, "Optimizer").set_value("muon")
    labelled(app.number_input, "Training images (0 for all)").set_value(9)
    labelled(app.button, "Start training").click()
    app.run()
    (config,) = (run.config for run in list_runs())
    assert str(config.noise) == "gaussian:0.1-0.6:unclipped+masking:0.1-0.6"
    assert (config.model, config.optimizer, config.max_images) == ("conv-flat", "muon", 9)


def test_a_training_starts_from_the_weights_of_another_run() -> None:
    base = Run.create(small_config(dataset="digits", model="linear-32", max_images=8, epochs=1), name="base")
    list(run_training(base))
    app = opened_dialog("custom")
    labelled(app.selectbox, "Start from").set_value("base")
    labelled(app.button, "Start training").click()
    app.run()
    assert "is 'linear-32' for gray images" in app.error[0].value and len(list_runs()) == 1
    app = opened_dialog("custom")
    labelled(app.selectbox, "Start from").set_value("base")
    labelled(app.multiselect, "Model (choose several for a race)").set_value(["linear-32"])
    labelled(app.button, "Start training").click()
    app.run()
    assert not app.error and [run.config.pretrained for run in list_runs()] == ["base", ""] and not app.exception


def test_the_run_shown_by_default_has_a_curve(photos: str, tmp_path: Path) -> None:
    list(run_training(new_run(tmp_path / "runs", photos, name="learns")))
    new_run(tmp_path / "runs", photos, name="waits")
    Run.create(small_config(dataset=photos, pretrained="learns"), recipe="mnist-blind", name="knows")
    assert opened("pages/train.py").session_state["runs:0"] == ["learns"]


def test_invalid_settings_show_an_error_and_start_no_training() -> None:
    app = opened_dialog("custom")
    labelled(app.selectbox, "Target").set_value("noisy")
    labelled(app.button, "Start training").click()
    app.run()
    assert "needs noise that averages to zero. Uncheck" in app.error[0].value and not list_runs()


def test_a_stopped_run_can_be_renamed_and_deleted(photos: str, tmp_path: Path) -> None:
    new_run(tmp_path / "runs", photos, name="old").status.set("stopped")
    app = opened("pages/train.py", runs="old")
    app.text_input(key="name-old").set_value("../")
    app.run()
    app.button(key="rename-old").click()
    app.run()
    assert "cannot name a run" in app.error[0].value and list_runs()[0].name == "old"
    app.text_input(key="name-old").set_value("New!")
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


def test_a_failed_run_shows_the_reason(photos: str, tmp_path: Path) -> None:
    run = new_run(tmp_path / "runs", photos)
    run.status.set("failed", "Training diverged in epoch 2: the loss became nan.")
    app = opened("pages/train.py", runs="run")
    assert "diverged in epoch 2" in app.error[0].value


def test_a_run_whose_server_died_is_interrupted_and_can_be_resumed(photos: str, tmp_path: Path) -> None:
    run = new_run(tmp_path / "runs", photos, name="left")
    # No process holds its lock.
    run.status.set("running")
    app = opened("pages/train.py", runs="left")
    assert any("interrupted" in text.value for text in app.markdown)
    app.button(key="resume-left").click()
    app.run()
    wait_for(lambda: run.state == "finished")


def test_damaged_runs_do_not_break_pages(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, photos: str
) -> None:
    shutil.copytree(trained, tmp_path / "runs")
    damaged = new_run(tmp_path / "runs", photos, name="damaged")
    damaged.model_path.write_bytes(b"no weights at all")
    newer = new_run(tmp_path / "runs", photos, name="newer")
    (newer.path / "config.json").write_text('{"format": 99}')
    for page, key in {"train": "runs:0", "explore": "models", "compare": "compared"}.items():
        app = opened(f"pages/{page}.py", data=selectors.dataset_option(photos))
        assert not app.error and "small-conv-64" in str(app.multiselect(key=key).options)
    assert not opened("dashboard.py").error


def test_runs_that_cannot_be_used_are_named_to_presenters_only(
    photos: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = new_run(tmp_path / "runs", photos, name="newer")
    (newer.path / "config.json").write_text('{"format": 99}')
    monkeypatch.setenv("DAE_CHECKPOINTS", str(tmp_path / "runs"))
    assert "1 run cannot be used. newer: " in shown(opened("pages/train.py"))
    monkeypatch.setenv("DAE_PRESENTER_KEY", "sesame")
    assert "newer" not in shown(opened("pages/train.py"))


@pytest.mark.parametrize("page", ["pages/explore.py", "pages/compare.py"])
def test_a_run_deleted_during_a_session_does_not_break_pages(
    page: str, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "own"
    shutil.copytree(trained, root)
    monkeypatch.setenv("DAE_CHECKPOINTS", str(root))
    key = "models" if page == "pages/explore.py" else "compared"
    app = opened(page, **{key: ["small-linear-32", "small-conv-64"]})
    shutil.rmtree(root / "small-conv-64")
    app.run()
    assert not app.exception and not app.error
    assert app.multiselect(key=key).value == ["small-linear-32"]
    (root / "small-linear-32" / "model.safetensors").write_bytes(b"cut")
    app.run()
    assert not app.exception and app.multiselect(key=key)
