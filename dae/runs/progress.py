"""progress.jsonl: one line per report, readable while training appends to it."""

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from dae.evaluation import Scores
from dae.runs.metadata import JsonRecord
from dae.training import TrainReport
from dae.training.validation import ScoreEstimate
from dae.utils.files import atomic_write, cached_by_stat, open_regular

_PROGRESS_FILE = "progress.jsonl"
# About 1 KB of memory per line. Enough for four hours of reports.
_MAX_CACHED_LINES = 1 << 16

# A week of training writes 300 MB of lines, which a page would read for a minute.
_MAX_BYTES = 1_800_000
_MAX_THINNED = 1_500
_MAX_LINE_BYTES = 1 << 16

_Count = Annotated[int, Field(ge=0, lt=10**12)]
# The bounds admit every finite float32 value, but neither infinity nor NaN.
_Finite = Annotated[float, Field(gt=-1e39, lt=1e39)]


class ProgressRecord(JsonRecord):
    """A line of progress.jsonl: the numbers of a `TrainReport`.

    Only the end of an epoch has scores. Files of older versions have no estimates.
    """

    epoch: _Count
    epochs: _Count
    step: _Count
    steps: Annotated[_Count, Field(gt=0)]
    seconds: Annotated[_Finite, Field(ge=0)]
    loss: _Finite | None = None
    images_per_second: _Finite | None = None
    scores: Scores | None = None
    noisy_scores: Scores | None = None
    estimate: ScoreEstimate | None = None

    @model_validator(mode="after")
    def _validate_scores(self) -> Self:
        pair = [scores for scores in (self.scores, self.noisy_scores) if scores]
        values = [value for scores in pair for value in vars(scores).values()]
        values += vars(self.estimate).values() if self.estimate else ()
        if len(pair) == 1 or any(map(math.isnan, values)):
            raise ValueError("scores, noisy_scores and estimate must be numbers; the first two are present together")
        return self


def append_report(run_dir: Path, report: TrainReport) -> None:
    """Append one line, and thin the file if it has become large; raise OSError if the write fails."""
    names = ("epoch", "epochs", "step", "steps", "loss", "images_per_second")
    line = {name: getattr(report, name) for name in names} | {"seconds": round(report.seconds, 3)}
    if report.scores and report.noisy_scores:
        line |= {"scores": vars(report.scores), "noisy_scores": vars(report.noisy_scores)}
    if report.estimate:
        line["estimate"] = vars(report.estimate)
    with (run_dir / _PROGRESS_FILE).open("a") as file:
        file.write(json.dumps(line) + "\n")
        size = file.tell()
    if size > _MAX_BYTES:
        _write_progress(run_dir, thin(read_progress(run_dir)))


def thin(lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return up to _MAX_THINNED lines, evenly spaced in steps, of the reports within epochs, and as many of their ends.

    The last line and the best epoch by PSNR are always among them.
    """
    if not lines:
        return []
    ends = [line for line in lines if line.get("scores")]
    best = max(ends, key=lambda line: line["scores"]["psnr_db"], default=lines[-1])
    last_step = max(lines[-1]["step"], 1)
    kept: dict[tuple[bool, int], dict[str, Any]] = {}
    for line in lines:
        # The last line of each interval remains.
        kept[line.get("scores") is not None, line["step"] * _MAX_THINNED // (last_step + 1)] = line
    chosen = {id(line) for line in (*kept.values(), best, lines[-1])}
    return [line for line in lines if id(line) in chosen]


def read_progress(run_dir: Path) -> list[dict[str, Any]]:
    """Return the lines, oldest first, up to the first damaged one; a crash may cut the last line."""
    return list(takewhile(bool, map(_parse_line, _read_lines(run_dir))))


def read_last_progress(run_dir: Path) -> dict[str, Any]:
    """Return the last line of a finished run, empty if it is missing or damaged."""
    try:
        return _read_last_line(run_dir / _PROGRESS_FILE)
    except OSError:
        return {}


@cached_by_stat
def _read_last_line(path: Path) -> dict[str, Any]:
    with open_regular(path) as file:
        file.seek(-min(os.fstat(file.fileno()).st_size, _MAX_LINE_BYTES), os.SEEK_END)
        lines = file.read().splitlines()
    return _parse_line(lines[-1]) if lines else {}


def preview_of(line: Mapping[str, Any]) -> int | str:
    """Return which preview belongs to a line, see `Run.preview_path`; some lines have none."""
    return int(line["epoch"]) if line.get("scores") else f"step-{line['step']:09d}"


def truncate_progress(run_dir: Path, step: int) -> None:
    """Drop the lines after `step`, or all if it is 0, and their previews and filters; raise OSError if that fails."""
    _write_progress(run_dir, [line for line in read_progress(run_dir) if line["step"] <= step] if step else [])
    for folder in ("previews", "filters"):
        for path in run_dir.glob(f"{folder}/step-*.png"):
            if path.stem > f"step-{step:09d}":
                path.unlink()


def _write_progress(run_dir: Path, lines: Iterable[dict[str, Any]]) -> None:
    with atomic_write(run_dir / _PROGRESS_FILE) as temporary:
        temporary.write_text("".join(json.dumps(line) + "\n" for line in lines))


def _read_lines(run_dir: Path) -> list[bytes]:
    """Return the lines of the file; of a file that no thinning has limited, some lines at equal distances."""
    try:
        with open_regular(run_dir / _PROGRESS_FILE) as file:
            if (size := os.fstat(file.fileno()).st_size) <= 2 * _MAX_BYTES:
                return file.read().splitlines()
            every = size // _MAX_BYTES + 1
            lines, last = [], b""
            for number, last in enumerate(file):
                if number % every == 0:
                    lines.append(last.rstrip(b"\r\n"))
            return lines if lines[-1] == last.rstrip(b"\r\n") else [*lines, last.rstrip(b"\r\n")]
    except OSError:
        return []


# Pages read growing files twice a second. The content of a line is the only key that can never be stale.
@lru_cache(_MAX_CACHED_LINES)
def _parse_line(line: bytes) -> dict[str, Any]:
    """Return the keys and values of a line, empty if it is damaged."""
    try:
        return ProgressRecord.model_validate_json(line).model_dump(exclude_unset=True)
    except ValueError:
        return {}
