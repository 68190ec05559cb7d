"""Photographs that no model was trained on: python -m dae.bench.photographs cifar10-unet

PSNR in dB on scikit-image's own photographs under one noise draw, outputs clamped. Each filter has the strength that is
best for that very photograph, which only who knows the clean picture can choose; the runs are not helped.
"""

import argparse
from collections.abc import Iterator
from functools import partial

import numpy as np
import skimage.data
import torch
from torch import Tensor

from dae.bench import told
from dae.classical import CLASSICAL, classical_denoiser
from dae.cli.command import noise
from dae.cli.tables import print_table
from dae.contenders import NOISY, Denoiser, nothing
from dae.ensemble import VIEWS, self_ensemble
from dae.metrics import psnr_db
from dae.noise import NoiseSpec, corrupt
from dae.runs import find_run
from dae.seeds import generator
from dae.tiling import denoise_tiled

PHOTOGRAPHS = ("astronaut", "coffee", "chelsea", "rocket", "camera")


def photograph(name: str, side: int | None = None) -> Tensor:
    """The picture as float32 (1, 3, H, W) in [0, 1], its upper left part of `side` pixels only if wanted."""
    pixels = np.asarray(getattr(skimage.data, name)())
    colourful = pixels if pixels.ndim == 3 else np.stack([pixels] * 3, axis=2)
    whole = torch.from_numpy(colourful.copy()).permute(2, 0, 1)[None].float() / 255
    return whole[..., :side, :side].contiguous()


def denoisers(runs: list[str]) -> dict[str, list[Denoiser]]:
    """For each line of the table, the denoisers of which the best counts: a filter's strengths, or one model."""
    found: dict[str, list[Denoiser]] = {NOISY: [nothing]}
    for name, entry in CLASSICAL.items():
        found[name] = [classical_denoiser(name, strength) for strength in entry.strengths]
    for name in runs:
        model = partial(denoise_tiled, find_run(name).load().model)
        found |= {name: [model], f"{name} x{VIEWS}": [partial(self_ensemble, model)]}
    return found


def rows(runs: list[str], noise: NoiseSpec, seed: int = 0, side: int | None = None) -> Iterator[dict[str, str]]:
    """A line of the table for each that denoises: its decibels on each photograph, and their mean."""
    pictures = {name: photograph(name, side) for name in PHOTOGRAPHS}
    noisy = {name: corrupt(clean, noise, generator(seed)) for name, clean in pictures.items()}
    for who, choices in denoisers(runs).items():
        best = [
            max(float(psnr_db(denoiser(noisy[name]), clean)) for denoiser in choices)
            for name, clean in pictures.items()
        ]
        named = dict(zip((*PHOTOGRAPHS, "mean"), (*best, sum(best) / len(best)), strict=True))
        yield {"": who} | {name: f"{value:.2f}" for name, value in named.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", default=["cifar10-unet"], help="runs of models for colour of any size")
    parser.add_argument("--noise", type=noise, default=NoiseSpec("gaussian", 0.1))
    parser.add_argument("--side", type=int, help="only so many pixels of each side")
    asked = parser.parse_args()
    print_table(list(rows(asked.runs, asked.noise, side=asked.side)))


if __name__ == "__main__":
    told(main)
