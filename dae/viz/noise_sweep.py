"""Sprite sheets over noise levels: a batch of images at every level, denoised ahead of time.

A sheet is one PNG with a row of images per level. A page shows one row at a time, so dragging the level is instant.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from dae.evaluation import Denoiser, identity, is_corrupted, mean_psnr_db, psnr_db
from dae.noise import NoiseSpec, corrupt
from dae.utils.random import make_generator
from dae.viz.images import hstack, make_grid, to_png

# Enough for dragging to look continuous.
NUM_LEVELS = 51


@dataclass(frozen=True)
class SpriteSheet:
    """One batch of images at every level.

    Attributes:
        png: the images, levels downwards.
        psnr_db: `psnr_db[level][image]`; infinite if it equals the clean image.
        mean_psnr_db: `mean_psnr_db[level]`, over the images that the noise changed.
    """

    png: bytes
    psnr_db: tuple[tuple[float, ...], ...]
    mean_psnr_db: tuple[float, ...]


def levels(noise: NoiseSpec) -> list[float]:
    """Return NUM_LEVELS levels, evenly from the lowest to the highest of the noise kind."""
    return noise.levels(NUM_LEVELS)


def nearest_level_index(noise: NoiseSpec, level: float) -> int:
    """Return the index in `levels` that is nearest to a level."""
    low, high = noise.info.low, noise.info.high
    return min(max(round((level - low) / (high - low) * (NUM_LEVELS - 1)), 0), NUM_LEVELS - 1)


def noisy_levels(clean: Tensor, noise: NoiseSpec, seed: int) -> Tensor:
    """Return the batch (B, C, H, W) at every level, (NUM_LEVELS, B, C, H, W), with the same seed at each."""
    return torch.stack([corrupt(clean, noise.with_level(level), make_generator(seed)) for level in levels(noise)])


def clean_sprites(clean: Tensor) -> bytes:
    """Return the clean batch as a PNG with a single level."""
    return to_png(hstack(clean))


def noisy_sprites(clean: Tensor, noise: NoiseSpec, seed: int) -> SpriteSheet:
    """Return the noisy batch at every level."""
    return denoised_sprites(clean, noise, seed, identity)


def denoised_sprites(clean: Tensor, noise: NoiseSpec, seed: int, denoiser: Denoiser) -> SpriteSheet:
    """Return the denoised batch at every level.

    Args:
        clean: float32 (B, C, H, W) in [0, 1].
        noise: its kind and clipping count, not its level.
        seed: of the noise, the same at every level; use one seed for all denoisers to compare.
    """
    noisy = noisy_levels(clean, noise, seed).flatten(0, 1)
    denoised, repeated = denoiser(noisy), clean.repeat(NUM_LEVELS, 1, 1, 1)
    scores = psnr_db(denoised, repeated).view(NUM_LEVELS, -1)
    corrupted = is_corrupted(identity(noisy), repeated).view(NUM_LEVELS, -1)
    means = tuple(mean_psnr_db(*level) for level in zip(scores, corrupted, strict=True))
    png = to_png(make_grid(denoised, columns=len(clean)))
    return SpriteSheet(png, tuple(map(tuple, scores.tolist())), means)
