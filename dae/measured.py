"""Measurements that are kept: what was measured once is read again, also by the next process."""

from pathlib import Path
from typing import Any

import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from dae.contenders import Contender, doing_nothing
from dae.evaluation import CHANGED, OnShare, measure, row
from dae.files import cache_folder, keep, name_of
from dae.metrics import METRICS
from dae.noise import NoiseSpec
from dae.packed import ImageSet

_FORMAT = 6  # raise it when what an older version measured would be wrong
_ROWS = 4_000_000  # images whose scores are held in memory, some 150 MB
_MOST = 5_000  # files; the oldest half goes when there are more


class Measurements:
    """Of contenders on one set of images with one noise draw.

    Args:
        images: what is measured on.
        seed: of the noise.
        folder: where they are kept; by default in the user's cache.
    """

    def __init__(self, images: ImageSet, seed: int = 0, folder: Path | None = None) -> None:
        self.images = images
        self.seed = seed
        self._folder = folder or cache_folder() / "measured"
        self._about = [_FORMAT, images.digest(), len(images), seed]
        self._known: dict[str, pd.DataFrame] = {}
        self._rows: dict[str, dict[str, Any]] = {}

    def kept(self, contender: Contender, noise: NoiseSpec) -> pd.DataFrame | None:
        """What `measure` gave; None where it has not been asked yet."""
        name = self._name(contender, noise)
        if name not in self._known and contender.key:
            try:
                self._remember(name, _read((self._folder / name).read_bytes(), len(self.images)))
            except (OSError, SafetensorError, KeyError, ValueError, TypeError):
                return None
        return self._known.get(name)

    def measure(self, contender: Contender, noise: NoiseSpec, on_share: OnShare = lambda done: None) -> pd.DataFrame:
        """What `dae.measure` gives, measured unless it is kept. Where nothing can be written, it is kept in memory."""
        if (scores := self.kept(contender, noise)) is None:
            scores = measure(contender.denoiser(noise), self.images, noise, self.seed, on_share)
            name = self._name(contender, noise)
            self._remember(name, scores)
            if contender.key:
                columns = {str(column): torch.tensor(scores[column].to_numpy()) for column in scores}
                keep(self._folder / name, save(columns), _MOST)
        return scores

    def row(self, contender: Contender, noise: NoiseSpec) -> dict[str, Any] | None:
        """The line of a table; None unless the contender and doing nothing are measured."""
        name = f"{contender.name} {self._name(contender, noise)}"  # two runs may have the same weights
        if name not in self._rows:
            scores, noisy = self.kept(contender, noise), self.kept(doing_nothing(), noise)
            if scores is None or noisy is None:
                return None
            self._rows[name] = row(contender, self.images, noise, scores, noisy)
        return self._rows[name]

    def _remember(self, name: str, scores: pd.DataFrame) -> None:
        self._known[name] = scores
        while len(self._known) * len(self.images) > _ROWS and len(self._known) > 1:
            self._known.pop(next(iter(self._known)), None)  # the disk still has it

    def _name(self, contender: Contender, noise: NoiseSpec) -> str:
        return name_of(*self._about, contender.key or contender.name, str(noise))


def _read(content: bytes, number: int) -> pd.DataFrame:
    columns = load(content)
    table = pd.DataFrame({name: columns[name].numpy() for name in (*METRICS, CHANGED)})
    if len(table) != number or table[CHANGED].dtype != bool:
        raise ValueError("another measurement")
    return table
