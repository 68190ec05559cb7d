"""Cached maps of latent codes."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from dae.data import ImageSet
from dae.evaluation import ProgressCallback, ResultCache, Tensors
from dae.models import Autoencoder
from dae.noise import NoiseSpec
from dae.representation.latent import CodeMap, build_code_map
from dae.utils.files import user_cache_dir


@dataclass(frozen=True)
class Encoder:
    """A model whose codes are mapped.

    Attributes:
        name: of the run.
        key: equal keys mean equal codes; empty if unknown, so that its maps are not written to disk.
    """

    name: str
    model: Autoencoder
    key: str


@dataclass(frozen=True)
class MapSettings:
    """Settings of a projection of codes; for the attributes see `build_code_map`."""

    noise: NoiseSpec
    dimensions: int
    use_tsne: bool

    def __str__(self) -> str:
        return f"{'t-SNE' if self.use_tsne else 'PCA'} {self.dimensions} {self.noise}"


class MapCache(ResultCache[Encoder, MapSettings, CodeMap]):
    """Results of `build_code_map` on one image set with one seed.

    Args:
        images: whose codes are mapped.
        seed: of the noise and of t-SNE.
        folder: of the files; by default in the user's cache.
        shipped: see `ResultCache`.
    """

    # A map of 2,000 images takes 180 to 280 kB.
    max_files = 200

    def __init__(
        self, images: ImageSet, seed: int = 0, folder: Path | None = None, shipped: Path | None = None
    ) -> None:
        super().__init__(folder or user_cache_dir() / "mapped", images.fingerprint(), seed, shipped=shipped)
        self.images, self.seed = images, seed

    def _measure(self, subject: Encoder, setting: MapSettings, on_progress: ProgressCallback) -> CodeMap:
        return build_code_map(
            subject.model,
            self.images,
            setting.noise,
            self.seed,
            setting.dimensions,
            use_tsne=setting.use_tsne,
            on_progress=on_progress,
        )

    def _to_tensors(self, result: CodeMap) -> dict[str, Tensor]:
        return {
            "positions": result.positions,
            "drift": torch.tensor(result.drift, dtype=torch.float64),
            "num_dimensions": torch.tensor(result.num_dimensions),
            "explained_variance": torch.tensor(result.explained_variance, dtype=torch.float64),
        }

    def _from_tensors(self, tensors: Tensors) -> CodeMap:
        positions = tensors["positions"]
        if "step" in tensors:
            positions = tensors["low"] + tensors["step"] * positions.float()
        return CodeMap(
            positions,
            tuple(tensors["drift"].tolist()),
            int(tensors["num_dimensions"]),
            float(tensors["explained_variance"]),
        )

    def _shorten(self, tensors: Tensors) -> dict[str, Tensor]:
        """Round positions to 256 steps across the map, of one or two pixels each."""
        positions = tensors["positions"]
        low, high = positions.amin((0, 1)), positions.amax((0, 1))
        step = (high - low).max().clamp(min=1e-12) / 255
        return {**tensors, "positions": ((positions - low) / step).round().byte(), "low": low, "step": step}
