"""progress.jsonl: appending, reading while it grows, and damaged lines."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dae.evaluation import Scores
from dae.runs import progress as progress_module
from dae.runs.progress import append_report, read_last_progress, read_progress, truncate_progress
from dae.training import TrainReport

SCORES = Scores(0.01, 20.0, 0.9)
# Hypothesis calls a test many times with the same temporary directory.
many_examples = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def report(step: int) -> TrainReport:
    return TrainReport(step // 3, 3, step, 9, step / 7, 0.5, 99.5, *([SCORES, SCORES] if step % 3 == 0 else []))


def steps(run_dir: Path) -> list[int]:
    return [line["step"] for line in read_progress(run_dir)]


@many_examples
@given(data=st.data())
def test_progress_cut_at_any_byte_is_readable_up_to_the_cut(data: st.DataObject, tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    path.unlink(missing_ok=True)
    ends = [0]
    for step in range(5):
        append_report(tmp_path, report(step))
        ends.append(path.stat().st_size)
    complete, content = read_progress(tmp_path), path.read_bytes()
    assert [line["step"] for line in complete] == [0, 1, 2, 3, 4]
    cut = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:cut] + data.draw(st.sampled_from([b"", b"\xff", b"\0" * 9])))
    lines = read_progress(tmp_path)
    assert lines == complete[: len(lines)] and sum(end <= cut for end in ends) - 1 <= len(lines) <= 5
    step = data.draw(st.integers(0, 5))
    truncate_progress(tmp_path, step)
    assert read_progress(tmp_path) == (lines[: step + 1] if step else [])


@pytest.mark.parametrize(
    "line",
    [
        "5",
        "[]",
        "{}",
        '{"epoch": "1"}',
        "[" * 50_000,
        '{"scores": 1}',
        '{"epoch": null}',
        '{"epoch": 1, "epochs": 1, "step": 1, "steps": 0, "seconds": 1.0}',
        '{"epoch": 1, "epochs": 1, "step": 1, "steps": 1, "seconds": NaN}',
        '{"epoch": 1, "epochs": 1, "step": true, "steps": 1, "seconds": 1.0}',
        '{"epoch": 1, "epochs": 1, "step": 1, "steps": 1, "seconds": 1.0, "loss": Infinity}',
        '{"epoch": 1, "epochs": 1, "step": 1, "steps": 1, "seconds": 1.0, "noisy_scores": {"mse": 1.0}}',
    ],
)
def test_progress_ends_before_the_first_damaged_line(line: str, tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    assert read_progress(tmp_path) == []
    append_report(tmp_path, report(0))
    path.write_text(path.read_text() + line + "\n" + path.read_text())
    assert steps(tmp_path) == [0]


def test_lines_with_unpaired_or_nan_scores_are_dropped_and_infinite_psnr_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    append_report(tmp_path, report(0))
    line = json.loads(path.read_text())
    for damage in ({"scores": None}, {"noisy_scores": None}, {"scores": line["scores"] | {"ssim": float("nan")}}):
        path.write_text(json.dumps(line | damage) + "\n")
        assert read_progress(tmp_path) == []
    path.write_text(json.dumps(line | {"scores": line["scores"] | {"psnr_db": float("inf")}}) + "\n")
    assert steps(tmp_path) == [0]


def test_the_largest_float32_loss_is_a_valid_line(tmp_path: Path) -> None:
    for step, loss in enumerate([0.5, torch.finfo(torch.float32).max, 0.5]):
        append_report(tmp_path, replace(report(step), loss=loss))
    assert steps(tmp_path) == [0, 1, 2]


@many_examples
@given(data=st.data())
def test_progress_read_while_the_file_changes_is_never_stale(data: st.DataObject, tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    path.unlink(missing_ok=True)
    for step in range(6):
        append_report(tmp_path, report(step))
    content = path.read_bytes()
    for size in sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=4))):
        path.write_bytes(content[:size])
        complete = content[:size].count(b"\n")
        # The last line may lack nothing but its line break.
        assert len(read_progress(tmp_path)) in (complete, complete + 1)
    path.write_bytes(content)
    assert steps(tmp_path) == list(range(6))
    # Another run under the same name.
    path.write_bytes(content[content.index(b"\n") + 1 :])
    assert steps(tmp_path) == list(range(1, 6))


def test_last_progress_is_the_last_line(tmp_path: Path) -> None:
    assert read_last_progress(tmp_path) == {}
    for step in range(3):
        append_report(tmp_path, report(step))
        assert read_last_progress(tmp_path) == read_progress(tmp_path)[-1]


def test_a_line_of_a_newer_version_is_read_with_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    append_report(tmp_path, report(0))
    path.write_text(json.dumps(json.loads(path.read_text()) | {"gradient_norm": 2.0}) + "\n")
    with pytest.warns(UserWarning, match="gradient_norm"):
        (line,) = read_progress(tmp_path)
    assert line["step"] == 0 and line["gradient_norm"] == 2.0


def test_the_file_stays_small_however_long_a_training_lasts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_module, "_MAX_BYTES", 20_000)
    monkeypatch.setattr(progress_module, "_MAX_THINNED", 15)
    best = replace(report(303), scores=replace(SCORES, psnr_db=25.0))
    for step in range(1, 1_000):
        append_report(tmp_path, best if step == 303 else report(step))
    assert (tmp_path / "progress.jsonl").stat().st_size <= 20_500
    lines = read_progress(tmp_path)
    shown = [line["step"] for line in lines]
    assert shown == sorted(shown) and shown[-1] == 999 and shown[0] < 100
    assert max(second - first for first, second in zip(shown, shown[1:], strict=False)) < 100
    assert max(line["scores"]["psnr_db"] for line in lines if "scores" in line) == 25.0


def test_a_week_of_reports_is_thinned_to_less_than_two_megabytes() -> None:
    line = {"epoch": 1, "epochs": 9, "step": 0, "steps": 4 * 7 * 86_400, "seconds": 1.5, "loss": 0.012345678901234567}
    ends = {"scores": vars(SCORES), "noisy_scores": vars(SCORES)}
    lines = [line | {"step": step} | (ends if step % 8 == 0 else {}) for step in range(0, 4 * 7 * 86_400, 40)]
    thinned = progress_module.thin(lines)
    assert len(thinned) <= 2 * progress_module._MAX_THINNED + 2
    assert sum(len(json.dumps(line)) + 1 for line in thinned) < 2_000_000 / 2


def test_a_progress_file_above_the_size_limit_is_read_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for step in range(1, 200):
        append_report(tmp_path, report(step))
    monkeypatch.setattr(progress_module, "_MAX_BYTES", (tmp_path / "progress.jsonl").stat().st_size // 10)
    assert 5 <= len(read_progress(tmp_path)) <= 20
    assert read_last_progress(tmp_path)["step"] == 199
