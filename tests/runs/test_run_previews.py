"""Previews of a run: their files, and their deletion when steps are repeated."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dae.evaluation import Scores
from dae.runs import preview_of, recorder, run_training
from dae.runs.progress import append_report, read_progress, truncate_progress
from dae.training import TrainReport
from dae.training.validation import ScoreEstimate
from dae.viz.filters import first_layer_filters
from dae.viz.images import hstack
from tests.helpers import new_run, tensors_equal, weights

SCORES = Scores(0.01, 20.0, 0.9)


def test_every_validated_line_of_a_run_has_its_preview(tmp_path: Path, photos: str) -> None:
    run = new_run(tmp_path, photos)
    list(run_training(run))
    validated = [line for line in run.progress() if line.get("scores") or line.get("estimate")]
    files = {path.stem for path in (run.path / "previews").iterdir()} - {"clean", "noisy"}
    assert {run.preview_path(preview_of(line)).stem for line in validated} == files
    assert any(name.startswith("step-") for name in files) and "epoch-0003" in files
    # A dense layer has filters, each with the weights of the preview beside it.
    assert {path.stem for path in (run.path / "filters").iterdir()} == files
    expected = first_layer_filters(run.load().model, (1, 28, 28))
    assert expected is not None
    with Image.open(run.filters_path(3)) as filters:
        assert np.array_equal(np.asarray(filters), np.asarray(hstack(expected)))


def test_a_model_without_filters_writes_none_and_filters_do_not_change_the_weights(
    tmp_path: Path, photos: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (new_run(tmp_path, photos, name=name, epochs=1) for name in ("with", "without"))
    list(run_training(first))
    monkeypatch.setattr(recorder, "first_layer_filters", lambda model, shape: None)
    list(run_training(second))
    assert second.preview_path(1).is_file() and not (second.path / "filters").exists()
    assert tensors_equal(weights(first.load().model), weights(second.load().model))


def test_previews_of_repeated_steps_are_deleted(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("previews", "filters")]
    for folder in folders:
        folder.mkdir()
    for step in (0, 1, 4, 10):
        append_report(tmp_path, TrainReport(0, 3, step, 30, 1.0, 0.5, 9.0, estimate=ScoreEstimate(0.1, 10.0)))
        for folder in folders:
            (folder / f"{preview_of({'step': step})}.png").touch()
    (tmp_path / "previews" / "epoch-0000.png").touch()
    truncate_progress(tmp_path, 4)
    assert [line["step"] for line in read_progress(tmp_path)] == [0, 1, 4]
    steps = ["step-000000000", "step-000000001", "step-000000004"]
    assert sorted(path.stem for path in folders[0].iterdir()) == ["epoch-0000", *steps]
    assert sorted(path.stem for path in folders[1].iterdir()) == steps


@pytest.mark.parametrize("value", ["NaN", '"ten"', "null"])
def test_a_line_with_a_damaged_estimate_ends_the_progress(value: str, tmp_path: Path) -> None:
    append_report(tmp_path, TrainReport(0, 3, 0, 9, 1.0, 0.5, 9.0, SCORES, SCORES))
    with (tmp_path / "progress.jsonl").open("a") as file:
        file.write(
            '{"epoch": 0, "epochs": 3, "step": 1, "steps": 9, "seconds": 1.0, '
            f'"estimate": {{"mse": 0.1, "psnr_db": {value}}}}}\n'
        )
    assert [line["step"] for line in read_progress(tmp_path)] == [0]
