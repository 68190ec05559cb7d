"""Recorded training: the files of a run, how it can end, and resuming it."""

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from dae.data import load_dataset
from dae.errors import RunError, SpecError
from dae.runs import Run, load_inputs, run_training
from dae.runs.metadata import machine_id, read_metadata, write_metadata
from dae.runs.recorder import train_worker
from dae.training import loop
from dae.training.distributed import SINGLE_PROCESS
from dae.training.validation import NUM_PREVIEW_IMAGES
from tests.helpers import epochs, new_run, small_config, stop_at_epoch, tensors_equal, weights


def lines_without_times(run: Run) -> list[dict[str, Any]]:
    # The loss is the mean since the last report, whose time varies.
    return [
        {key: line[key] for key in ("epoch", "step", "scores", "noisy_scores")}
        for line in run.progress()
        if "scores" in line
    ]


def test_a_finished_run_has_all_files(tmp_path: Path, photos: str) -> None:
    run = new_run(tmp_path, photos)
    states = {run.state for _ in run_training(run)}
    assert states == {"running"} and run.state == "finished" and run.status.message == ""
    assert epochs(run) == [0, 1, 2, 3] and run.load().name == "linear-32"
    assert not (run.path / "resume.safetensors").exists()
    count = min(NUM_PREVIEW_IMAGES, len(load_dataset(photos, "validation")))
    for which in ("clean", "noisy", 0, 1, 2, 3):
        with Image.open(run.preview_path(which)) as image:
            assert image.size == (28 * count, 28) and image.mode == "L"
    metadata = run.metadata()
    assert metadata and list(metadata.baselines) == ["noisy input", "median filter"]
    assert not list(run.path.rglob("*.part"))
    # Released by the recorder.
    Run(run.path).status.acquire()


def test_reports_are_on_disk_before_they_are_yielded(tmp_path: Path, photos: str) -> None:
    run = new_run(tmp_path, photos)
    for report in run_training(run):
        assert run.progress()[-1]["step"] == report.step
        if report.scores:
            assert run.has_model and run.preview_path(report.epoch).is_file()


def test_the_callers_floating_point_mode_is_unchanged_between_reports(tmp_path: Path, photos: str) -> None:
    reports = run_training(new_run(tmp_path, photos))
    for _ in range(3):
        next(reports)
        assert float(torch.tensor([1e-30]) * torch.tensor([1e-10])) > 0
    reports.close()


@pytest.mark.parametrize(("epoch", "precision"), [(0, "float32"), (1, "bfloat16"), (2, "float32")])
def test_a_resumed_run_ends_like_an_uninterrupted_one(epoch: int, precision: str, tmp_path: Path, photos: str) -> None:
    whole, parts = (new_run(tmp_path, photos, name, precision=precision) for name in ("whole", "parts"))
    list(run_training(whole))
    stop_at_epoch(parts, epoch)
    assert parts.state == "stopped" and parts.has_model and epochs(parts) == list(range(epoch + 1))
    reopened = Run(parts.path)
    list(run_training(reopened))
    assert reopened.state == "finished" and epochs(reopened) == [0, 1, 2, 3]
    assert tensors_equal(weights(reopened.load().model), weights(whole.load().model))
    assert lines_without_times(reopened) == lines_without_times(whole)


def test_ema_weights_are_saved_and_resumed(tmp_path: Path, photos: str) -> None:
    whole, parts = (new_run(tmp_path, photos, name, ema_decay=0.9) for name in ("whole", "parts"))
    plain = new_run(tmp_path, photos, "plain")
    for run in (whole, plain):
        list(run_training(run))
    stop_at_epoch(parts, 1)
    list(run_training(Run(parts.path)))
    assert tensors_equal(weights(parts.load().model), weights(whole.load().model))
    assert not tensors_equal(weights(whole.load().model), weights(plain.load().model))


def test_a_run_stopped_within_an_epoch_resumes_from_the_last_complete_one(
    tmp_path: Path, photos: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, parts = (new_run(tmp_path, photos, name) for name in ("whole", "parts"))
    list(run_training(whole))
    # Report after every step.
    monkeypatch.setattr(loop, "REPORT_INTERVAL_S", 0.0)
    reports = run_training(parts)
    while next(reports).step < 5:
        pass
    reports.close()
    assert parts.state == "stopped" and parts.progress()[-1]["step"] == 5
    assert not tensors_equal(weights(parts.load().model), weights(whole.load().model))
    list(run_training(parts))
    steps = [line["step"] for line in parts.progress()]
    assert steps == sorted(steps) and tensors_equal(weights(parts.load().model), weights(whole.load().model))


def test_ctrl_c_leaves_a_stopped_run(tmp_path: Path, photos: str) -> None:
    run = new_run(tmp_path, photos)
    reports = run_training(run)
    next(reports)
    with pytest.raises(KeyboardInterrupt):
        reports.throw(KeyboardInterrupt)
    assert run.state == "stopped" and run.has_model


def test_a_finished_run_is_not_trained_again(tmp_path: Path, photos: str) -> None:
    run = new_run(tmp_path, photos)
    list(run_training(run))
    before = run.model_path.read_bytes(), run.progress()
    with pytest.raises(RunError, match="is finished"):
        list(run_training(run))
    assert (run.model_path.read_bytes(), run.progress()) == before


def test_previews_are_written_atomically(tmp_path: Path, photos: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run = new_run(tmp_path, photos)
    save, targets = Image.Image.save, []

    def record_target(self: Image.Image, target: Any, *others: Any, **more: Any) -> None:
        targets.append(str(target))
        save(self, target, *others, **more)

    monkeypatch.setattr(Image.Image, "save", record_target)
    list(run_training(run))
    assert run.preview_path(3).is_file() and str(run.preview_path(3)) not in targets


def test_another_process_stops_a_run_by_a_request(tmp_path: Path, photos: str) -> None:
    whole, run = (new_run(tmp_path, photos, name) for name in ("whole", "run"))
    list(run_training(whole))
    # Another process would open its own instance.
    other = Run(run.path)
    with pytest.raises(RunError, match="is stopped; there is nothing to stop"):
        other.status.request_stop()
    reports = []
    for report in run_training(run):
        reports.append(report)
        if report.epoch == 1:
            other.status.request_stop()
            assert other.status.stop_requested
    assert reports[-1].epoch == 1 and run.state == "stopped" and run.status.message == "Stopped on request."
    assert not other.status.stop_requested
    list(run_training(run))
    assert run.state == "finished" and tensors_equal(weights(run.load().model), weights(whole.load().model))


def test_a_stale_stop_request_does_not_stop_a_later_training(tmp_path: Path, photos: str) -> None:
    run = new_run(tmp_path, photos)
    reports = run_training(run)
    next(reports)
    run.status.request_stop()
    reports.close()
    assert not run.status.stop_requested
    # As left by a process that read the state a moment too early.
    (run.path / "stop.request").touch()
    list(run_training(run))
    assert run.state == "finished" and not run.status.stop_requested


def test_a_stop_request_after_the_last_step_is_ignored(tmp_path: Path, photos: str) -> None:
    run = new_run(tmp_path, photos)
    for report in run_training(run):
        if report.epoch == report.epochs:
            run.status.request_stop()
    assert run.state == "finished" and not run.status.stop_requested


def test_a_worker_rank_writes_no_file(tmp_path: Path, photos: str) -> None:
    run = new_run(tmp_path, photos)
    list(run_training(run))
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    train_worker(run.config, load_inputs(run.config), run, SINGLE_PROCESS)
    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == before


def test_images_that_do_not_fit_the_model_are_refused_before_a_run_is_created(photos: str) -> None:
    with pytest.raises(SpecError, match="cannot process images of 30 x 30"):
        load_inputs(small_config(dataset=photos.replace("@28", "@30"), model="conv-64"))


@pytest.mark.parametrize("resumed_elsewhere", [False, True])
def test_metadata_has_the_machine_id_only_if_all_parts_ran_on_this_machine(
    resumed_elsewhere: bool, tmp_path: Path, photos: str
) -> None:
    run = new_run(tmp_path, photos)
    stop_at_epoch(run, 1)
    first = read_metadata(run.path)
    assert first and first.machine_id == machine_id()
    if resumed_elsewhere:
        write_metadata(run.path, first.model_copy(update={"machine_id": "another"}))
    list(run_training(run))
    second = read_metadata(run.path)
    assert second and second.machine_id == ("" if resumed_elsewhere else machine_id())
