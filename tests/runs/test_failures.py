"""Killed, diverged and failing trainings: nothing complete is lost, and the run stores the reason."""

import errno
import itertools
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from dae.errors import CheckpointError, DataError, DivergedError, RunError
from dae.runs import Run, progress, recorder, run_training
from dae.training import TrainState, fit
from dae.training.config import LOSSES
from dae.utils import files
from tests.helpers import (
    PATIENCE_S,
    ROOT,
    epochs,
    new_run,
    small_config,
    stop_at_epoch,
    tensors_equal,
    tiny_dataset,
    wait_for,
    weights,
)


def test_a_killed_run_is_interrupted_and_resumes(tmp_path: Path, photos: str) -> None:
    whole, killed = (new_run(tmp_path, photos, name) for name in ("whole", "killed"))
    list(run_training(whole))
    program = (
        "import sys, threading; from pathlib import Path; from dae.runs import Run, run_training\n"
        "for report in run_training(Run(Path(sys.argv[1]))):\n"
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
            next(run_training(killed))
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=PATIENCE_S)
    wait_for(lambda: killed.state == "interrupted")
    assert epochs(killed) == [0, 1] and killed.has_model
    list(run_training(killed))
    assert killed.state == "finished" and epochs(killed) == [0, 1, 2, 3]
    assert tensors_equal(weights(killed.load().model), weights(whole.load().model))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without a signal")
def test_sigterm_stops_the_command_line_like_ctrl_c(tmp_path: Path, photos: str) -> None:
    run = new_run(tmp_path, photos, epochs=10_000)
    command = [sys.executable, "-m", "dae", "train", "--checkpoints", str(tmp_path), "--resume", run.name]
    process = subprocess.Popen(
        command, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        wait_for(lambda: epochs(run)[1:], process)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130 and errors.endswith("dae: stopped\n")
    assert run.state == "stopped" and run.has_model and run.has_checkpoint


@pytest.mark.parametrize(
    ("owner", "write", "epoch"),
    [(Run, "save_state", 1), (Run, "save_model", 3), (progress, "append_report", 1), (Run, "finish", 3)],
    ids=["state", "model", "progress", "finish"],
)
def test_a_crash_between_any_two_writes_loses_nothing(
    owner: Any, write: str, epoch: int, tmp_path: Path, photos: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Crash before each of the writes at the end of an epoch in turn."""
    whole, run = (new_run(tmp_path, photos, name) for name in ("whole", "killed"))
    list(run_training(whole))

    class Crash(BaseException):
        pass

    def crash(*_: Any) -> None:
        raise Crash

    with monkeypatch.context() as patch, pytest.raises(Crash):
        for report in run_training(run):
            if report.scores and report.epoch == epoch - 1:
                patch.setattr(owner, write, crash)
    assert run.state == "interrupted"
    list(run_training(run))
    assert run.state == "finished" and epochs(run) == [0, 1, 2, 3]
    assert tensors_equal(weights(run.load().model), weights(whole.load().model))


def test_a_diverged_run_keeps_the_last_complete_epoch_and_stores_the_reason(
    tmp_path: Path, photos: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(tmp_path, photos)
    loss, factor = LOSSES["mse"], 1.0
    monkeypatch.setitem(LOSSES, "mse", lambda *pair: loss(*pair) * factor)
    with pytest.raises(DivergedError) as caught:
        for report in run_training(run):
            epoch, model = report.epoch, run.model_path.read_bytes()
            if report.scores and epoch == 1:
                factor = torch.nan
    assert caught.value.epoch == 2 and epoch == 1 and epochs(run) == [0, 1]
    assert run.state == "failed" and "Lower the learning rate" in run.status.message
    assert run.model_path.read_bytes() == model and "DivergedError" in (run.path / "failure.txt").read_text()
    assert all(value.isfinite().all() for value in weights(run.load().model))


def test_nan_weights_never_replace_finite_ones(tmp_path: Path, photos: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last step breaks the weights after a finite loss, so no later loss can show it."""
    run = new_run(tmp_path, photos, epochs=1, batch_size=24)
    step = torch.optim.AdamW.step

    def break_weights(self: torch.optim.AdamW, *others: Any) -> Any:
        result = step(self, *others)
        with torch.no_grad():
            self.param_groups[0]["params"][-1].fill_(torch.nan)
        return result

    monkeypatch.setattr(torch.optim.AdamW, "step", break_weights)
    with pytest.raises(DivergedError):
        list(run_training(run))
    assert all(value.isfinite().all() for value in weights(run.load().model))


def test_missing_data_fails_the_run_with_a_fix(tmp_path: Path) -> None:
    run = Run.create(small_config(dataset="mnist"), root=tmp_path)
    with pytest.raises(DataError):
        list(run_training(run, tmp_path / "nowhere"))
    assert run.state == "failed" and "dae download mnist" in run.status.message


def test_an_unexpected_error_fails_the_run_with_a_traceback(
    tmp_path: Path, photos: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(tmp_path, photos)
    monkeypatch.setattr(recorder, "fit", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        list(run_training(run))
    assert run.state == "failed" and "division by zero" in run.status.message
    assert "ZeroDivisionError" in (run.path / "failure.txt").read_text()
    monkeypatch.undo()
    list(run_training(run))
    assert run.state == "finished"


def test_a_damaged_checkpoint_fails_the_run(tmp_path: Path, photos: str) -> None:
    run = new_run(tmp_path, photos)
    stop_at_epoch(run, 1)
    (run.path / "resume.safetensors").write_bytes(b"nonsense")
    with pytest.raises(CheckpointError, match="resume.safetensors"):
        list(run_training(run))
    assert run.state == "failed" and run.has_model


@pytest.mark.parametrize(
    ("number", "target"),
    [
        (errno.ENOSPC, (progress, "append_report")),
        (errno.ENOSPC, (files, "_temporary_path")),
        (errno.EROFS, (files, "_temporary_path")),
        (errno.EACCES, (progress, "append_report")),
    ],
    ids=["full-line", "full-file", "read-only-file", "forbidden-line"],
)
def test_a_temporary_disk_error_loses_nothing(
    number: int, target: tuple[Any, str], tmp_path: Path, photos: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, run = (new_run(tmp_path, photos, name) for name in ("whole", "refused"))
    list(run_training(whole))

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch, pytest.raises(RunError, match=os.strerror(number)):
        for report in run_training(run):
            if report.scores and report.epoch == 1:
                patch.setattr(*target, refuse)
    assert run.state in ("failed", "interrupted")
    list(run_training(run))
    assert run.state == "finished" and epochs(run) == [0, 1, 2, 3]
    assert tensors_equal(weights(run.load().model), weights(whole.load().model))


@pytest.mark.parametrize("jump_s", [36_000.0, -36_000.0])
def test_a_jumping_clock_changes_no_weight(jump_s: float, tmp_path: Path) -> None:
    """A laptop that sleeps and wakes up has such a clock."""
    ticks = itertools.count(0, 0.01)
    config, images = small_config(epochs=2), tiny_dataset()
    plain, jumped = (TrainState(config, images.shape) for _ in range(2))
    for _ in fit(config, plain, images, tiny_dataset(8)):
        pass

    def clock() -> float:
        now = next(ticks)
        return now + jump_s if now > 0.05 else now

    reports = list(fit(config, jumped, images, tiny_dataset(8), clock=clock))
    assert tensors_equal(weights(jumped), weights(plain))
    assert [report.epoch for report in reports if report.scores] == [0, 1, 2]


def test_an_error_whose_text_is_no_valid_unicode_fails_the_run_with_its_message(tmp_path: Path, photos: str) -> None:
    run = new_run(tmp_path, "folder:/nowhere/\udcff")
    with pytest.raises(DataError):
        list(run_training(run))
    assert run.state == "failed" and "/nowhere" in run.status.message
