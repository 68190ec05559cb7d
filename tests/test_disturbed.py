"""A training that is disturbed: killed, diverged, out of disk or time. Nothing whole is lost, the reason is told."""

import errno
import itertools
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
import torch

from dae import recording, training
from dae.errors import CheckpointError, DataError, Diverged, RunError
from dae.recording import record
from dae.runs import RunDirectory
from dae.state import TrainState
from dae.training import fit
from tests.conftest import PATIENCE_S, ROOT, epochs, new_run, same, small, stop_after, tiny, wait_for, weights


def test_killed_it_says_interrupted_and_goes_on(tmp_path: Path, photos: str) -> None:
    whole, killed = (new_run(tmp_path, photos, name) for name in ("whole", "killed"))
    list(record(whole))
    program = (
        "import sys, threading; from pathlib import Path; from dae.runs import RunDirectory\n"
        "from dae.recording import record\n"
        "for report in record(RunDirectory(Path(sys.argv[1]))):\n"
        "    if report.scores and report.epoch == 1:\n"
        "        print('ready', flush=True); threading.Event().wait()\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(killed.path)], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout and process.stdout.readline() == "ready\n"
        assert killed.state == "running"
        with pytest.raises(RunError, match=f"process {process.pid} on"):
            next(record(killed))
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=PATIENCE_S)
    wait_for(lambda: killed.state == "interrupted")
    assert epochs(killed) == [0, 1] and killed.has_model
    list(record(killed))
    assert killed.state == "finished" and epochs(killed) == [0, 1, 2, 3]
    assert same(weights(killed.load().model), weights(whole.load().model))


@pytest.mark.parametrize("epoch", [1, 3])
@pytest.mark.parametrize("step", ["save_state", "save_model", "append", "finish"])
def test_a_death_between_any_two_writes_loses_nothing(
    step: str, epoch: int, tmp_path: Path, photos: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each write of the end of an epoch in turn is the one that a killed process does not come to."""
    whole, run = (new_run(tmp_path, photos, name) for name in ("whole", "killed"))
    list(record(whole))

    class Killed(BaseException):
        pass

    def die(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        for report in record(run):
            if report.scores and report.epoch == epoch - 1:
                patch.setattr(RunDirectory, step, die)
    assert run.state == "interrupted"
    list(record(run))
    assert run.state == "finished" and epochs(run) == [0, 1, 2, 3]
    assert same(weights(run.load().model), weights(whole.load().model))


def test_divergence_is_told_and_keeps_the_last_whole_epoch(
    tmp_path: Path, photos: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(tmp_path, photos)
    usual, calls = training.LOSSES["mse"], itertools.count()
    monkeypatch.setitem(training.LOSSES, "mse", lambda *pair: usual(*pair) * (torch.nan if next(calls) > 3 else 1))
    with pytest.raises(Diverged) as caught:
        for report in record(run):
            epoch, kept = report.epoch, run.model_path.read_bytes()
    assert caught.value.epoch == 2 and epoch == 1 and epochs(run) == [0, 1]
    assert run.state == "failed" and "lower learning rate" in run.status.message
    assert run.model_path.read_bytes() == kept and "Diverged" in (run.path / "failure.txt").read_text()
    assert all(value.isfinite().all() for value in weights(run.load().model))


def test_weights_that_are_no_numbers_never_replace_good_ones(
    tmp_path: Path, photos: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The only step of the last epoch breaks the weights after a finite loss: no later step is there to notice."""
    run = new_run(tmp_path, photos, epochs=1, batch_size=24)
    step = torch.optim.AdamW.step

    def breaking(self: torch.optim.AdamW, *others: Any) -> Any:
        result = step(self, *others)
        with torch.no_grad():
            self.param_groups[0]["params"][-1].fill_(torch.nan)
        return result

    monkeypatch.setattr(torch.optim.AdamW, "step", breaking)
    with pytest.raises(Diverged):
        list(record(run))
    assert all(value.isfinite().all() for value in weights(run.load().model))


def test_missing_data_is_told(tmp_path: Path) -> None:
    run = RunDirectory.create(small(dataset="mnist"), root=tmp_path)
    with pytest.raises(DataError):
        list(record(run, tmp_path / "nowhere"))
    assert run.state == "failed" and "dae download mnist" in run.status.message


def test_an_unexpected_error_is_told_and_traced(tmp_path: Path, photos: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run = new_run(tmp_path, photos)
    monkeypatch.setattr(recording, "fit", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        list(record(run))
    assert run.state == "failed" and "division by zero" in run.status.message
    assert "ZeroDivisionError" in (run.path / "failure.txt").read_text()
    monkeypatch.undo()
    list(record(run))
    assert run.state == "finished"


def test_a_damaged_resume_file_is_told(tmp_path: Path, photos: str) -> None:
    run = new_run(tmp_path, photos)
    stop_after(run, 1)
    (run.path / "resume.safetensors").write_bytes(b"nonsense")
    with pytest.raises(CheckpointError, match="resume.safetensors"):
        list(record(run))
    assert run.state == "failed" and run.has_model


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
@pytest.mark.parametrize("what", ["a line", "a file"])
def test_a_disk_that_refuses_for_a_while_costs_nothing(
    number: int, what: str, tmp_path: Path, photos: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, run = (new_run(tmp_path, photos, name) for name in ("whole", "refused"))
    list(record(whole))

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch, pytest.raises(RunError, match=os.strerror(number)):
        for report in record(run):
            if report.scores and report.epoch == 1:
                target = (RunDirectory, "append") if what == "a line" else (tempfile, "mkstemp")
                patch.setattr(*target, refuse)
    assert run.state in ("failed", "interrupted")
    list(record(run))
    assert run.state == "finished" and epochs(run) == [0, 1, 2, 3]
    assert same(weights(run.load().model), weights(whole.load().model))


@pytest.mark.parametrize("jump_s", [36_000.0, -36_000.0])
def test_a_clock_that_jumps_changes_no_weight(jump_s: float, tmp_path: Path) -> None:
    """As when a laptop's lid is closed and opened again."""
    ticks = itertools.count(0, 0.01)
    config, images = small(epochs=2), tiny()
    plain, jumped = (TrainState(config, images.shape) for _ in range(2))
    for _ in fit(config, plain, images, tiny(8)):
        pass

    def clock() -> float:
        now = next(ticks)
        return now + jump_s if now > 0.05 else now

    reports = list(fit(config, jumped, images, tiny(8), clock=clock))
    assert same(weights(jumped), weights(plain))
    assert [report.epoch for report in reports if report.scores] == [0, 1, 2]
