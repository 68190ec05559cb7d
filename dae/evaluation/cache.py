"""Cache of measurement results: in memory, on disk, where other processes find them, and shipped with the models."""

import contextlib
import functools
import math
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import pandas as pd
import torch
from cachetools import LRUCache
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from dae.data import ImageSet
from dae.evaluation.benchmark import ProgressCallback, per_image_metrics, summary_row
from dae.evaluation.denoisers import NamedDenoiser, identity_baseline
from dae.evaluation.metrics import CHANGED, METRICS
from dae.noise import NoiseSpec
from dae.utils.files import (
    SHIPPED_RUNS,
    atomic_write,
    cache_put,
    cached_by_stat,
    fingerprint,
    read_regular,
    user_cache_dir,
)

# Results of the shipped models under the settings that the pages open with.
SHIPPED_RESULTS = SHIPPED_RUNS / "results.safetensors"

# Increment when results change without a new version of a package.
_FORMAT = 7
_MAX_BYTES = 150 << 20
# Separates the key of a result from the name of a tensor.
_SEPARATOR = "/"
_MAX_SHIPPED_BYTES = 64 << 20


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
Result = TypeVar("Result")
Tensors = Mapping[str, Tensor]


class ResultCache(ABC, Generic[Subject, Setting, Result]):
    """Results for subjects under settings, in memory and in one file each; threads may share it.

    Results of a subject without a key are not written to disk. A file is read only by the same versions of the packages
    that computed it. Shipped results are read by every version: their keys are hashes of the weights, the images and
    the settings.

    Args:
        folder: of the files.
        context: JSON values that all results depend on.
        shipped: file of `write_results`, for results that neither memory nor `folder` has.
    """

    max_files: ClassVar[int]

    def __init__(self, folder: Path, *context: object, shipped: Path | None = None) -> None:
        self._folder, self._shipped = folder, shipped
        self._context = context
        self._version = _versions()
        self._results: LRUCache[str, tuple[int, Result]] = LRUCache(_MAX_BYTES, lambda entry: min(entry[0], _MAX_BYTES))
        self._lock = threading.Lock()

    @abstractmethod
    def _measure(self, subject: Subject, setting: Setting, on_progress: ProgressCallback) -> Result:
        """Return a result."""

    @abstractmethod
    def _to_tensors(self, result: Result) -> dict[str, Tensor]:
        """Return the content of a result's file."""

    @abstractmethod
    def _from_tensors(self, tensors: Tensors) -> Result:
        """Return the result with this content, complete or from `_shorten`; raise KeyError if a tensor is missing."""

    def _shorten(self, tensors: Tensors) -> dict[str, Tensor]:
        """Return the content of a result in fewer bytes, to ship it."""
        return dict(tensors)

    def get(self, subject: Subject, setting: Setting) -> Result | None:
        """Return a result, or None if it is not measured yet."""
        key = self._key(subject, setting)
        with self._lock:
            entry = self._results.get(key)
        if entry is None and subject.key:
            with contextlib.suppress(OSError, SafetensorError, KeyError, ValueError):
                return self._put(key, load((self._folder / key).read_bytes()))
            shipped = read_results(self._shipped) if self._shipped else {}
            with contextlib.suppress(KeyError, ValueError):
                return self._put(key, shipped[self.shipped_key(subject, setting)])
        return entry[1] if entry else None

    def compute(self, subject: Subject, setting: Setting, on_progress: ProgressCallback = lambda done: None) -> Result:
        """Return a result, measured if missing. It stays in memory if the disk cannot be written."""
        if (result := self.get(subject, setting)) is None:
            result = self._measure(subject, setting, on_progress)
            key, tensors = self._key(subject, setting), self._to_tensors(result)
            self._put(key, tensors, result)
            if subject.key:
                cache_put(self._folder / key, save(tensors), self.max_files)
        return result

    def to_ship(self, subject: Subject, setting: Setting) -> dict[str, Tensor] | None:
        """Return the tensors of a result for `write_results`, or None if it is not measured yet."""
        result = self.get(subject, setting)
        return None if result is None else self._shorten(self._to_tensors(result))

    def shipped_key(self, subject: Subject, setting: Setting) -> str:
        """Return the key of a result among shipped results."""
        return fingerprint(_FORMAT, *self._context, subject.key, str(setting))

    def _put(self, key: str, tensors: Tensors, result: Result | None = None) -> Result:
        result = self._from_tensors(tensors) if result is None else result
        with self._lock:
            self._results[key] = sum(tensor.nbytes for tensor in tensors.values()), result
        return result

    def _key(self, subject: Subject, setting: Setting) -> str:
        return fingerprint(_FORMAT, self._version, *self._context, subject.key or subject.name, str(setting))


@functools.cache
def _versions() -> list[str]:
    """Return the versions of the packages that results depend on."""
    versions = []
    for name in ("dae", "torch", "scikit-image", "scikit-learn", "scipy", "pywavelets"):
        # The package also runs from a folder without being installed.
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions.append(f"{name} {metadata.version(name)}")
    return versions


@cached_by_stat
def read_results(path: Path) -> dict[str, dict[str, Tensor]]:
    """Return the results in a file of `write_results`, by key; empty if it is missing or damaged."""
    results: dict[str, dict[str, Tensor]] = {}
    with contextlib.suppress(OSError, SafetensorError):
        for name, tensor in load(read_regular(path, _MAX_SHIPPED_BYTES)).items():
            key, _, column = name.partition(_SEPARATOR)
            results.setdefault(key, {})[column] = tensor
    return results


def write_results(path: Path, results: Mapping[str, Tensors]) -> None:
    """Write results of `ResultCache.to_ship` by their `shipped_key`; raise OSError if the file cannot be written."""
    tensors = {
        f"{key}{_SEPARATOR}{name}": tensor for key in sorted(results) for name, tensor in sorted(results[key].items())
    }
    with atomic_write(path) as part:
        part.write_bytes(save(tensors))


class TableCache(ResultCache[Subject, Setting, pd.DataFrame]):
    """Results that are tables with `columns`."""

    columns: ClassVar[tuple[str, ...]]
    max_files = 20_000

    def _to_tensors(self, result: pd.DataFrame) -> dict[str, Tensor]:
        return {name: torch.tensor(result[name].to_numpy()) for name in self.columns}

    def _from_tensors(self, tensors: Tensors) -> pd.DataFrame:
        return pd.DataFrame({name: tensors[name].numpy() for name in self.columns})


class MetricsCache(TableCache[NamedDenoiser, NoiseSpec]):
    """Results of `per_image_metrics` on one image set with one noise seed.

    Args:
        images: to measure on.
        seed: of the noise.
        folder: of the files; by default in the user's cache.
        shipped: see `ResultCache`.
    """

    columns = (*METRICS, CHANGED)

    def __init__(
        self, images: ImageSet, seed: int = 0, folder: Path | None = None, shipped: Path | None = None
    ) -> None:
        folder = folder or user_cache_dir() / "measured"
        super().__init__(folder, images.fingerprint(), len(images), seed, shipped=shipped)
        self.images = images
        self.seed = seed
        self._rows: dict[tuple[str, str], dict[str, Any]] = {}

    def _measure(self, subject: NamedDenoiser, setting: NoiseSpec, on_progress: ProgressCallback) -> pd.DataFrame:
        return per_image_metrics(subject.for_noise(setting), self.images, setting, self.seed, on_progress)

    def _shorten(self, tensors: Tensors) -> dict[str, Tensor]:
        """Leave out the metrics that follow from the MSE, and round the others to float32."""
        return {"mse": tensors["mse"].float(), "ssim": tensors["ssim"].float(), CHANGED: tensors[CHANGED]}

    def _from_tensors(self, tensors: Tensors) -> pd.DataFrame:
        if "psnr_db" not in tensors:
            mse = tensors["mse"].double()
            l2 = (mse * math.prod(self.images.shape)).sqrt()
            tensors = {**tensors, "mse": mse, "ssim": tensors["ssim"].double(), "psnr_db": -10 * mse.log10(), "l2": l2}
        return super()._from_tensors(tensors)

    def summary_row(self, denoiser: NamedDenoiser, noise: NoiseSpec) -> dict[str, Any] | None:
        """Return the row from `summary_row`, or None unless the denoiser and the noisy input are measured."""
        # Two runs may have the same weights, and so the same key.
        row_key = denoiser.name, self._key(denoiser, noise)
        if row_key not in self._rows:
            scores, noisy = self.get(denoiser, noise), self.get(identity_baseline(), noise)
            if scores is None or noisy is None:
                return None
            self._rows[row_key] = summary_row(denoiser, self.images.name, noise, scores, noisy)
        return self._rows[row_key]
