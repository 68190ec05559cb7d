"""A training that keeps itself: its files, its end however it comes, and going on from it."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from dae import training
from dae.errors import RunError, SpecError
from dae.parallel import ALONE
from dae.recording import follow, prepare, record
from dae.runs import RunDirectory
from dae.training import PREVIEWS
from tests.conftest import epochs, new_run, same, small, stop_after, weights


def without_times(run: RunDirectory) -> list[dict[str, Any]]:
    return [
        {key: line[key] for key in ("epoch", "step", "scores", "noisy_scores")}  # the loss is since the last report
        for line in run.progress()
        if "scores" in line
    ]


def test_a_whole_run_leaves_its_files(tmp_path: Path, photos: str) -> None:
    run = new_run(tmp_path, photos)
    states = {run.state for _ in record(run)}
    assert states == {"running"} and run.state == "finished" and run.status.message == ""
    assert epochs(run) == [0, 1, 2, 3] and run.load().name == "linear-32"
    assert not (run.path / "resume.safetensors").exists()
    for which in ("clean", "noisy", 0, 1, 2, 3):
        with Image.open(run.preview_path(which)) as picture:
            assert picture.size == (28 * PREVIEWS, 28) and picture.mode == "L"
    assert not list(run.path.rglob("*.part"))
    RunDirectory(run.path).status.acquire()  # it was given back


def test_reports_are_on_disk_before_they_are_told(tmp_path: Path, photos: str) -> None:
    run = new_run(tmp_path, photos)
    for report in record(run):
        assert run.progress()[-1]["step"] == report.step
        if report.scores:
            assert run.has_model and run.preview_path(report.epoch).is_file()


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("epoch", [0, 1, 2])
def test_a_stopped_run_goes_on_as_if_it_had_not(epoch: int, precision: str, tmp_path: Path, photos: str) -> None:
    whole, parts = (new_run(tmp_path, photos, name, precision=precision) for name in ("whole", "parts"))
    list(record(whole))
    stop_after(parts, epoch)
    assert parts.state == "stopped" and parts.has_model and epochs(parts) == list(range(epoch + 1))
    again = RunDirectory(parts.path)
    list(record(again))
    assert again.state == "finished" and epochs(again) == [0, 1, 2, 3]
    assert same(weights(again.load().model), weights(whole.load().model))
    assert without_times(again) == without_times(whole)


def test_a_run_keeps_its_averaged_weights_and_resumes_with_them(tmp_path: Path, photos: str) -> None:
    whole, parts = (new_run(tmp_path, photos, name, average=0.9) for name in ("whole", "parts"))
    plain = new_run(tmp_path, photos, "plain")
    for run in (whole, plain):
        list(record(run))
    stop_after(parts, 1)
    list(record(RunDirectory(parts.path)))
    assert same(weights(parts.load().model), weights(whole.load().model))
    assert not same(weights(whole.load().model), weights(plain.load().model))


def test_stopped_amid_an_epoch_it_goes_on_from_the_last_whole_one(
    tmp_path: Path, photos: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, parts = (new_run(tmp_path, photos, name) for name in ("whole", "parts"))
    list(record(whole))
    monkeypatch.setattr(training, "REPORT_EVERY_S", 0.0)  # a report at every step
    recorded = record(parts)
    while next(recorded).step < 5:
        pass
    recorded.close()
    assert parts.state == "stopped" and parts.progress()[-1]["step"] == 5
    assert not same(weights(parts.load().model), weights(whole.load().model))
    list(record(parts))
    steps = [line["step"] for line in parts.progress()]
    assert steps == sorted(steps) and same(weights(parts.load().model), weights(whole.load().model))


def test_ctrl_c_leaves_a_stopped_run(tmp_path: Path, photos: str) -> None:
    run = new_run(tmp_path, photos)
    recorded = record(run)
    next(recorded)
    with pytest.raises(KeyboardInterrupt):
        recorded.throw(KeyboardInterrupt)
    assert run.state == "stopped" and run.has_model


def test_a_finished_run_is_not_trained_over(tmp_path: Path, photos: str) -> None:
    run = new_run(tmp_path, photos)
    list(record(run))
    before = run.model_path.read_bytes(), run.progress()
    with pytest.raises(RunError, match="is finished"):
        list(record(run))
    assert (run.model_path.read_bytes(), run.progress()) == before


def test_pictures_are_written_whole(tmp_path: Path, photos: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page may look at any moment, so a picture never stands under its own name while it is being written."""
    run = new_run(tmp_path, photos)
    save, targets = Image.Image.save, []

    def watch(self: Image.Image, target: Any, *others: Any, **more: Any) -> None:
        targets.append(str(target))
        save(self, target, *others, **more)

    monkeypatch.setattr(Image.Image, "save", watch)
    list(record(run))
    assert run.preview_path(3).is_file() and str(run.preview_path(3)) not in targets


def test_another_program_stops_a_run_by_a_request(tmp_path: Path, photos: str) -> None:
    whole, run = (new_run(tmp_path, photos, name) for name in ("whole", "run"))
    list(record(whole))
    other = RunDirectory(run.path)  # as another program opens it
    with pytest.raises(RunError, match="is stopped; there is nothing to stop"):
        other.status.request_stop()
    reports = []
    for report in record(run):
        reports.append(report)
        if report.epoch == 1:
            other.status.request_stop()
            assert other.status.stop_requested
    assert reports[-1].epoch == 1 and run.state == "stopped" and run.status.message == "Stopped on request."
    assert not other.status.stop_requested
    list(record(run))
    assert run.state == "finished" and same(weights(run.load().model), weights(whole.load().model))


def test_a_stale_request_stops_no_later_training(tmp_path: Path, photos: str) -> None:
    run = new_run(tmp_path, photos)
    recorded = record(run)
    next(recorded)
    run.status.request_stop()
    recorded.close()
    assert not run.status.stop_requested
    (run.path / "stop.request").touch()  # of somebody who looked a moment too early
    list(record(run))
    assert run.state == "finished" and not run.status.stop_requested


def test_a_request_at_the_very_end_comes_too_late(tmp_path: Path, photos: str) -> None:
    run = new_run(tmp_path, photos)
    for report in record(run):
        if report.epoch == report.epochs:
            run.status.request_stop()
    assert run.state == "finished" and not run.status.stop_requested


def test_who_trains_along_writes_nothing(tmp_path: Path, photos: str) -> None:
    run = new_run(tmp_path, photos)
    list(record(run))
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    follow(run.config, prepare(run.config), run, ALONE)
    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == before


def test_a_model_that_cannot_take_the_pictures_is_refused_before_there_is_a_run(photos: str) -> None:
    with pytest.raises(SpecError, match="cannot take 30 x 30 pictures"):
        prepare(small(dataset=photos.replace("@28", "@30"), model="conv-64"))
