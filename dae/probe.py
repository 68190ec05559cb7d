"""The linear probe: how well a straight rule on a code tells the classes apart, with few labels and with many.

The better it does, the more of what matters the code lays open (Alain and Bengio 2016). The same procedure serves
every feature, so raw pixels have the same chance: scaling and strength of the rule are those that are best on
pictures held out of training, never on test pictures.
"""

import warnings
from collections.abc import Callable, Sequence
from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from dae.codes import Projection, encode, principal
from dae.data import label
from dae.errors import DataError, SpecError
from dae.evaluation import OnShare
from dae.models import Autoencoder
from dae.packed import ImageSet
from dae.seeds import generator

Feature = Callable[[Tensor], Tensor]  # images float32 (N, C, H, W) -> (N, D)

HELD_OUT = 1_000  # training pictures that only choose, or fewer where there are few
SEARCHED = 2_000  # labels at the most by which scaling and strength are chosen
PCA_IMAGES = 10_000
_STRENGTHS = (0.001, 0.01, 0.1, 1.0)  # scikit-learn's C: the larger, the freer the rule
_BLOCK = 500
_ORDER, _HELD = range(2)  # streams of random numbers under one seed


class Task:
    """Telling the classes of test pictures, having seen some labelled training pictures.

    Attributes:
        held: places of the training pictures that only choose, no other knows their labels.
        free: places of all others.
        classes: how many these have.

    Raises:
        DataError: there are no two classes, or not enough pictures of them.
    """

    def __init__(self, train: ImageSet, test: ImageSet) -> None:
        self.train, self.test = train, test
        found = len(train.labels.unique())
        if found < 2:
            raise DataError(
                f"{label(train.name)} has {found} class of pictures, and a probe tells classes apart. Choose a data "
                "set with two or more; in a folder of pictures each subfolder is a class."
            )
        shuffled = torch.randperm(len(train), generator=generator(0, _HELD))
        some = min(HELD_OUT, len(train) // 5)
        self.held, self.free = shuffled[:some].sort().values, shuffled[some:].sort().values
        self.classes = len(train.labels[self.free].unique())
        if not some or self.classes < found:
            raise DataError(
                f"{label(train.name)} has {len(train)} training pictures of {found} classes, too few of some for a "
                "probe; add some, or choose another data set."
            )

    def check(self, count: int) -> None:
        """Raise SpecError unless so many labels are there and reach every class."""
        if not self.classes <= count <= len(self.free):
            raise SpecError(
                f"{count:,} labels cannot be given: {label(self.train.name)} has {self.classes} classes and "
                f"{len(self.free):,} training pictures to label; choose {self.classes} to {len(self.free)}, or all."
            )

    def labelled(self, count: int, seed: int) -> Tensor:
        """Places of `count` training pictures, as many of each class as can be; those of fewer are among them."""
        self.check(count)
        shuffled = self.free[torch.randperm(len(self.free), generator=generator(seed, _ORDER))]
        labels = self.train.labels[shuffled].numpy()
        turns = np.empty_like(labels)  # the how-manieth of its class each is
        for each in np.unique(labels):
            turns[labels == each] = np.arange((labels == each).sum())
        return shuffled[torch.from_numpy(np.lexsort((labels, turns))[:count])]


def pixels(images: Tensor) -> Tensor:
    """The raw feature: every value of the picture."""
    return images.flatten(1)


def pca(train: ImageSet, count: int) -> Feature:
    """The first `count` principal components of the first PCA_IMAGES training pictures, found at the first call."""

    @cache
    def projection() -> Projection:
        return principal(train.clean(slice(0, PCA_IMAGES)).flatten(1), count)

    return lambda images: projection()(images.flatten(1))


def code(model: Autoencoder) -> Feature:
    """What the encoder makes of the clean picture."""
    return lambda images: encode(model, images)


class LinearProbe:
    """A straight rule on one feature; what it knows of held-out and test pictures is computed once."""

    def __init__(self, feature: Feature, task: Task) -> None:
        self.feature, self.task = feature, task
        self._ready: tuple[Tensor, Tensor] | None = None

    def accuracies(self, count: int, seeds: Sequence[int], on_share: OnShare = lambda done: None) -> list[float]:
        """The share of test pictures that is recognised with `count` labels, for each seed, which chooses the labels.

        With all labels there is nothing to choose, and one number. `on_share` is told the share that is done, every
        few hundred pictures, and what it raises ends the work.
        """
        task, found = self.task, list[float]()

        def still() -> None:
            on_share(len(found) / len(seeds))

        seeds = seeds[:1] if count == len(task.free) else seeds
        if self._ready is None:
            every = torch.arange(len(task.test))
            self._ready = self._rows(task.train, task.held, still), self._rows(task.test, every, still)
        held, test = self._ready
        known, wanted = task.train.labels[task.held].numpy(), task.test.labels.numpy()
        few = task.labelled(min(count, SEARCHED), seeds[0])
        rows, labels = self._rows(task.train, few, still), task.train.labels[few].numpy()

        def score(scale: _Scale, strength: float) -> float:
            still()
            return _Rule(scale(rows), labels, strength).right(scale(held), known)

        scale, strength = max(product(_scales(held), _STRENGTHS), key=lambda choice: score(*choice))
        for seed in seeds:
            places = task.labelled(count, seed)
            rule = _Rule(scale(self._rows(task.train, places, still)), task.train.labels[places].numpy(), strength)
            found.append(rule.right(scale(test), wanted))
            still()
        return found

    def _rows(self, images: ImageSet, places: Tensor, still: Callable[[], None]) -> Tensor:
        """The feature (N, D) of these places; `still` is called after every few hundred of them."""
        blocks = []
        for block in places.split(_BLOCK):
            blocks.append(self.feature(images.clean(block)))
            still()
        return torch.cat(blocks)


class _Scale(NamedTuple):
    """Brings a feature to about the size of 1."""

    centre: Tensor  # (D,)
    size: Tensor  # (D,), or one for all

    def __call__(self, rows: Tensor) -> np.ndarray:
        return ((rows - self.centre) / self.size).numpy()


def _scales(rows: Tensor) -> list[_Scale]:
    """Each number by its own spread, or all by one."""
    centre, spreads = rows.mean(0), rows.std(0, correction=0)
    least = max(1e-3 * float(spreads.max()), 1e-12)  # a number that hardly varies says nothing
    one = spreads.square().mean().sqrt().clamp(min=1e-12)
    return [_Scale(centre, spreads.clamp(min=least)), _Scale(centre, one)]


class _Rule:
    """Multinomial logistic regression, scikit-learn's."""

    def __init__(self, rows: np.ndarray, labels: np.ndarray, strength: float) -> None:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        self._model = LogisticRegression(C=strength, max_iter=200, tol=1e-3)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # 200 steps are enough to compare
            self._model.fit(rows, labels)

    def right(self, rows: np.ndarray, labels: np.ndarray) -> float:
        """The share of rows that is recognised."""
        return float((self._model.predict(rows) == labels).mean())
