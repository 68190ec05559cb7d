"""Pictures computed ahead: a batch under every noise level, and what each model makes of it.

A sheet is one picture with the levels stacked downwards, each level one strip of the batch side by side; a page shows
one strip of it at a time, so that dragging the level needs no computing.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from dae import metrics, pictures
from dae.contenders import Denoiser, nothing
from dae.noise import NoiseSpec, corrupt
from dae.seeds import generator

LEVELS = 51  # in steps of two hundredths: enough for a drag to look continuous


@dataclass(frozen=True)
class Sheet:
    """One row of pictures at every level.

    Attributes:
        png: the pictures, levels downwards.
        psnr_db: `psnr_db[level][image]`, infinite where nothing differs from the clean picture.
        mean_psnr_db: `mean_psnr_db[level]`, over the pictures that the noise changed.
    """

    png: bytes
    psnr_db: tuple[tuple[float, ...], ...]
    mean_psnr_db: tuple[float, ...]


def levels(noise: NoiseSpec) -> list[float]:
    """The levels of a drag, from the kind's lowest to its highest."""
    return noise.levels(LEVELS)


def nearest_step(noise: NoiseSpec, level: float) -> int:
    """The place in `levels` that is closest to a level."""
    low, high = noise.noise.low, noise.noise.high
    return min(max(round((level - low) / (high - low) * (LEVELS - 1)), 0), LEVELS - 1)


def noisy_levels(clean: Tensor, noise: NoiseSpec, seed: int) -> Tensor:
    """The batch (B, C, H, W) at every level, (LEVELS, B, C, H, W): the same seed at each."""
    return torch.stack([corrupt(clean, noise.at(level), generator(seed)) for level in levels(noise)])


def clean_sheet(clean: Tensor) -> bytes:
    """The clean batch as a sheet of a single level."""
    return pictures.to_png(pictures.strip(clean))


def noisy_sheet(clean: Tensor, noise: NoiseSpec, seed: int) -> Sheet:
    """The batch under every level of a kind of noise."""
    return denoised_sheet(clean, noise, seed, nothing)


def denoised_sheet(clean: Tensor, noise: NoiseSpec, seed: int, denoiser: Denoiser) -> Sheet:
    """What a denoiser makes of the batch under every level.

    Args:
        clean: float32 (B, C, H, W) in [0, 1].
        noise: its kind and clipping count; all its levels are drawn.
        seed: of the noise; the same for every level, and for every denoiser that is to be compared.
    """
    noisy = noisy_levels(clean, noise, seed).flatten(0, 1)
    denoised, repeated = denoiser(noisy), clean.repeat(LEVELS, 1, 1, 1)
    psnr_db = metrics.psnr_db(denoised, repeated).view(LEVELS, -1)
    changed = metrics.changed(nothing(noisy), repeated).view(LEVELS, -1)
    means = tuple(metrics.mean_psnr_db(*level) for level in zip(psnr_db, changed, strict=True))
    png = pictures.to_png(pictures.grid(denoised, columns=len(clean)))
    return Sheet(png, tuple(map(tuple, psnr_db.tolist())), means)
