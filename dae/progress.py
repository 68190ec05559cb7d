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
    numbers = ("epoch", "epochs", "step", "steps", "seconds")
    if not (isinstance(values, dict) and all(isinstance(values.get(name), (int, float)) for name in numbers)):
        return False
    if not isinstance(values.get("loss"), (int, float, type(None))):
        return False
    scores = [values.get(name) for name in ("scores", "noisy_scores")]
    return all(
        entry is None
        or (isinstance(entry, dict) and all(isinstance(entry.get(key), float) for key in ("mse", "psnr_db", "ssim")))
        for entry in scores
    )
