"""Train, where another program trains the run: it is watched, and asked to stop, through its directory alone."""

from pathlib import Path

import pytest

from dae.facts import Facts
from dae.runs import RunDirectory
from dae.training import Report
from dae.ui import curves
from tests.conftest import new_run
from tests.pages.apps import opened, shown


@pytest.fixture
def elsewhere(photos: str, tmp_path: Path) -> RunDirectory:
    """A run that says it is being trained; its lock is held by an object that no page knows."""
    run = new_run(tmp_path / "runs", photos, "elsewhere", pretrained="base")
    run.take()
    run.status.set("running")
    run.save_facts(Facts("CPU, 1 thread", {}, processes=2))
    run.append(Report(0, 3, 1, 9, 0.5, 0.25, 1234.0))
    return run


def test_it_is_watched_and_asked_to_stop(elsewhere: RunDirectory) -> None:
    app = opened("pages/train.py", runs="elsewhere")
    assert any("training" in text.value for text in app.markdown) and "another program" in shown(app)
    keys = {button.key for button in app.button}
    assert not {"hold-elsewhere", "resume-elsewhere"} & keys and not elsewhere.status.stop_requested
    app.button(key="stop-elsewhere").click()
    app.run()
    assert not app.exception and not app.error and elsewhere.status.stop_requested
    assert "asked to stop" in shown(app) and "stop-elsewhere" not in {button.key for button in app.button}
    elsewhere.status.set("stopped", "Stopped on request.")
    elsewhere.status.release()
    app.run()
    assert "Stopped on request." in shown(app) and "resume-elsewhere" in {button.key for button in app.button}


def test_its_processes_speed_and_first_weights_are_shown(elsewhere: RunDirectory) -> None:
    told = curves._facts(elsewhere, elsewhere.progress(), "3 s left")
    assert "3 s left" in told and "CPU, 1 thread, 2 processes" in told and "1,234 images a second" in told
    assert "began with the weights of base" in told


def test_a_run_that_ends_before_the_press_is_told(elsewhere: RunDirectory) -> None:
    app = opened("pages/train.py", runs="elsewhere")
    elsewhere.status.set("stopped")
    elsewhere.status.release()
    app.button(key="stop-elsewhere").click()
    app.run()
    assert "nothing to stop" in app.error[0].value and not elsewhere.status.stop_requested


def test_only_the_presenter_may_ask(elsewhere: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened("pages/train.py", runs="elsewhere")
    monkeypatch.setenv("DAE_PRESENTER_KEY", "sesame")
    assert "stop-elsewhere" not in {button.key for button in opened("pages/train.py", runs="elsewhere").button}
    app.button(key="stop-elsewhere").click()  # of a page that was drawn before
    app.run()
    assert "Only the presenter" in app.error[0].value and not elsewhere.status.stop_requested
