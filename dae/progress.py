"""progress.jsonl: one line a report, readable while it is being written."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from dae.files import whole_file
from dae.training import Report, Scores

_SCORES = [field.name for field in fields(Scores)]


def append(path: Path, report: Report) -> None:
    """Add one line: epoch, epochs, step, steps, seconds, loss, images_per_second, and the scores of an epoch's end."""
    line: dict[str, Any] = {
        "epoch": report.epoch,
        "epochs": report.epochs,
        "step": report.step,
        "steps": report.steps,
        "seconds": round(report.seconds, 3),
        "loss": report.loss,
        "images_per_second": report.images_per_second,
    }
    if report.scores and report.noisy_scores:
        line |= {"scores": vars(report.scores), "noisy_scores": vars(report.noisy_scores)}
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")


def read(path: Path) -> list[dict[str, Any]]:
    """The lines, oldest first, up to the first that is not whole: a crash may have cut it."""
    lines: list[dict[str, Any]] = []
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return lines
    for line in text.splitlines():
        try:
            values = json.loads(line)
        except (ValueError, RecursionError):
            break
        if not _sound(values):
            break
        lines.append(values)
    return lines


def rewrite(path: Path, lines: list[dict[str, Any]]) -> None:
    """Replace the file by these lines, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text("".join(json.dumps(line) + "\n" for line in lines))


def _sound(values: Any) -> bool:
    """Whether a line is one that `append` could have written."""
    if not isinstance(values, dict):
        return False
    counts = [values.get(name) for name in ("epoch", "epochs", "step", "steps")]
    if not all(type(count) is int and 0 <= count < 10**12 for count in counts) or not values["steps"]:
        return False
    if not _finite(values.get("seconds")) or values["seconds"] < 0:
        return False
    if not all(values.get(name) is None or _finite(values[name]) for name in ("loss", "images_per_second")):
        return False
    scores = [values.get(name) for name in ("scores", "noisy_scores")]
    return scores == [None, None] or all(
        isinstance(entry, dict) and all(type(entry.get(key)) is float and entry[key] == entry[key] for key in _SCORES)
        for entry in scores
    )


def _finite(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < 1e15
