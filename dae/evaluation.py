"""Measuring fairly: the same test images, the same noise draw, outputs clamped, one row a contender and noise."""

import math
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from dae.blocks import at_once
from dae.contenders import Contender, Denoiser, doing_nothing, nothing
from dae.metrics import METRICS, changed, mean_psnr_db
from dae.noise import NoiseSpec, corrupt
from dae.packed import ImageSet
from dae.seeds import generator

OnShare = Callable[[float], None]  # told the share of a computation that is done, up to 1

CHANGED = "changed"  # the column that says whether the noise altered the image
_BLOCK = 500  # images that share a generator, fewer where they are large:
_BLOCK_VALUES = 1 << 26  # of pixels and channels, 256 MiB
_SURE = 1.96  # standard errors to each side of a mean: 95 % of a normal distribution


def noisy_blocks(images: ImageSet, noise: NoiseSpec, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Clean and noisy images, float32 (B, C, H, W) on the CPU, a block at a time.

    The noise of an image depends on the seed and its place in the set, not on how many images are measured.
    """
    for block in range(-(-len(images) // _block(images))):
        yield _noisy_block(images, noise, seed, block)


def noisy_at(images: ImageSet, noise: NoiseSpec, seed: int, places: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Clean and noisy images at these places of the set, float32 (B, C, H, W), as `noisy_blocks` has them."""
    size = _block(images)
    blocks = {block: _noisy_block(images, noise, seed, block) for block in {place // size for place in places}}
    pairs = [tuple(part[place % size] for part in blocks[place // size]) for place in places]
    clean, noisy = (torch.stack(parts) for parts in zip(*pairs, strict=True))
    return clean, noisy


def _block(images: ImageSet) -> int:
    """How many images share a generator: the noise of an image depends on the seed, its place and its size alone."""
    return at_once(images.shape, _BLOCK, _BLOCK_VALUES)


def _noisy_block(images: ImageSet, noise: NoiseSpec, seed: int, block: int) -> tuple[Tensor, Tensor]:
    size = _block(images)
    clean = images.clean(slice(block * size, (block + 1) * size))
    missing = size - len(clean)  # drawn all the same, so that a shorter set sees the same noise
    whole = torch.cat([clean, clean.new_zeros(missing, *images.shape)]) if missing else clean
    return clean, corrupt(whole, noise, generator(seed, block))[: len(clean)]


def measure(
    denoiser: Denoiser,
    images: ImageSet,
    noise: NoiseSpec,
    seed: int = 0,
    on_share: OnShare = lambda done: None,
) -> pd.DataFrame:
    """Each image's mse, psnr_db, ssim and l2, and whether the noise changed it: one row an image, in their order.

    Args:
        on_share: told the share that is done, up to 1, a few hundred images at a time.
    """
    blocks = []
    done, part = 0, at_once(images.shape, _BLOCK)
    for block in noisy_blocks(images, noise, seed):
        for clean, noisy in zip(*(pictures.split(part) for pictures in block), strict=True):
            denoised = denoiser(noisy)
            scores = {name: metric(denoised, clean).numpy() for name, metric in METRICS.items()}
            blocks.append(pd.DataFrame(scores | {CHANGED: changed(nothing(noisy), clean).numpy()}))
            done += len(clean)
            on_share(done / len(images))
    return pd.concat(blocks, ignore_index=True)


def row(
    contender: Contender, images: ImageSet, noise: NoiseSpec, scores: pd.DataFrame, noisy: pd.DataFrame
) -> dict[str, Any]:
    """One line of a table: who, on what, and the means over the images, each with its 95 % interval.

    Args:
        scores: what `measure` gives for the contender.
        noisy: what it gives for doing nothing, under the same noise.
    """
    span = noise.low if noise.low == noise.high else f"{noise.low:g}-{noise.high:g}"
    level: float | str = "mixed" if noise.others else span
    counted = scores[CHANGED] if scores[CHANGED].any() else pd.Series(True, scores.index)
    values = {name: scores[name] for name in METRICS} | {"gain_db": gains_db(scores, noisy)}
    values["psnr_db"] = scores["psnr_db"][counted]
    return {
        "run": contender.name,
        "model": contender.model,
        "dataset": images.name,
        "noise": str(noise),
        "level": level,
        "n": len(images),
        **{name: float(scores[name].mean()) for name in METRICS},
        "psnr_db": mean_psnr_db(torch.tensor(scores["psnr_db"]), torch.tensor(scores[CHANGED])),
        "gain_db": float(values["gain_db"].mean()),
        **{f"{name}_95": half_width(column) for name, column in values.items()},
    }


def gains_db(scores: pd.DataFrame, others: pd.DataFrame) -> pd.Series:
    """How much higher each image's PSNR is than in the other measurement, over the images that the noise changed."""
    counted = scores[CHANGED]
    return scores["psnr_db"][counted] - others["psnr_db"][counted]


def half_width(values: pd.Series) -> float:
    """Of the 95 % interval of the mean, by the normal distribution; NaN for fewer than two values or infinite ones."""
    known = len(values) > 1 and bool(np.isfinite(values).all())
    return _SURE * float(values.std()) / math.sqrt(len(values)) if known else math.nan


def evaluate(
    contenders: Sequence[Contender], images: ImageSet, noises: Iterable[NoiseSpec], seed: int = 0
) -> Iterator[dict[str, Any]]:
    """Measure doing nothing and every contender under every noise, one row as soon as it stands.

    Args:
        images: what to measure on; noises and seed fix the one noise draw that all share.

    Yields:
        run, model, dataset, noise, level, n, mse, psnr_db, ssim, l2, gain_db: means of per-image values, those of
        psnr_db and gain_db over the images that the noise changed; then `mse_95` and so on, half the width of the
        mean's 95 % interval over images.
    """
    for noise in noises:
        noisy = measure(nothing, images, noise, seed)
        yield row(doing_nothing(), images, noise, noisy, noisy)
        for contender in contenders:
            yield row(contender, images, noise, measure(contender.denoiser(noise), images, noise, seed), noisy)


def over_seeds(rows: Iterable[Mapping[str, Any]], alike: Mapping[str, Hashable]) -> list[dict[str, Any]]:
    """One row for all the runs that differ in their seed alone: the mean of their values, and how far those spread.

    Args:
        rows: what `evaluate` yields.
        alike: by a run's name, what it has in common with runs of other seeds.

    Returns:
        The first run's name and what else the rows say of it; `seeds`, how many there are; each value's mean over them,
        and as `mse_sd` and so on their sample standard deviation, NaN for one.
    """
    groups: dict[Hashable, list[Mapping[str, Any]]] = {}
    for each in rows:
        groups.setdefault((alike.get(each["run"], each["run"]), each["noise"]), []).append(each)
    return [_over_group(group) for group in groups.values()]


def _over_group(group: list[Mapping[str, Any]]) -> dict[str, Any]:
    values = pd.DataFrame(group)[[*METRICS, "gain_db"]]
    first = {key: group[0][key] for key in ("run", "model", "dataset", "noise", "level", "n")}
    return {**first, "seeds": len(group), **values.mean(), **values.std().add_suffix("_sd")}


def milliseconds(denoiser: Denoiser, noisy: Tensor, cores: int = 1) -> float:
    """How long one image of this batch takes on so many cores: the quickest of the calls of 0.1 s, of three at least.

    With several cores the slowest decides, and what else the machine does multiplies the time.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(cores)
    taken: list[float] = []
    try:
        while len(taken) < 3 or sum(taken) < 0.1:
            begun = time.perf_counter()
            denoiser(noisy)
            taken.append(time.perf_counter() - begun)
    finally:
        torch.set_num_threads(threads)
    return min(taken) * 1_000 / len(noisy)  # whatever else the machine does only ever adds
