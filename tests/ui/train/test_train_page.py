"""The Train page without a browser: its chart, starts, errors, and links to the other pages."""

import os
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.runtime.scriptrunner_utils.exceptions import RerunException
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

from dae.noise import NoiseSpec
from dae.runs import Run, list_runs, run_training
from dae.training import RECIPES
from dae.ui import model_options, resources, selectors, server_tuning
from dae.ui.shell import actions
from dae.ui.train import curves, launcher
from tests.helpers import ROOT, new_run, small_config
from tests.ui.apps import opened, shown


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return the arguments of every call of the chart."""
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(curves, "live_chart", lambda figure, **arguments: calls.append(arguments))
    return calls


def test_run_without_noise_has_a_log_axis_and_no_gain(
    drawn: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(ROOT / "checkpoints"))
    app = opened("pages/train.py", runs="code-clean")
    app.segmented_control(key="curve_y").set_value("Loss, log scale")
    app.run()
    assert not app.exception and not app.error
    assert any("No noise added." in text.value for text in app.markdown) and len(drawn) == 2


@pytest.mark.parametrize(("noise", "comparable"), [("gaussian:0.5", True), ("gaussian:0.1", False)])
def test_only_runs_on_the_same_images_and_noise_have_a_leader(
    noise: str, comparable: bool, drawn: list[dict[str, Any]], photos: str, tmp_path: Path
) -> None:
    for name, spec in (("one", "gaussian:0.5"), ("other", noise)):
        list(run_training(new_run(tmp_path / "runs", photos, name, noise=NoiseSpec.parse(spec), seed=len(name))))
    app = opened("pages/train.py", runs=["one", "other"])
    assert any(text.value.endswith(" dB.") for text in app.markdown) is comparable and len(drawn) == 1


def test_race_with_a_taken_name_creates_no_run(photos: str, tmp_path: Path) -> None:
    new_run(tmp_path / "runs", photos, "demo-conv-64")
    actions.presenter_callback(launcher._start)(
        actions.page_state(),
        {model: small_config(dataset=photos, model=model) for model in ("linear-32", "conv-64")},
        "demo",
    )
    assert "There is a run 'demo-conv-64' already" in actions.page_state().problem
    assert [run.name for run in list_runs()] == ["demo-conv-64"] and not resources.training_queue().jobs()
    del st.session_state["page_state"]


def test_error_stays_until_the_next_action_on_the_page(photos: str, tmp_path: Path) -> None:
    for name in ("one", "other"):
        list(run_training(new_run(tmp_path / "runs", photos, name)))
    app = opened("pages/train.py", runs="one")
    for name, stands in (("other", True), ("third", False), ("other", True)):
        app.text_input[0].set_value(name)
        next(button for button in app.button if button.label == "Rename").click()
        # A run that changes its state reruns the page.
        for _ in range(3):
            app.run()
            assert [error.value[:24] for error in app.error] == ["There is a run 'other' a"] * stands
    app.switch_page("pages/explore.py").run()
    assert not app.switch_page("pages/train.py").run().error


def test_default_model_is_a_finished_run_rather_than_a_stopped_one(photos: str, tmp_path: Path) -> None:
    for name in ("finished", "stopped"):
        recording = run_training(new_run(tmp_path / "runs", photos, name))
        for report in recording:
            if name == "stopped" and report.epoch == 1:
                recording.close()
    images = resources.images(photos, "test")
    assert model_options.default_options(model_options.model_options(images)) == ["finished"]


def test_default_model_follows_its_recipe(photos: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = replace(RECIPES["mnist-linear"], config=small_config())
    monkeypatch.setitem(RECIPES, "mnist-linear", recipe)
    for name, changes in [
        ("first", {"seed": 1}),
        ("other-noise", {"noise": NoiseSpec("masking", 0.5)}),
        ("short", {"epochs": 1}),
    ]:
        config = small_config(dataset=photos, **changes)
        list(run_training(Run.create(config, root=tmp_path / "runs", name=name, recipe="mnist-linear")))
    images = resources.images(photos, "test")
    assert model_options.default_options(model_options.model_options(images)) == ["first"]


def test_link_to_a_run_on_another_data_set_shows_that_run(
    photos: str, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))
    app = opened("pages/explore.py", data="Drawn digits")
    app.switch_page("pages/train.py").run()
    app.query_params["data"] = selectors.dataset_option(photos)
    app.query_params["models"] = ["small-conv-64"]
    app.switch_page("pages/explore.py").run()
    assert not app.exception and app.multiselect(key="models").value == ["small-conv-64"]


def test_folders_of_the_same_name_have_their_full_path_as_label(
    photos: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = photos.replace("@28", "@32")
    monkeypatch.setattr(resources, "available_datasets", lambda: [photos, other])
    list(run_training(new_run(tmp_path / "runs", photos, "run")))
    app = opened("pages/compare.py", data=photos)
    assert app.selectbox(key="data").options == [photos, other] and app.selectbox(key="data").value == photos
    assert not app.error and "run" in shown(app) + str(app.multiselect(key="compared").value)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has priorities of single threads")
def test_pages_have_a_lower_priority_than_the_training_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_tuning, "_NICE", 10)
    priority = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    # The server creates the queue before it serves a page.
    resources.training_queue()
    opened("pages/train.py")
    (trainer,) = (thread for thread in threading.enumerate() if thread.name == "dae-training")
    assert os.getpriority(os.PRIO_PROCESS, trainer.native_id or 0) == priority


def test_button_press_that_arrives_twice_counts_once() -> None:
    pressed: list[str] = []
    button = actions.presenter_callback(pressed.append)
    button("start")
    # A browser sends a press with the timer of a fragment, and by itself.
    button("start")
    assert pressed == ["start"]


def test_button_press_counts_again_if_a_rerun_interrupted_its_callback() -> None:
    pressed: list[str] = []

    def act(name: str) -> None:
        pressed.append(name)
        if len(pressed) == 1:
            raise RerunException(RerunData())

    button = actions.presenter_callback(act)
    with pytest.raises(RerunException):
        button("start")
    button("start")
    assert pressed == ["start", "start"]


def test_the_first_training_and_a_renamed_one_appear_on_other_screens(photos: str, tmp_path: Path) -> None:
    app = opened("pages/train.py")
    assert app.multiselect(key="runs:0").value == []
    run = new_run(tmp_path / "runs", photos, "first")
    list(run_training(run))
    app.run()
    assert app.multiselect(key="runs:0").value == ["first"]
    run.rename("renamed")
    app.run()
    assert app.multiselect(key="runs:0").value == ["renamed"]
    app.multiselect(key="runs:0").set_value([])
    app.run()
    assert app.multiselect(key="runs:0").value == [] and not app.exception


def test_outdated_widget_values_of_a_browser_do_not_undo_a_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources.training_queue(), "start", lambda *runs: None)
    app = opened("pages/train.py")
    assert app.session_state["runs:0"] == []
    app.button(key="start-quick-conv").click()
    app.run()
    app.session_state["runs:0"] = []
    app.run()
    assert app.session_state["runs:1"] == ["quick-conv"] and not app.exception
