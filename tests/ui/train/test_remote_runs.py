"""Train, for a run of another process: its directory is all that the page can read and write."""

from pathlib import Path

import pytest

from dae.runs import Run, RunMetadata
from dae.runs.metadata import write_metadata
from dae.runs.progress import append_report
from dae.training import TrainReport
from dae.ui.train import curves
from tests.helpers import new_run
from tests.ui.apps import opened, shown


@pytest.fixture
def elsewhere(photos: str, tmp_path: Path) -> Run:
    """Return a running run whose lock is held by an object that no page has."""
    run = new_run(tmp_path / "runs", photos, "elsewhere", pretrained="base")
    run.acquire()
    run.status.set("running")
    write_metadata(run.path, RunMetadata(device="CPU, 1 thread", baselines={}, world_size=2))
    append_report(run.path, TrainReport(0, 3, 1, 9, 0.5, 0.25, 1234.0))
    return run


def test_remote_run_can_be_watched_and_stopped(elsewhere: Run) -> None:
    app = opened("pages/train.py", runs="elsewhere")
    assert any("training" in text.value for text in app.markdown) and "Running elsewhere" in shown(app)
    keys = {button.key for button in app.button}
    assert not {"hold-elsewhere", "resume-elsewhere"} & keys and not elsewhere.status.stop_requested
    app.button(key="stop-elsewhere").click()
    app.run()
    assert not app.exception and not app.error and elsewhere.status.stop_requested
    assert "Stopping …" in shown(app) and "stop-elsewhere" not in {button.key for button in app.button}
    elsewhere.status.set("stopped", "Stopped on request.")
    elsewhere.status.release()
    app.run()
    assert "Stopped on request." in shown(app) and "resume-elsewhere" in {button.key for button in app.button}


def test_status_line_shows_processes_speed_and_initial_weights(elsewhere: Run) -> None:
    status = curves.status_line(elsewhere, elsewhere.progress())
    assert status == "1,234 images/s · CPU, 1 thread, 2 processes · started from base · elsewhere"


def test_stop_of_a_run_that_has_ended_shows_an_error(elsewhere: Run) -> None:
    app = opened("pages/train.py", runs="elsewhere")
    elsewhere.status.set("stopped")
    elsewhere.status.release()
    app.button(key="stop-elsewhere").click()
    app.run()
    assert "nothing to stop" in app.error[0].value and not elsewhere.status.stop_requested


def test_only_the_presenter_can_stop_a_remote_run(elsewhere: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened("pages/train.py", runs="elsewhere")
    monkeypatch.setenv("DAE_PRESENTER_KEY", "sesame")
    assert "stop-elsewhere" not in {button.key for button in opened("pages/train.py", runs="elsewhere").button}
    # The button of a page that was drawn before the key was set.
    app.button(key="stop-elsewhere").click()
    app.run()
    assert app.error[0].value.startswith(("Presenter only", "Only the presenter"))
    assert not elsewhere.status.stop_requested
