"""The laboratory: its queue, turns, pauses and ends, led step by step on a leash."""

import os
from pathlib import Path

import pytest

from dae.errors import RunError
from dae.lab import Lab
from dae.recording import record
from dae.runs import RunDirectory
from tests.conftest import Leash, new_run, same, wait_for, weights
from tests.lab.waits import idle


def release(leash: Leash, lab: Lab) -> None:
    leash.let(1_000)
    idle(lab)


def seen(leash: Leash) -> list[tuple[str, int | str]]:
    return [leash.reports.get_nowait() for _ in range(leash.reports.qsize())]


def test_runs_wait_their_turn_in_order(lab: Lab, leash: Leash, runs: list[RunDirectory]) -> None:
    for run in runs:
        lab.start(run)
    assert leash.next() == ("a", 0)
    assert lab.jobs() == [("a",), ("b",), ("c",)] and [run.state for run in runs] == ["running", "queued", "queued"]
    release(leash, lab)
    assert seen(leash) == [(name, step) for name in "abc" for step in (0, 1, 2, "end")][1:]
    assert [run.state for run in runs] == ["finished"] * 3
    for run in runs:
        RunDirectory(run.path).status.acquire()  # given back


def test_a_queued_run_belongs_to_this_process(lab: Lab, leash: Leash, runs: list[RunDirectory]) -> None:
    lab.start(runs[0])
    lab.start(runs[1])
    leash.next()
    with pytest.raises(RunError, match=f"process {os.getpid()}"):
        lab.start(RunDirectory(runs[1].path))
    assert lab.jobs() == [("a",), ("b",)]


def test_the_same_run_is_not_started_twice(lab: Lab, leash: Leash, runs: list[RunDirectory]) -> None:
    lab.start(runs[0])
    leash.next()
    with pytest.raises(RunError):
        lab.start(runs[0])
    assert runs[0].state == "running" and lab.jobs() == [("a",)]


def test_a_start_that_fails_takes_nothing(lab: Lab, leash: Leash, runs: list[RunDirectory]) -> None:
    other = RunDirectory(runs[1].path)
    other.status.acquire()
    with pytest.raises(RunError):
        lab.start(runs[0], runs[1])
    other.status.release()
    assert lab.jobs() == [] and runs[0].state == "stopped"
    lab.start(runs[0])
    leash.next()


def test_racers_take_turns_an_epoch_each(lab: Lab, leash: Leash, runs: list[RunDirectory]) -> None:
    lab.start(*runs)
    assert leash.next() == ("a", 0)
    assert lab.jobs() == [("a", "b", "c")]
    release(leash, lab)
    turns = [turn for turn in seen(leash) if turn[1] != "end"]
    assert turns == [(name, epoch) for epoch in (0, 1, 2) for name in "abc"][1:]
    assert [run.state for run in runs] == ["finished"] * 3


def test_a_race_trains_as_each_would_alone(
    lab: Lab, leash: Leash, runs: list[RunDirectory], tmp_path: Path, photos: str
) -> None:
    alone = new_run(tmp_path, photos, "alone", epochs=2)
    list(record(alone))
    lab.start(*runs)
    release(leash, lab)
    assert all(same(weights(run.load().model), weights(alone.load().model)) for run in runs)


def test_one_failing_racer_does_not_end_the_race(
    lab: Lab, leash: Leash, runs: list[RunDirectory], tmp_path: Path
) -> None:
    bad = new_run(tmp_path, f"folder:{tmp_path / 'nothing'}", "bad")
    lab.start(runs[0], bad, runs[1])
    release(leash, lab)
    assert [run.state for run in (runs[0], bad, runs[1])] == ["finished", "failed", "finished"]
    assert "There is no folder" in bad.status.message
    lab.start(runs[2])
    release(leash, lab)
    assert runs[2].state == "finished"


def test_who_has_left_a_race_is_no_part_of_it(lab: Lab, leash: Leash, runs: list[RunDirectory], tmp_path: Path) -> None:
    bad = new_run(tmp_path, f"folder:{tmp_path / 'nothing'}", "bad")
    lab.start(bad, runs[0], runs[1])
    assert [leash.next(), leash.next()] == [("bad", "end"), ("a", 0)]
    assert lab.jobs() == [("a", "b")]
    lab.start(bad)  # tried again: a job of its own, which is stopped alone
    assert lab.jobs() == [("a", "b"), ("bad",)]
    lab.stop("bad")
    assert lab.jobs() == [("a", "b")]
    release(leash, lab)
    assert [run.state for run in (bad, *runs[:2])] == ["stopped", "finished", "finished"]


def test_pause_and_resume(lab: Lab, leash: Leash, runs: list[RunDirectory]) -> None:
    lab.start(runs[0])
    lab.start(runs[1])
    leash.next()
    lab.pause("b")  # waits, so there is nothing to hold
    lab.pause("a")
    leash.let()
    wait_for(lambda: runs[0].state == "paused")
    leash.let(1_000)
    assert RunDirectory(runs[0].path).state == "paused" and leash.reports.empty()
    lab.resume("b")  # not this one
    assert runs[0].state == "paused"
    lab.resume("a")
    idle(lab)
    assert [run.state for run in runs[:2]] == ["finished"] * 2


def test_a_paused_race_holds_all_and_can_be_stopped(lab: Lab, leash: Leash, runs: list[RunDirectory]) -> None:
    lab.start(*runs)
    leash.next()
    leash.let()
    assert leash.next() == ("b", 0)
    lab.pause("c")
    leash.let()
    wait_for(lambda: runs[1].state == "paused")
    assert [run.state for run in runs] == ["paused", "paused", "queued"]
    lab.stop("a")
    idle(lab)
    assert [run.state for run in runs] == ["stopped"] * 3 and "before it began" in runs[2].status.message
    assert runs[0].has_model and not runs[2].has_model


def test_stop_the_current_and_go_on_with_the_next(lab: Lab, leash: Leash, runs: list[RunDirectory]) -> None:
    lab.start(runs[0])
    lab.start(runs[1])
    leash.next()
    lab.stop("a")
    release(leash, lab)
    assert [run.state for run in runs[:2]] == ["stopped", "finished"]
    assert runs[0].has_model
    lab.start(runs[0])  # resumes
    idle(lab)
    assert runs[0].state == "finished" and same(weights(runs[0].load().model), weights(runs[1].load().model))


def test_stop_a_waiting_run(lab: Lab, leash: Leash, runs: list[RunDirectory]) -> None:
    for run in runs:
        lab.start(run)
    leash.next()
    lab.stop("b")
    assert lab.jobs() == [("a",), ("c",)] and runs[1].state == "stopped"
    assert "before it began" in runs[1].status.message
    RunDirectory(runs[1].path).status.acquire()  # given back
    release(leash, lab)
    assert [run.state for run in runs] == ["finished", "stopped", "finished"]


def test_what_is_not_there_is_passed_over(lab: Lab) -> None:
    for tell in (lab.pause, lab.resume, lab.stop):
        tell("nothing")
    assert lab.jobs() == []
