"""Linear probe (Alain and Bengio 2016): the accuracy of logistic regression on a feature.

The same procedure serves every feature, so raw pixels are a fair baseline: scaling and regularization are chosen on
held-out training images, never on test images.
"""

import warnings
from collections.abc import Callable, Sequence
from functools import cache, partial
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dae.data import ImageSet, dataset_label
from dae.errors import DataError, SpecError
from dae.evaluation import ProgressCallback
from dae.models import Autoencoder
from dae.representation.latent import PCAProjection, encode
from dae.utils.random import make_generator

# Images (N, C, H, W), float32 in [0, 1], to features (N, D).
Feature = Callable[[Tensor], Tensor]

# Training images held out to choose scaling and regularization, at most a fifth of all.
NUM_VALIDATION_IMAGES = 1_000
# Maximum number of labels to fit during that choice.
MAX_SEARCH_LABELS = 2_000
NUM_PCA_IMAGES = 10_000
# Candidates of scikit-learn's C: the larger, the weaker the regularization.
_INVERSE_REGULARIZATION = (0.001, 0.01, 0.1, 1.0)
_BATCH_SIZE = 500
_LABEL_STREAM, _VALIDATION_STREAM = range(2)


class ProbeTask:
    """Predict the classes of test images from a few labeled training images.

    Attributes:
        validation_indices: training images for choosing settings; they are never trained on.
        train_indices: all other training images.
        classes: number of classes among `train_indices`.

    Raises:
        DataError: there are fewer than two classes, or too few images of a class.
    """

    def __init__(self, train: ImageSet, test: ImageSet) -> None:
        self.train, self.test = train, test
        name, num_classes = dataset_label(train.name), len(train.labels.unique())
        if num_classes < 2:
            raise DataError(
                f"A probe needs two classes, and {name} has {num_classes} class. Choose another data set; in an image "
                "folder, each subfolder is a class."
            )
        shuffled = torch.randperm(len(train), generator=make_generator(0, _VALIDATION_STREAM))
        size = min(NUM_VALIDATION_IMAGES, len(train) // 5)
        self.validation_indices, self.train_indices = shuffled[:size].sort().values, shuffled[size:].sort().values
        self.num_classes = len(train.labels[self.train_indices].unique())
        if not size or self.num_classes < num_classes:
            raise DataError(
                f"{name} has {len(train)} training images of {num_classes} classes, too few for a probe. "
                "Add images, or choose another data set."
            )

    def check_label_count(self, count: int) -> None:
        """Raise SpecError unless `count` labels exist and cover every class."""
        available = len(self.train_indices)
        if not self.num_classes <= count <= available:
            raise SpecError(
                f"A probe cannot use {count:,} labels: {dataset_label(self.train.name)} has {self.num_classes} classes "
                f"and {available:,} training images. Choose {self.num_classes} to {available}, or all."
            )

    def sample_labeled(self, count: int, seed: int) -> Tensor:
        """Return indices (count,) of training images, balanced over classes; a larger count adds to a smaller one."""
        self.check_label_count(count)
        order = torch.randperm(len(self.train_indices), generator=make_generator(seed, _LABEL_STREAM))
        shuffled = self.train_indices[order]
        labels = self.train.labels[shuffled].numpy()
        # Rank every image within its class, then take all of rank 0, all of rank 1, and so on.
        ranks = np.empty_like(labels)
        for label in np.unique(labels):
            ranks[labels == label] = np.arange((labels == label).sum())
        return shuffled[torch.from_numpy(np.lexsort((labels, ranks))[:count])]


def pixel_features(images: Tensor) -> Tensor:
    """Return the pixel values (N, C * H * W) of images (N, C, H, W)."""
    return images.flatten(1)


def pca_features(train: ImageSet, num_components: int) -> Feature:
    """Return a projection to the principal components of the first NUM_PCA_IMAGES images, fitted at the first call."""

    @cache
    def projection() -> PCAProjection:
        return PCAProjection(train.to_float(slice(0, NUM_PCA_IMAGES)).flatten(1), num_components)

    return lambda images: projection()(images.flatten(1))


def code_features(model: Autoencoder) -> Feature:
    """Return the encoder of a model as a feature of clean images."""
    return partial(encode, model)


class LinearProbe:
    """Logistic regression on one feature; the features of validation and test images are computed once."""

    def __init__(self, feature: Feature, task: ProbeTask) -> None:
        self.feature, self.task = feature, task
        self._evaluation_features: tuple[Tensor, Tensor] | None = None

    def accuracies(
        self, count: int, seeds: Sequence[int], on_progress: ProgressCallback = lambda done: None
    ) -> list[float]:
        """Return the test accuracy with `count` labels for each seed, which samples the labels.

        With all labels there is nothing to sample, so there is one accuracy.

        Args:
            on_progress: called after every few hundred images.
        """
        task, accuracies = self.task, list[float]()

        def check_cancelled() -> None:
            on_progress(len(accuracies) / len(seeds))

        if count == len(task.train_indices):
            seeds = seeds[:1]
        if self._evaluation_features is None:
            self._evaluation_features = (
                self._extract(task.train, task.validation_indices, check_cancelled),
                self._extract(task.test, torch.arange(len(task.test)), check_cancelled),
            )
        validation, test = self._evaluation_features

        validation_labels, test_labels = task.train.labels[task.validation_indices].numpy(), task.test.labels.numpy()

        def training_set(count: int, seed: int) -> tuple[Tensor, np.ndarray]:
            indices = task.sample_labeled(count, seed)
            return self._extract(task.train, indices, check_cancelled), task.train.labels[indices].numpy()

        search, search_labels = training_set(min(count, MAX_SEARCH_LABELS), seeds[0])

        def validation_accuracy(settings: tuple[Scaler, float]) -> float:
            scale, inverse_regularization = settings
            check_cancelled()
            model = _fit(scale(search), search_labels, inverse_regularization)
            return float(model.score(scale(validation), validation_labels))

        settings = product(_scalers(validation), _INVERSE_REGULARIZATION)
        scale, inverse_regularization = max(settings, key=validation_accuracy)
        for seed in seeds:
            features, labels = training_set(count, seed)
            model = _fit(scale(features), labels, inverse_regularization)
            accuracies.append(float(model.score(scale(test), test_labels)))
            check_cancelled()
        return accuracies

    def _extract(self, images: ImageSet, indices: Tensor, check_cancelled: Callable[[], None]) -> Tensor:
        """Return the features (N, D) of the images at `indices`; `check_cancelled` is called after every batch."""
        batches = []
        for batch in indices.split(_BATCH_SIZE):
            batches.append(self.feature(images.to_float(batch)))
            check_cancelled()
        return torch.cat(batches)


Scaler = Callable[[Tensor], np.ndarray]


def _scalers(features: Tensor) -> list[Scaler]:
    """Return two scalings to unit size: by the standard deviation of each dimension, or by a common one.

    scikit-learn's StandardScaler lacks the floor, without which nearly constant dimensions dominate, and the common
    scale, which keeps the ratios between dimensions.
    """
    center, deviation = features.mean(0), features.std(0, correction=0)
    floor = max(1e-3 * float(deviation.max()), 1e-12)
    common = deviation.square().mean().sqrt().clamp(min=1e-12)
    return [partial(_standardize, center=center, scale=scale) for scale in (deviation.clamp(min=floor), common)]


def _standardize(features: Tensor, center: Tensor, scale: Tensor) -> np.ndarray:
    return ((features - center) / scale).numpy()


def _fit(features: np.ndarray, labels: np.ndarray, inverse_regularization: float) -> Any:
    """Fit scikit-learn's multinomial logistic regression."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        # 200 iterations are enough for a comparison.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return LogisticRegression(C=inverse_regularization, max_iter=200, tol=1e-3).fit(features, labels)
