"""What the probe and the fine-tuning found, in sentences."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dae.data import label
from dae.probe import Task
from dae.probed import CODE, RAW, SCRATCH, TUNED


def sentences(rows: Sequence[Mapping[str, Any]], labels: Mapping[str, str]) -> Iterator[str]:
    """What the probe and the fine-tuning say, computed: at about 100 labels, and at about 1,000.

    Args:
        rows: of `Probes.row`.
        labels: what people call each run.
    """
    here = _about(100, rows, (CODE,))
    raw = [row["accuracy"] for row in rows if row["way"] == RAW and here and row["labels"] == here[0]["labels"]]
    if raw:
        best = max(here, key=lambda row: float(row["accuracy"]))
        yield (
            f"With {best['labels']:,} labels a straight rule on the code of {labels[best['run']]} recognises "
            f"{best['accuracy']:.1%} of the pictures, on raw pixels {raw[0]:.1%}: {_points(best['accuracy'] - raw[0])}."
        )
    here = _about(1_000, rows, (TUNED, SCRATCH))
    tuned, scratch = ({row["run"]: row for row in here if row["way"] == way} for way in (TUNED, SCRATCH))
    if both := [run for run in tuned if run in scratch]:
        run = max(both, key=lambda run: float(tuned[run]["accuracy"]))
        ours, theirs = tuned[run]["accuracy"], scratch[run]["accuracy"]
        helped = sum(tuned[each]["accuracy"] > scratch[each]["accuracy"] for each in both)
        of_all = f" Of {len(both)} models it helps {helped}." if len(both) > 1 else ""
        yield (
            f"With {tuned[run]['labels']:,} labels a classifier that starts from the encoder of {labels[run]} reaches "
            f"{ours:.1%}, from scratch {theirs:.1%}: {_points(ours - theirs)}.{of_all}"
        )


def best_and_worst(rows: Sequence[Mapping[str, Any]], labels: Mapping[str, str]) -> Iterator[str]:
    """Which code serves the probe best at about 100 labels, and which least, in a sentence; for two codes or more."""
    here = sorted(_about(100, rows, (CODE,)), key=lambda row: float(row["accuracy"]))
    if len(here) > 1:
        worst, best = here[0], here[-1]
        yield (
            f"With {best['labels']:,} labels the code of {labels[best['run']]} lets {best['accuracy']:.1%} of the "
            f"pictures be recognised, that of {labels[worst['run']]} {worst['accuracy']:.1%}."
        )


def _about(wanted: int, rows: Sequence[Mapping[str, Any]], ways: Sequence[str]) -> list[Mapping[str, Any]]:
    """The rows of these ways at the number of labels nearest to the wanted one."""
    mine = [row for row in rows if row["way"] in ways]
    nearest = min((row["labels"] for row in mine), key=lambda count: abs(math.log(count / wanted)), default=0)
    return [row for row in mine if row["labels"] == nearest]


def _points(share: float) -> str:
    """A difference of two shares: "5.3 points more"."""
    points = 100 * share
    return "no difference" if abs(points) < 0.05 else f"{abs(points):.1f} points {'more' if points > 0 else 'less'}"


def in_data(task: Task) -> str:
    """What a reader of a table should know of the task."""
    return f"{len(task.test):,} test pictures of {label(task.test.name)}"
