"""Training queue: closing, a full disk, and stop requests by another process."""

import errno
import os
import threading
from typing import Any

import pytest

from dae.errors import RunError
from dae.runs import Run, TrainingQueue
from tests.helpers import PATIENCE_S, ControlledRecorder, wait_for
from tests.runs.waits import wait_until_idle


def test_close_stops_all_jobs(recorder: ControlledRecorder, runs: list[Run]) -> None:
    queue = TrainingQueue()
    for run in runs:
        queue.start(run)
    recorder.next()
    recorder.let(1_000)
    assert queue.close(PATIENCE_S) and queue.close()
    assert runs[1].state == runs[2].state == "stopped" and "closed" in runs[2].status.message
    assert runs[0].state in ("stopped", "finished") and runs[0].has_model and queue.jobs() == []


def test_close_returns_false_during_a_report_and_then_stops_a_paused_run(
    recorder: ControlledRecorder, runs: list[Run]
) -> None:
    queue = TrainingQueue()
    # Never used.
    assert queue.close()
    queue = TrainingQueue()
    queue.start(runs[0])
    recorder.next()
    queue.pause("a")
    # The worker thread is inside a report: close returns False instead of waiting forever.
    assert not queue.close(0.01)
    recorder.let()
    assert queue.close(PATIENCE_S) and runs[0].state == "stopped"


def test_a_closed_queue_starts_no_run(runs: list[Run]) -> None:
    queue = TrainingQueue()
    queue.start(runs[0])
    wait_until_idle(queue)
    assert queue.close(PATIENCE_S)
    with pytest.raises(RunError, match="is closing"):
        queue.start(runs[1])
    assert runs[1].state == "stopped" and not runs[1].status.is_locked_by_us


@pytest.mark.parametrize("moment", ["stop", "pause"])
# The assertions below explain a failure better than the warning.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_full_disk_does_not_end_the_worker_thread(
    moment: str, queue: TrainingQueue, recorder: ControlledRecorder, runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = threading.Event()

    def full(*_: Any, **__: Any) -> None:
        refused.set()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    queue.start(runs[0])
    queue.start(runs[1])
    recorder.next()
    with monkeypatch.context() as patch:
        patch.setattr("dae.utils.files._temporary_path", full)
        (queue.stop if moment == "stop" else queue.pause)("a")
        recorder.let()
        assert refused.wait(PATIENCE_S)
        queue.stop("a")
        recorder.let()
        wait_for(lambda: ("a",) not in queue.jobs())
    recorder.let(1_000)
    queue.start(runs[2])
    wait_until_idle(queue)
    assert runs[2].state == "finished"


def test_another_process_can_stop_a_paused_run(
    queue: TrainingQueue, recorder: ControlledRecorder, runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dae.runs.queue.REQUEST_POLL_S", 0.01)
    queue.start(runs[0])
    recorder.next()
    queue.pause("a")
    recorder.let()
    wait_for(lambda: runs[0].state == "paused")
    Run(runs[0].path).status.request_stop()
    wait_until_idle(queue)
    assert runs[0].state == "stopped" and not runs[0].status.stop_requested
