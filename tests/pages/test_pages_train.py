"""Train, run without a browser: what its chart says of runs, and starting races."""

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
from dae.recipes import RECIPES
from dae.recording import record
from dae.runs import RunDirectory, list_runs
from dae.training import Report, Scores
from dae.ui import actions, curves, launch, shared
from tests.conftest import ROOT, new_run, small
from tests.pages.apps import opened, shown


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the chart is told, each time it is drawn."""
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(curves, "live_chart", lambda figure, **keywords: told.append(keywords))
    return told


def test_a_run_without_noise_has_a_logarithmic_axis_and_no_gain(
    drawn: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(ROOT / "checkpoints"))
    app = opened("pages/train.py", runs="code-clean")
    app.toggle(key="curve_log").set_value(True)
    app.run()
    assert not app.exception and not app.error
    assert drawn[-1]["bars"][0].text.endswith("there is no noise to take away")


@pytest.mark.parametrize(("noise", "comparable"), [("gaussian:0.5", True), ("gaussian:0.1", False)])
def test_only_runs_on_the_same_pictures_have_a_leader(
    noise: str, comparable: bool, drawn: list[dict[str, Any]], photos: str, tmp_path: Path
) -> None:
    for name, spec in (("one", "gaussian:0.5"), ("other", noise)):
        list(record(new_run(tmp_path / "runs", photos, name, noise=NoiseSpec.parse(spec), seed=len(name))))
    opened("pages/train.py", runs=["one", "other"])
    assert ("After epoch 3" in drawn[-1]["words"]) is comparable


def test_what_is_left_of_a_race_is_that_of_all_who_take_turns(
    photos: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = Scores(0.1, 10.0, 0.5)
    reports = {"fast": Report(1, 3, 3, 9, 2.0, 0.1, 9.0, scores), "slow": Report(1, 3, 3, 9, 20.0, 0.1, 9.0, scores)}
    runs = [new_run(tmp_path, photos, name) for name in reports]
    for run in runs:
        run.append(reports[run.name])
    progress = {run.name: run.progress() for run in runs}
    assert curves._left(runs[0], progress) == "4 s left"
    monkeypatch.setattr(shared.lab(), "jobs", lambda: [("fast", "slow")])
    assert curves._left(runs[0], progress) == curves._left(runs[1], progress) == "44 s left for the race"
    assert curves._left(runs[0], {"fast": progress["fast"]}) == curves._left(runs[0], progress | {"slow": []}) == ""


def test_a_race_of_which_one_name_is_taken_leaves_nothing_behind(photos: str, tmp_path: Path) -> None:
    new_run(tmp_path / "runs", photos, "demo-conv-64")
    actions.action(launch._start)(
        actions.wanted(), {model: small(dataset=photos, model=model) for model in ("linear-32", "conv-64")}, "demo"
    )
    assert "There is a run 'demo-conv-64' already" in actions.wanted().problem
    assert [run.name for run in list_runs()] == ["demo-conv-64"] and not shared.lab().jobs()
    del st.session_state["wanted"]


def test_what_went_wrong_stands_until_the_next_action_on_the_page(photos: str, tmp_path: Path) -> None:
    for name in ("one", "other"):
        list(record(new_run(tmp_path / "runs", photos, name)))
    app = opened("pages/train.py", runs="one")
    for name, stands in (("other", True), ("third", False), ("other", True)):
        app.text_input[0].set_value(name)
        next(button for button in app.button if button.label == "Rename").click()
        for _ in range(3):  # drawn again, as a run that changes its state has the page drawn
            app.run()
            assert [error.value[:24] for error in app.error] == ["There is a run 'other' a"] * stands
    app.switch_page("pages/explore.py").run()
    assert not app.switch_page("pages/train.py").run().error


def test_a_repeat_that_was_stopped_does_not_stand_in_for_the_finished_run(photos: str, tmp_path: Path) -> None:
    for name in ("whole", "stopped"):
        recording = record(new_run(tmp_path / "runs", photos, name))
        for report in recording:
            if name == "stopped" and report.epoch == 1:
                recording.close()
    images = shared.images(photos, "test")
    assert shared.usual(shared.choices(images), ("linear",)) == ["whole"]


def test_a_training_that_changes_a_recipe_does_not_stand_in_for_it(
    photos: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(RECIPES["mnist-linear"], config=small())
    monkeypatch.setitem(RECIPES, "mnist-linear", recipe)
    for name, changes in [
        ("first", {"seed": 1}),
        ("other-noise", {"noise": NoiseSpec("masking", 0.5)}),
        ("short", {"epochs": 1}),
    ]:
        config = small(dataset=photos, **changes)
        list(record(RunDirectory.create(config, root=tmp_path / "runs", name=name, recipe="mnist-linear")))
    images = shared.images(photos, "test")
    assert shared.usual(shared.choices(images), ("linear",)) == ["first"]


def test_a_link_to_a_run_on_other_pictures_than_those_last_seen_shows_it(
    photos: str, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))
    app = opened("pages/explore.py", data="Drawn digits")
    app.switch_page("pages/train.py").run()
    app.query_params["data"] = shared.label(photos)
    app.query_params["models"] = ["small-conv-64"]
    app.switch_page("pages/explore.py").run()
    assert not app.exception and app.multiselect(key="models").value == ["small-conv-64"]


def test_two_folders_of_one_name_are_told_apart(photos: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = photos.replace("@28", "@32")
    monkeypatch.setattr(shared, "available_datasets", lambda: [photos, other])
    list(record(new_run(tmp_path / "runs", photos, "run")))
    app = opened("pages/compare.py", data=photos)
    assert app.selectbox(key="data").options == [photos, other] and app.selectbox(key="data").value == photos
    assert not app.error and "run" in shown(app) + str(app.multiselect(key="compared").value)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere pages do not step aside")
def test_pages_step_aside_and_the_training_thread_does_not() -> None:
    mine = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    opened("pages/train.py")
    (trainer,) = (thread for thread in threading.enumerate() if thread.name == "dae-lab")
    assert os.getpriority(os.PRIO_PROCESS, trainer.native_id or 0) == mine


def test_a_press_that_arrives_twice_counts_once() -> None:
    pressed: list[str] = []
    button = actions.action(pressed.append)
    button("start")
    button("start")  # once with the timer of a part of the page, once for itself
    assert pressed == ["start"]


def test_a_press_whose_callback_is_ended_before_it_does_anything_counts_when_it_arrives_again() -> None:
    pressed: list[str] = []

    def act(name: str) -> None:
        pressed.append(name)
        if len(pressed) == 1:
            raise RerunException(RerunData())

    button = actions.action(act)
    with pytest.raises(RerunException):
        button("start")
    button("start")
    assert pressed == ["start", "start"]


def test_a_browser_that_has_not_heard_of_a_start_does_not_undo_what_it_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared.lab(), "start", lambda *runs: None)
    app = opened("pages/train.py")
    before = {key: app.session_state[key] for key in ("runs:0", "launcher:0", "curve_y:0")}
    assert before == {"runs:0": [], "launcher:0": True, "curve_y:0": "loss"}
    app.button(key="start-twins").click()
    app.run()
    for key, value in before.items():
        app.session_state[key] = value
    app.run()
    assert len(app.session_state["runs:1"]) == 2 and app.segmented_control(key="curve_y:1").value == "psnr_db"
    assert "start-twins" not in {button.key for button in app.button} and not app.exception
