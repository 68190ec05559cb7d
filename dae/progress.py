"""progress.jsonl: one line a report, readable while it is being written."""

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from dae.files import whole_file
from dae.training import Report, Scores

_KEPT_FILES = 64
_END_BYTES = 256
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


@dataclass(frozen=True)
class _Parsed:
    """What has been read of a file."""

    lines: tuple[dict[str, Any], ...] = ()
    size: int = 0  # in bytes, up to the end of the last line
    end: bytes = b""  # the last of these bytes: the same file still holds them there


_parsed: OrderedDict[Path, _Parsed] = OrderedDict()  # of the files read last
_lock = threading.Lock()


def read(path: Path) -> list[dict[str, Any]]:
    """The lines, oldest first, up to the first that is not whole: a crash may have cut it.

    A page asks twice a second for files that only grow, so what was read once is kept and only the new is parsed.
    """
    with _lock:
        known = _parsed.get(path, _Parsed())
    try:
        with path.open("rb") as file:
            file.seek(known.size - len(known.end))
            new = file.read()
            if not new.startswith(known.end):  # another file of this name
                known = _Parsed()
                file.seek(0)
                new = file.read()
    except OSError:
        return []
    lines, size = list(known.lines), known.size
    for line in new[len(known.end) :].splitlines(keepends=True):
        try:
            values = json.loads(line)
        except (ValueError, RecursionError):
            break
        if not _sound(values):
            break
        lines.append(values)
        size += len(line)
        if not line.endswith(b"\n"):
            return lines  # it may be half of a longer one: next time it is read again
    end = new[: len(known.end) + size - known.size][-_END_BYTES:]
    with _lock:
        _parsed[path] = _Parsed(tuple(lines), size, end)
        _parsed.move_to_end(path)
        while len(_parsed) > _KEPT_FILES:
            _parsed.popitem(last=False)
    return lines


def rewind(path: Path, step: int) -> None:
    """Drop the lines after this step, all of them for 0; the file is replaced whole or not at all."""
    lines = [line for line in read(path) if line["step"] <= step] if step else []
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
    return type(value) in (int, float) and abs(value) < 1e39  # more than float32 holds
