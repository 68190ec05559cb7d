"""A run that resumes after its images changed reports the difference."""

from pathlib import Path

import pytest
from PIL import Image

from dae.errors import DataError
from dae.runs import load_inputs
from tests.helpers import new_run, stop_at_epoch


def paint(folder: Path, first: int, count: int, mode: str = "L") -> None:
    for index in range(first, first + count):
        Image.new("L", (28, 28), index * 5).convert(mode).save(folder / f"{index:02d}.png")


def test_added_images_are_noted_and_another_shape_is_refused(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    (photos / "train").mkdir(parents=True)
    (photos / "val").mkdir()
    (photos / "test").mkdir()
    paint(photos / "train", 0, 16)
    paint(photos / "val", 20, 2)
    paint(photos / "test", 30, 2)
    run = new_run(tmp_path / "runs", f"folder:{photos}@28")
    stop_at_epoch(run, 1)
    assert load_inputs(run.config, run=run).train.note == ""
    paint(photos / "train", 16, 4)
    note = load_inputs(run.config, run=run).train.note
    assert note == "The images changed since the run started: 16 before, 20 now."
    for folder in ("train", "val", "test"):
        paint(photos / folder, 0, 40, "RGB")
    with pytest.raises(DataError, match=r"now have shape \(3, 28, 28\).*trained on \(1, 28, 28\)"):
        load_inputs(run.config, run=run)
