"""Which previews the slider of the Train page shows."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from dae.runs import preview_of
from dae.ui.train import previews
from dae.ui.train.previews import Frame, run_frames, select_positions
from tests.helpers import new_run


def line(step: int, **scores: Any) -> dict[str, Any]:
    return {"epoch": step // 10, "epochs": 3, "step": step, "steps": 30} | scores


LINES = [
    line(0, scores={"psnr_db": 5.0}, noisy_scores={"psnr_db": 9.0}),
    line(1, estimate={"psnr_db": 6.0}),
    line(5),
    line(8, estimate={"psnr_db": 12.0}),
    line(10, scores={"psnr_db": 15.0}, noisy_scores={"psnr_db": 9.0}),
    line(12, estimate={"psnr_db": 16.0}),
]


def test_frames_are_the_lines_with_scores_or_estimates_whose_images_exist(photos: str, tmp_path: Path) -> None:
    run = new_run(tmp_path, photos)
    for entry in (LINES[0], LINES[1], LINES[4], LINES[5]):
        run.preview_path(preview_of(entry)).write_bytes(b"")
    frames = run_frames(run, LINES)
    assert [(frame.position, frame.step, frame.gain_db) for frame in frames] == [
        (0.0, 0, -4.0),
        (pytest.approx(0.1), 1, -3.0),
        (1.0, 10, 6.0),
        (pytest.approx(1.2), 12, 7.0),
    ]


@pytest.mark.parametrize("damage", [b"", b"\x89PNG", (100, 28), (20, 28)])
def test_damaged_previews_are_left_out_of_the_latest_ones(
    damage: bytes | tuple[int, int], photos: str, tmp_path: Path
) -> None:
    run = new_run(tmp_path, photos)
    for entry in (LINES[0], LINES[1], LINES[4], LINES[5]):
        path = run.preview_path(preview_of(entry))
        if entry is LINES[5] and isinstance(damage, bytes):
            path.write_bytes(damage)
        else:
            Image.new("L", damage if entry is LINES[5] and isinstance(damage, tuple) else (224, 28)).save(path, "PNG")
    assert previews.latest_pixel_ranges(run, LINES) == [(10, 0, 0)]


@pytest.mark.parametrize("count", [1, 2, 24, 25, 100, 1_000])
def test_positions_are_limited_and_keep_both_ends(count: int) -> None:
    frames = [Frame(float(step), step, Path(), 0.0) for step in range(count)]
    positions = select_positions([frames[::2], frames], limit=24)
    assert len(positions) <= 24 and positions[0] == 0 and positions[-1] == count - 1
    assert positions == sorted(set(positions)) and len(positions) > min(count, 24) / 3


def test_positions_stay_while_a_run_grows() -> None:
    frames = [Frame(float(step), step, Path(), 0.0) for step in range(200)]
    shown = [set(select_positions([frames[:count]], limit=24)[:-1]) for count in range(1, 200)]
    # A position may go only when every second one does.
    changes = [before - after for before, after in zip(shown, shown[1:], strict=False) if before - after]
    assert len(changes) <= 5


def test_positions_have_steps_in_the_first_epoch_and_epochs_after_it() -> None:
    labels = previews._step_labels([0.0, 0.1, 1.0, 1.25, 2.0], {0.0: 0, 0.1: 1})
    assert labels == ["0 steps", "1 step", "1 epoch", "1.25 epochs", "2 epochs"]
