"""Linear probes and fine-tuning of runs: the methods, their cached accuracies, and rows of a table."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from dae.errors import SpecError
from dae.evaluation import ProgressCallback, TableCache
from dae.evaluation.denoisers import check_compatible
from dae.models import MODELS, Checkpoint, build_model
from dae.representation import finetune
from dae.representation.latent import validate_code_size
from dae.representation.linear_probe import (
    Feature,
    LinearProbe,
    ProbeTask,
    code_features,
    pca_features,
    pixel_features,
)
from dae.utils.files import fingerprint, user_cache_dir
from dae.utils.random import make_generator

# Numbers of labels; None: all.
LABEL_COUNTS = (10, 100, 1_000, None)
NUM_SEEDS = 5
_UNTRAINED_STREAM = 20

Accuracies = Callable[[int, Sequence[int], ProgressCallback], list[float]]


class Method(StrEnum):
    """A method to classify images: a linear probe on a feature, or fine-tuning."""

    RAW = "raw"
    PCA = "pca"
    UNTRAINED = "untrained"
    CODE = "code"
    SCRATCH = "scratch"
    FINE_TUNED = "fine-tuned"


@dataclass(frozen=True)
class ProbeMethod:
    """A method, ready to be measured.

    Attributes:
        run: whose model it uses; empty if none.
        num_dimensions: of its feature.
        key: equal keys mean equal accuracies; empty if they cannot be identified, so that none are written to disk.
        accuracies: (number of labels, seeds, progress callback) to the test accuracy for each seed.
    """

    run: str
    method: Method
    num_dimensions: int
    key: str
    accuracies: Accuracies

    @property
    def name(self) -> str:
        """Return the run and the method, which identify a method without a key."""
        return f"{self.run} {self.method}"

    @property
    def is_linear_probe(self) -> bool:
        """Return whether the method is a linear probe, which works with any number of labels."""
        return self.method not in (Method.SCRATCH, Method.FINE_TUNED)

    @property
    def depends_on_run(self) -> bool:
        """Return whether a table lists the method once per run: if it uses the run's weights, or is their baseline."""
        return self.method in (Method.CODE, Method.SCRATCH, Method.FINE_TUNED)


def probe_methods(name: str, checkpoint: Checkpoint, task: ProbeTask, key: str = "") -> list[ProbeMethod]:
    """Return all methods for one run.

    Args:
        name: of the run.
        key: identifies the weights; empty if unknown.

    Raises:
        DataError: the code is too large, or the model cannot process these images.
    """
    check_compatible(checkpoint, task.test, name)
    architecture, shape = checkpoint.name, task.train.shape
    size = validate_code_size(checkpoint.model, MODELS[architecture].label, shape)
    untrained = build_model(architecture, shape, make_generator(0, _UNTRAINED_STREAM))
    training = f"{finetune.NUM_STEPS} {finetune.LEARNING_RATES}"

    def linear(run: str, method: Method, num_dimensions: int, key: str, feature: Feature) -> ProbeMethod:
        return ProbeMethod(run, method, num_dimensions, key, LinearProbe(feature, task).accuracies)

    def tuned(method: Method, key: str, init: Literal["pretrained", "random"]) -> ProbeMethod:
        def accuracies(count: int, seeds: Sequence[int], on_progress: ProgressCallback) -> list[float]:
            return finetune.finetune_accuracies(checkpoint, task, count, seeds, init, on_progress)

        return ProbeMethod(name, method, size, key, accuracies)

    return [
        linear("", Method.RAW, math.prod(shape), Method.RAW, pixel_features),
        linear("", Method.PCA, size, f"{Method.PCA} {size}", pca_features(task.train, size)),
        linear(name, Method.UNTRAINED, size, f"{Method.UNTRAINED} {architecture}", code_features(untrained)),
        linear(name, Method.CODE, size, key and f"{Method.CODE} {key}", code_features(checkpoint.model)),
        tuned(Method.SCRATCH, f"{Method.SCRATCH} {training} {architecture}", "random"),
        tuned(Method.FINE_TUNED, key and f"{Method.FINE_TUNED} {training} {key}", "pretrained"),
    ]


def deduplicate(methods: Sequence[ProbeMethod]) -> list[ProbeMethod]:
    """Return the methods of several runs, without repetitions of those that do not depend on a run."""
    unique: dict[tuple[Method, str], ProbeMethod] = {}
    for method in methods:
        unique.setdefault((method.method, method.run if method.depends_on_run else method.key), method)
    return list(unique.values())


def probe_jobs(methods: Sequence[ProbeMethod], counts: Sequence[int]) -> Iterator[tuple[ProbeMethod, int]]:
    """Yield pairs to measure: linear probes first, few labels first; fine-tuning within its LABEL_COUNT_RANGE."""
    low, high = finetune.LABEL_COUNT_RANGE
    for count in counts:
        yield from ((method, count) for method in methods if method.is_linear_probe)
    for count in counts:
        yield from ((method, count) for method in methods if not method.is_linear_probe and low <= count <= high)


def parse_label_counts(text: str) -> tuple[int | None, ...]:
    """Parse numbers of labels such as "10,100,all"; None stands for all. Raise SpecError if the text is invalid."""
    counts: list[int | None] = []
    for part in text.split(","):
        word = part.strip().lower()
        if word != "all" and not (word.isdecimal() and 0 < int(word) < 10**9):
            raise SpecError(f"Number of labels {part!r} is invalid. Write for example 10,100,1000,all.")
        counts.append(None if word == "all" else int(word))
    return tuple(dict.fromkeys(counts))


class ProbeCache(TableCache[ProbeMethod, int]):
    """Accuracies of methods on one task, by the number of labels: one row per seed.

    Args:
        num_seeds: number of seeds to average over; each samples different labels.
        folder: of the files; by default in the user's cache.
        shipped: see `ResultCache`.

    Raises:
        SpecError: the number of seeds is not 1 to 100.
    """

    columns = ("accuracy",)

    def __init__(
        self, task: ProbeTask, num_seeds: int = NUM_SEEDS, folder: Path | None = None, shipped: Path | None = None
    ) -> None:
        if not 1 <= num_seeds <= 100:
            raise SpecError(f"Number of seeds {num_seeds} is invalid. Choose 1 to 100.")
        context = [
            [images.fingerprint(), fingerprint(images.labels.contiguous().numpy().data)]
            for images in (task.train, task.test)
        ]
        super().__init__(folder or user_cache_dir() / "probed", context, num_seeds, shipped=shipped)
        self.task = task
        self.seeds = tuple(range(num_seeds))

    def feasible_counts(self, counts: Sequence[int | None]) -> list[int]:
        """Return the numbers of labels that are available, sorted; None stands for all labels."""
        total = len(self.task.train_indices)
        numbers = {total if count is None else count for count in counts}
        return sorted(number for number in numbers if self.task.num_classes <= number <= total)

    def _measure(self, subject: ProbeMethod, setting: int, on_progress: ProgressCallback) -> pd.DataFrame:
        return pd.DataFrame({"accuracy": subject.accuracies(setting, self.seeds, on_progress)})

    def summary_row(self, method: ProbeMethod, count: int) -> dict[str, Any] | None:
        """Return a row of a table, or None if it is not measured yet.

        Returns:
            run, method (of `Method`), dimensions (of the feature), labels, accuracy (mean over seeds, 0 to 1),
            accuracy_sd (over seeds), seeds, n (test images) and dataset.
        """
        if (table := self.get(method, count)) is None:
            return None
        accuracies = table["accuracy"]
        return {
            "run": method.run,
            "method": method.method.value,
            "dimensions": method.num_dimensions,
            "labels": count,
            "accuracy": float(accuracies.mean()),
            "accuracy_sd": float(accuracies.std()) if len(accuracies) > 1 else 0.0,
            "seeds": len(accuracies),
            "n": len(self.task.test),
            "dataset": self.task.test.name,
        }
