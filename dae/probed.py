"""What probes found, kept on the disk, and as the rows of a table."""

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dae import finetune
from dae.checkpoints import Checkpoint
from dae.codes import check_size
from dae.contenders import as_denoiser
from dae.errors import SpecError
from dae.evaluation import OnShare
from dae.files import cache_folder, keep, name_of
from dae.models import MODELS, build_model
from dae.packed import ImageSet
from dae.probe import LinearProbe, Task, code, pca, pixels
from dae.seeds import generator

LABELS = (10, 100, 1_000, None)  # None: all
SEEDS = 5
RAW, PCA, UNTRAINED, CODE, SCRATCH, TUNED = "raw", "pca", "untrained", "code", "scratch", "fine-tuned"
WAYS = {
    CODE: "code",
    UNTRAINED: "untrained encoder",
    PCA: "PCA of the same size",
    RAW: "raw pixels",
    TUNED: "fine-tuned from the encoder",
    SCRATCH: "trained from scratch",
}
PROBED = (RAW, PCA, UNTRAINED, CODE)  # by the linear probe
_FORMAT = 1  # raise it when what an older version found would be wrong
_INITIAL = 20  # stream of the untrained encoder's weights
_MOST = 20_000  # files; the oldest half goes when there are more

Accuracies = Callable[[int, Sequence[int], OnShare], list[float]]


@dataclass(frozen=True)
class Learner:
    """One that learns to tell classes apart.

    Attributes:
        run: whose code it uses; empty where it uses none.
        way: a key of WAYS.
        numbers: how many it sees of a picture.
        key: learners with the same key find the same; empty where that cannot be known.
        accuracies: (labels, seeds, on_share) -> for each seed the share of test pictures that is recognised.
    """

    run: str
    way: str
    numbers: int
    key: str
    accuracies: Accuracies

    @property
    def probes(self) -> bool:
        """Whether it is a linear probe, which takes any number of labels."""
        return self.way in PROBED


def learners(name: str, checkpoint: Checkpoint, task: Task, key: str = "") -> list[Learner]:
    """All ways for one run; those that do not depend on its weights have a key that says so.

    Raises:
        DataError: its code is too large, or the model cannot take such pictures.
    """
    as_denoiser(checkpoint, task.test)  # raises where they do not fit
    shape = task.train.shape
    numbers = check_size(checkpoint.model, MODELS[checkpoint.name].label, shape)
    untrained = build_model(checkpoint.name, shape, generator(0, _INITIAL))
    training = f"{finetune.STEPS} {finetune.RATES}"

    def tuned(way: str, own: str) -> Learner:
        def accuracies(count: int, seeds: Sequence[int], on_share: OnShare) -> list[float]:
            return finetune.accuracies(checkpoint, task, count, seeds, way == SCRATCH, on_share)

        return Learner(name, way, numbers, own, accuracies)

    return [
        Learner("", RAW, math.prod(shape), RAW, LinearProbe(pixels, task).accuracies),
        Learner("", PCA, numbers, f"{PCA} {numbers}", LinearProbe(pca(task.train, numbers), task).accuracies),
        Learner(
            name, UNTRAINED, numbers, f"{UNTRAINED} {checkpoint.name}", LinearProbe(code(untrained), task).accuracies
        ),
        Learner(
            name, CODE, numbers, f"{CODE} {key}" if key else "", LinearProbe(code(checkpoint.model), task).accuracies
        ),
        tuned(SCRATCH, f"{SCRATCH} {training} {checkpoint.name}"),
        tuned(TUNED, f"{TUNED} {training} {key}" if key else ""),
    ]


def once(found: Sequence[Learner]) -> list[Learner]:
    """The learners, those left out that do not depend on a run's weights and came before."""
    known: dict[tuple[str, str], Learner] = {}
    for learner in found:
        own = learner.way in (CODE, SCRATCH, TUNED)  # two runs with the same weights have a line each
        known.setdefault((learner.way, learner.run if own else learner.key), learner)
    return list(known.values())


def read_labels(text: str) -> tuple[int | None, ...]:
    """Numbers of labels as people write them: "10,100,all"; raises SpecError."""
    counts: list[int | None] = []
    for part in text.split(","):
        word = part.strip().lower()
        if word != "all" and not (word.isdecimal() and 0 < int(word) < 10**9):
            raise SpecError(f"Labels {part!r} is no number of labels; write for example 10,100,1000,all.")
        counts.append(None if word == "all" else int(word))
    return tuple(dict.fromkeys(counts))


class Probes:
    """Of learners on one task.

    Args:
        seeds: how many; each chooses other labels.
        folder: where results are kept; by default in the user's cache.
    """

    def __init__(self, task: Task, seeds: int = SEEDS, folder: Path | None = None) -> None:
        if not 1 <= seeds <= 100:
            raise SpecError(f"{seeds} seeds cannot be averaged; choose 1 to 100.")
        self.task = task
        self.seeds = tuple(range(seeds))
        self._folder = folder or cache_folder() / "probed"
        self._about = [_FORMAT, *(part for images in (task.train, task.test) for part in _digest(images))]
        self._known: dict[str, list[float]] = {}

    def counts(self, asked: Sequence[int | None]) -> list[int]:
        """The numbers of labels that can be given, of those asked for; None stands for all there are."""
        every = len(self.task.free)
        counts = [every if count is None else count for count in asked]
        return sorted({count for count in counts if self.task.classes <= count <= every})

    def kept(self, learner: Learner, count: int) -> list[float] | None:
        """Its accuracies, one a seed; None where they are not found yet."""
        name = self._name(learner, count)
        if name not in self._known and learner.key:
            try:
                found = json.loads((self._folder / name).read_text())
            except (OSError, ValueError, RecursionError):
                return None
            if not _are_accuracies(found):
                return None
            self._known[name] = found
        return self._known.get(name)

    def measure(self, learner: Learner, count: int, on_share: OnShare = lambda done: None) -> list[float]:
        """Its accuracies, found unless they are kept. Where nothing can be written, they are kept in memory."""
        if (found := self.kept(learner, count)) is None:
            found = learner.accuracies(count, self.seeds, on_share)
            name = self._name(learner, count)
            self._known[name] = found
            if learner.key:
                keep(self._folder / name, json.dumps(found).encode(), _MOST)
        return found

    def row(self, learner: Learner, count: int) -> dict[str, Any] | None:
        """The line of a table; None where it is not found yet.

        Returns:
            run, way, numbers, labels, accuracy (the mean over seeds, 0 to 1), accuracy_sd (over seeds), seeds, n
            (test pictures), dataset.
        """
        if (found := self.kept(learner, count)) is None:
            return None
        return {
            "run": learner.run,
            "way": learner.way,
            "numbers": learner.numbers,
            "labels": count,
            "accuracy": float(np.mean(found)),
            "accuracy_sd": float(np.std(found, ddof=1)) if len(found) > 1 else 0.0,
            "seeds": len(found),
            "n": len(self.task.test),
            "dataset": self.task.test.name,
        }

    def _name(self, learner: Learner, count: int) -> str:
        return name_of(*self._about, learner.key or f"{learner.run} {learner.way}", count, len(self.seeds))


def _digest(images: ImageSet) -> tuple[str, str]:
    return images.digest(), hashlib.sha256(images.labels.contiguous().numpy().tobytes()).hexdigest()[:16]


def _are_accuracies(found: object) -> bool:
    return isinstance(found, list) and bool(found) and all(type(one) is float and 0 <= one <= 1 for one in found)


def jobs(found: Sequence[Learner], counts: Sequence[int]) -> Iterator[tuple[Learner, int]]:
    """Who learns from how many labels: probes first, few labels first; fine-tuning within `finetune.LABELS`."""
    low, high = finetune.LABELS
    for count in counts:
        yield from ((learner, count) for learner in found if learner.probes)
    for count in counts:
        yield from ((learner, count) for learner in found if not learner.probes and low <= count <= high)
