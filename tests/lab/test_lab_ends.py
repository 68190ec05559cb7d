"""The laboratory's ends: closed, out of disk, and asked to stop by another program."""

import errno
import os
import threading
from typing import Any

import pytest

from dae.errors import RunError
from dae.lab import Lab
from dae.runs import RunDirectory
from tests.conftest import PATIENCE_S, Leash, wait_for
from tests.lab.waits import idle


def test_close_stops_everything(leash: Leash, runs: list[RunDirectory]) -> None:
    lab = Lab()
    for run in runs:
        lab.start(run)
    leash.next()
    leash.let(1_000)
    assert lab.close(PATIENCE_S) and lab.close()
    assert runs[1].state == runs[2].state == "stopped" and "closed" in runs[2].status.message
    assert runs[0].state in ("stopped", "finished") and runs[0].has_model and lab.jobs() == []


def test_close_while_paused_and_close_while_stuck(leash: Leash, runs: list[RunDirectory]) -> None:
    lab = Lab()
    assert lab.close()  # never used
    lab = Lab()
    lab.start(runs[0])
    leash.next()
    lab.pause("a")
    assert not lab.close(0.01)  # amid a report: it says so, and does not wait for ever
    leash.let()
    assert lab.close(PATIENCE_S) and runs[0].state == "stopped"


def test_after_close_nothing_is_taken_into_a_dead_queue(runs: list[RunDirectory]) -> None:
    lab = Lab()
    lab.start(runs[0])
    idle(lab)
    assert lab.close(PATIENCE_S)
    with pytest.raises(RunError, match="is closing"):
        lab.start(runs[1])
    assert runs[1].state == "stopped" and not runs[1].status.held


@pytest.mark.parametrize("moment", ["stop", "pause"])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # what follows tells it better
def test_a_full_disk_does_not_end_the_laboratory(
    moment: str, lab: Lab, leash: Leash, runs: list[RunDirectory], monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = threading.Event()

    def full(*_: Any, **__: Any) -> None:
        refused.set()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    lab.start(runs[0])
    lab.start(runs[1])
    leash.next()
    with monkeypatch.context() as patch:
        patch.setattr("dae.files.tempfile.mkstemp", full)
        (lab.stop if moment == "stop" else lab.pause)("a")
        leash.let()
        assert refused.wait(PATIENCE_S)
        lab.stop("a")
        leash.let()
        wait_for(lambda: ("a",) not in lab.jobs())
    leash.let(1_000)
    lab.start(runs[2])
    idle(lab)
    assert runs[2].state == "finished"


def test_a_paused_run_is_stopped_by_another_programs_request(
    lab: Lab, leash: Leash, runs: list[RunDirectory], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dae.lab.REQUEST_POLL_S", 0.01)
    lab.start(runs[0])
    leash.next()
    lab.pause("a")
    leash.let()
    wait_for(lambda: runs[0].state == "paused")
    RunDirectory(runs[0].path).status.request_stop()
    idle(lab)
    assert runs[0].state == "stopped" and not runs[0].status.stop_requested
