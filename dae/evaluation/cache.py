"""Cache of measurement results, in memory and on disk, where other processes find them."""

import contextlib
import functools
import threading
from abc import ABC, abstractmethod
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import pandas as pd
import torch
from cachetools import LRUCache
from safetensors import SafetensorError
from safetensors.torch import load, save

from dae.data import ImageSet
from dae.evaluation.benchmark import CHANGED, ProgressCallback, per_image_metrics, summary_row
from dae.evaluation.denoisers import NamedDenoiser, identity_baseline
from dae.evaluation.metrics import METRICS
from dae.noise import NoiseSpec
from dae.utils.files import cache_put, fingerprint, user_cache_dir

# Increment when results change without a new version of a package.
_FORMAT = 7
# Rows of all tables in memory, about 150 MB.
_MAX_ROWS = 4_000_000
_MAX_FILES = 20_000


class Measurable(Protocol):
    """A denoiser or another subject to measure."""

    @property
    def name(self) -> str:
        """Return an identifier of its results in this process."""

    @property
    def key(self) -> str:
        """Return an identifier of its results in every process, or an empty string if there is none."""


Subject = TypeVar("Subject", bound=Measurable)
Setting = TypeVar("Setting")


class ResultCache(ABC, Generic[Subject, Setting]):
    """Tables of results for subjects under settings, in memory and in one file each; threads may share it.

    Results of a subject without a key are not written to disk. A file is read only by the same versions of the packages
    that computed it.

    Args:
        folder: of the files.
        context: JSON values that all results depend on.
    """

    columns: ClassVar[tuple[str, ...]]

    def __init__(self, folder: Path, *context: object) -> None:
        self._folder = folder
        self._context = (_FORMAT, _versions(), *context)
        self._tables: LRUCache[str, pd.DataFrame] = LRUCache(_MAX_ROWS, lambda table: min(len(table), _MAX_ROWS))
        self._lock = threading.Lock()

    @abstractmethod
    def _measure(self, subject: Subject, setting: Setting, on_progress: ProgressCallback) -> pd.DataFrame:
        """Return a table with `columns`."""

    def get(self, subject: Subject, setting: Setting) -> pd.DataFrame | None:
        """Return a result, or None if it is not measured yet."""
        key = self._key(subject, setting)
        with self._lock:
            table = self._tables.get(key)
        if table is None and subject.key:
            try:
                columns = load((self._folder / key).read_bytes())
                table = pd.DataFrame({name: columns[name].numpy() for name in self.columns})
            except (OSError, SafetensorError, KeyError, ValueError):
                return None
            self._put(key, table)
        return table

    def compute(
        self, subject: Subject, setting: Setting, on_progress: ProgressCallback = lambda done: None
    ) -> pd.DataFrame:
        """Return a result, measured if missing. It stays in memory if the disk cannot be written."""
        if (table := self.get(subject, setting)) is None:
            table = self._measure(subject, setting, on_progress)
            key = self._key(subject, setting)
            self._put(key, table)
            if subject.key:
                content = save({name: torch.tensor(table[name].to_numpy()) for name in self.columns})
                cache_put(self._folder / key, content, _MAX_FILES)
        return table

    def _put(self, key: str, table: pd.DataFrame) -> None:
        with self._lock:
            self._tables[key] = table

    def _key(self, subject: Subject, setting: Setting) -> str:
        return fingerprint(*self._context, subject.key or subject.name, str(setting))


@functools.cache
def _versions() -> list[str]:
    """Return the versions of the packages that results depend on."""
    versions = []
    for name in ("dae", "torch", "scikit-image", "scikit-learn"):
        # The package also runs from a folder without being installed.
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions.append(f"{name} {metadata.version(name)}")
    return versions


class MetricsCache(ResultCache[NamedDenoiser, NoiseSpec]):
    """Results of `per_image_metrics` on one image set with one noise seed.

    Args:
        images: to measure on.
        seed: of the noise.
        folder: of the files; by default in the user's cache.
    """

    columns = (*METRICS, CHANGED)

    def __init__(self, images: ImageSet, seed: int = 0, folder: Path | None = None) -> None:
        super().__init__(folder or user_cache_dir() / "measured", images.fingerprint(), len(images), seed)
        self.images = images
        self.seed = seed
        self._rows: dict[tuple[str, str], dict[str, Any]] = {}

    def _measure(self, subject: NamedDenoiser, setting: NoiseSpec, on_progress: ProgressCallback) -> pd.DataFrame:
        return per_image_metrics(subject.for_noise(setting), self.images, setting, self.seed, on_progress)

    def summary_row(self, denoiser: NamedDenoiser, noise: NoiseSpec) -> dict[str, Any] | None:
        """Return the row from `summary_row`, or None unless the denoiser and the noisy input are measured."""
        # Two runs may have the same weights, and so the same key.
        row_key = denoiser.name, self._key(denoiser, noise)
        if row_key not in self._rows:
            scores, noisy = self.get(denoiser, noise), self.get(identity_baseline(), noise)
            if scores is None or noisy is None:
                return None
            self._rows[row_key] = summary_row(denoiser, self.images, noise, scores, noisy)
        return self._rows[row_key]
