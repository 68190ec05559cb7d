"""Summarize the results of linear probes and fine-tuning in sentences."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dae.data import dataset_label
from dae.representation.cache import Method
from dae.representation.linear_probe import ProbeTask

Rows = Sequence[Mapping[str, Any]]


def summary_sentences(rows: Rows, labels: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence on the best code with about 100 labels, and one on fine-tuning with about 1,000.

    Args:
        rows: of `ProbeCache.summary_row`.
        labels: display names of the runs.
    """
    codes = _by_run(rows, Method.CODE, 100)
    best = max(codes.values(), key=_accuracy, default=None)
    raw = [row for row in rows if best and row["method"] == Method.RAW and row["labels"] == best["labels"]]
    if best and raw:
        yield (
            f"With {best['labels']:,} labels, a linear classifier on the code of {labels[best['run']]} recognizes "
            f"{best['accuracy']:.1%} of the images, against {raw[0]['accuracy']:.1%} on raw pixels."
        )
    tuned, scratch = (_by_run(rows, method, 1_000) for method in (Method.FINE_TUNED, Method.SCRATCH))
    runs = [run for run in tuned if run in scratch]
    if runs:
        run = max(runs, key=lambda run: _accuracy(tuned[run]))
        num_helped = sum(_accuracy(tuned[run]) > _accuracy(scratch[run]) for run in runs)
        share = f"all {len(runs)}" if num_helped == len(runs) else f"{num_helped} of {len(runs)}"
        yield (
            f"With {tuned[run]['labels']:,} labels, starting from the encoder of {labels[run]}: "
            f"{tuned[run]['accuracy']:.1%}; from scratch: {scratch[run]['accuracy']:.1%}."
            + (f" Pretraining helped {share} models." if len(runs) > 1 else "")
        )


def ranking_sentence(rows: Rows, labels: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence that compares the best and the worst code with about 100 labels, if there are at least two."""
    ranked = sorted(_by_run(rows, Method.CODE, 100).values(), key=_accuracy)
    if len(ranked) > 1:
        worst, best = ranked[0], ranked[-1]
        yield (
            f"With {best['labels']:,} labels, the code of {labels[best['run']]} identifies {best['accuracy']:.1%} of "
            f"the images; that of {labels[worst['run']]}, {worst['accuracy']:.1%}."
        )


def describe_task(task: ProbeTask) -> str:
    """Return the number of test images and their data set."""
    return f"{len(task.test):,} test images of {dataset_label(task.test.name)}"


def _by_run(rows: Rows, method: Method, target: int) -> dict[str, Mapping[str, Any]]:
    """Return the rows of a method at the number of labels nearest to `target`, by run."""
    rows = [row for row in rows if row["method"] == method]
    nearest = min((row["labels"] for row in rows), key=lambda count: abs(math.log(count / target)), default=0)
    return {row["run"]: row for row in rows if row["labels"] == nearest}


def _accuracy(row: Mapping[str, Any]) -> float:
    return float(row["accuracy"])
