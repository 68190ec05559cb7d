"""Training queue: order, alternation, pause and stop, controlled step by step."""

import os
from pathlib import Path

import pytest

from dae.errors import RunError
from dae.runs import Run, TrainingQueue, run_training
from tests.helpers import ControlledRecorder, new_run, tensors_equal, wait_for, weights
from tests.runs.waits import wait_until_idle


def finish_all(recorder: ControlledRecorder, queue: TrainingQueue) -> None:
    recorder.let(1_000)
    wait_until_idle(queue)


def recorded(recorder: ControlledRecorder) -> list[tuple[str, int | str]]:
    return [recorder.reports.get_nowait() for _ in range(recorder.reports.qsize())]


def test_jobs_train_in_order(queue: TrainingQueue, recorder: ControlledRecorder, runs: list[Run]) -> None:
    for run in runs:
        queue.start(run)
    assert recorder.next() == ("a", 0)
    assert queue.jobs() == [("a",), ("b",), ("c",)] and [run.state for run in runs] == ["running", "queued", "queued"]
    finish_all(recorder, queue)
    assert recorded(recorder) == [(name, step) for name in "abc" for step in (0, 1, 2, "end")][1:]
    assert [run.state for run in runs] == ["finished"] * 3
    for run in runs:
        # Released by the queue.
        Run(run.path).status.acquire()


def test_the_queue_locks_waiting_runs(queue: TrainingQueue, recorder: ControlledRecorder, runs: list[Run]) -> None:
    queue.start(runs[0])
    queue.start(runs[1])
    recorder.next()
    with pytest.raises(RunError, match=f"process {os.getpid()}"):
        queue.start(Run(runs[1].path))
    assert queue.jobs() == [("a",), ("b",)]


def test_the_same_run_cannot_be_started_twice(
    queue: TrainingQueue, recorder: ControlledRecorder, runs: list[Run]
) -> None:
    queue.start(runs[0])
    recorder.next()
    with pytest.raises(RunError):
        queue.start(runs[0])
    assert runs[0].state == "running" and queue.jobs() == [("a",)]


def test_a_start_that_fails_locks_no_run(queue: TrainingQueue, recorder: ControlledRecorder, runs: list[Run]) -> None:
    other = Run(runs[1].path)
    other.status.acquire()
    with pytest.raises(RunError):
        queue.start(runs[0], runs[1])
    other.status.release()
    assert queue.jobs() == [] and runs[0].state == "stopped"
    queue.start(runs[0])
    recorder.next()


def test_runs_of_one_job_alternate_after_every_epoch(
    queue: TrainingQueue, recorder: ControlledRecorder, runs: list[Run]
) -> None:
    queue.start(*runs)
    assert recorder.next() == ("a", 0)
    assert queue.jobs() == [("a", "b", "c")]
    finish_all(recorder, queue)
    turns = [turn for turn in recorded(recorder) if turn[1] != "end"]
    assert turns == [(name, epoch) for epoch in (0, 1, 2) for name in "abc"][1:]
    assert [run.state for run in runs] == ["finished"] * 3


def test_alternating_runs_get_the_same_weights_as_a_run_trained_alone(
    queue: TrainingQueue, recorder: ControlledRecorder, runs: list[Run], tmp_path: Path, photos: str
) -> None:
    alone = new_run(tmp_path, photos, "alone", epochs=2)
    list(run_training(alone))
    queue.start(*runs)
    finish_all(recorder, queue)
    assert all(tensors_equal(weights(run.load().model), weights(alone.load().model)) for run in runs)


def test_a_failing_run_does_not_end_its_job(
    queue: TrainingQueue, recorder: ControlledRecorder, runs: list[Run], tmp_path: Path
) -> None:
    failing = new_run(tmp_path, f"folder:{tmp_path / 'nothing'}", "failing")
    queue.start(runs[0], failing, runs[1])
    finish_all(recorder, queue)
    assert [run.state for run in (runs[0], failing, runs[1])] == ["finished", "failed", "finished"]
    assert "There is no folder" in failing.status.message
    queue.start(runs[2])
    finish_all(recorder, queue)
    assert runs[2].state == "finished"


def test_a_failed_run_leaves_its_job_and_can_be_started_alone(
    queue: TrainingQueue, recorder: ControlledRecorder, runs: list[Run], tmp_path: Path
) -> None:
    failing = new_run(tmp_path, f"folder:{tmp_path / 'nothing'}", "failing")
    queue.start(failing, runs[0], runs[1])
    assert [recorder.next(), recorder.next()] == [("failing", "end"), ("a", 0)]
    assert queue.jobs() == [("a", "b")]
    queue.start(failing)
    assert queue.jobs() == [("a", "b"), ("failing",)]
    queue.stop("failing")
    assert queue.jobs() == [("a", "b")]
    finish_all(recorder, queue)
    assert [run.state for run in (failing, *runs[:2])] == ["stopped", "finished", "finished"]


def test_a_job_can_be_stopped_by_its_first_runs_after_one_of_them_has_ended(
    queue: TrainingQueue, recorder: ControlledRecorder, runs: list[Run], tmp_path: Path
) -> None:
    failing = new_run(tmp_path, f"folder:{tmp_path / 'nothing'}", "failing")
    queue.start(failing, runs[0])
    recorder.next()
    assert recorder.next() == ("a", 0)
    # The button was drawn while the first run still trained.
    queue.stop("failing", "a")
    finish_all(recorder, queue)
    assert [run.state for run in (failing, runs[0])] == ["failed", "stopped"]


def test_a_running_job_can_be_paused_and_resumed(
    queue: TrainingQueue, recorder: ControlledRecorder, runs: list[Run]
) -> None:
    queue.start(runs[0])
    queue.start(runs[1])
    recorder.next()
    # A waiting run cannot be paused.
    queue.pause("b")
    queue.pause("a")
    recorder.let()
    wait_for(lambda: runs[0].state == "paused")
    recorder.let(1_000)
    assert Run(runs[0].path).state == "paused" and recorder.reports.empty()
    queue.resume("b")
    assert runs[0].state == "paused"
    queue.resume("a")
    wait_until_idle(queue)
    assert [run.state for run in runs[:2]] == ["finished"] * 2


def test_a_paused_job_pauses_all_its_runs_and_can_be_stopped(
    queue: TrainingQueue, recorder: ControlledRecorder, runs: list[Run]
) -> None:
    queue.start(*runs)
    recorder.next()
    recorder.let()
    assert recorder.next() == ("b", 0)
    queue.pause("c")
    recorder.let()
    wait_for(lambda: runs[1].state == "paused")
    assert [run.state for run in runs] == ["paused", "paused", "queued"]
    queue.stop("a")
    wait_until_idle(queue)
    assert [run.state for run in runs] == ["stopped"] * 3 and "before it started" in runs[2].status.message
    assert runs[0].has_model and not runs[2].has_model


def test_after_a_stop_the_next_job_trains(queue: TrainingQueue, recorder: ControlledRecorder, runs: list[Run]) -> None:
    queue.start(runs[0])
    queue.start(runs[1])
    recorder.next()
    queue.stop("a")
    finish_all(recorder, queue)
    assert [run.state for run in runs[:2]] == ["stopped", "finished"]
    assert runs[0].has_model
    # Resumes the stopped run.
    queue.start(runs[0])
    wait_until_idle(queue)
    assert runs[0].state == "finished" and tensors_equal(weights(runs[0].load().model), weights(runs[1].load().model))


def test_stopping_a_waiting_run_removes_it_from_the_queue(
    queue: TrainingQueue, recorder: ControlledRecorder, runs: list[Run]
) -> None:
    for run in runs:
        queue.start(run)
    recorder.next()
    queue.stop("b")
    assert queue.jobs() == [("a",), ("c",)] and runs[1].state == "stopped"
    assert "before it started" in runs[1].status.message
    # Released by the queue.
    Run(runs[1].path).status.acquire()
    finish_all(recorder, queue)
    assert [run.state for run in runs] == ["finished", "stopped", "finished"]


def test_unknown_names_are_ignored(queue: TrainingQueue) -> None:
    for control in (queue.pause, queue.resume, queue.stop):
        control("nothing")
    assert queue.jobs() == []
