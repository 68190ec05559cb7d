"""The benchmark protocol: all denoisers see the same test images and noise, and their outputs are clamped to [0, 1]."""

import math
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from dae.data import ImageSet
from dae.errors import SpecError
from dae.evaluation.denoisers import Denoiser, NamedDenoiser, identity, identity_baseline
from dae.evaluation.metrics import CHANGED, METRICS, is_corrupted, select_corrupted
from dae.evaluation.protocols import PROTOCOLS, average_draws, check_protocol
from dae.noise import NoiseSpec, corrupt
from dae.utils.device import max_batch_size
from dae.utils.random import make_generator
from dae.utils.registry import lookup
from dae.utils.threads import WORKER_NAME, thread_pool

# Receives the fraction of a computation that is done, up to 1. An exception that it
# raises cancels the computation.
ProgressCallback = Callable[[float], None]

# Images whose noise comes from one generator: fewer if they are large, so that their
# noise takes at most 256 MiB.
_MAX_BATCH_SIZE = 500
_MAX_BATCH_ELEMENTS = 1 << 26
# Standard errors on each side of a mean that cover 95% of a normal distribution.
_Z_95 = 1.96


def iter_noisy_batches(images: ImageSet, noise: NoiseSpec, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield batches of clean and noisy images, float32 (B, C, H, W) on the CPU.

    The noise of an image depends on the seed and its index in the set, not on the number of images.
    """
    for batch in range(math.ceil(len(images) / _batch_size(images))):
        yield _noisy_batch(images, noise, seed, batch)


def noisy_batch_at(images: ImageSet, noise: NoiseSpec, seed: int, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Return clean and noisy images at `indices`, float32 (B, C, H, W), equal to those of `iter_noisy_batches`."""
    size = _batch_size(images)
    batches = {batch: _noisy_batch(images, noise, seed, batch) for batch in {index // size for index in indices}}
    pairs = [tuple(part[index % size] for part in batches[index // size]) for index in indices]
    clean, noisy = (torch.stack(parts) for parts in zip(*pairs, strict=True))
    return clean, noisy


def _batch_size(images: ImageSet) -> int:
    """Return the number of images that share a generator, from their shape alone."""
    return max_batch_size(images.shape, _MAX_BATCH_SIZE, _MAX_BATCH_ELEMENTS)


def _noisy_batch(images: ImageSet, noise: NoiseSpec, seed: int, batch: int) -> tuple[Tensor, Tensor]:
    size = _batch_size(images)
    clean = images.to_float(slice(batch * size, (batch + 1) * size))
    # Always draw the noise of a full batch, so that a shorter set gets the same noise.
    missing = size - len(clean)
    padded = torch.cat([clean, clean.new_zeros(missing, *images.shape)]) if missing else clean
    return clean, corrupt(padded, noise, make_generator(seed, batch))[: len(clean)]


def per_image_metrics(
    denoiser: Denoiser,
    images: ImageSet,
    noise: NoiseSpec,
    seed: int = 0,
    on_progress: ProgressCallback = lambda done: None,
) -> pd.DataFrame:
    """Measure a denoiser on every image.

    Args:
        on_progress: called after every few hundred images.

    Returns:
        One row per image, in their order, with columns mse, psnr_db, ssim, l2 and `changed`: whether the noise changed
        the image.
    """
    frames = []
    done, part_size = 0, max_batch_size(images.shape, _MAX_BATCH_SIZE)
    for batch in iter_noisy_batches(images, noise, seed):
        for clean, noisy in zip(*(part.split(part_size) for part in batch), strict=True):
            denoised = denoiser(noisy)
            scores = {name: metric(denoised, clean).numpy() for name, metric in METRICS.items()}
            frames.append(pd.DataFrame(scores | {CHANGED: is_corrupted(identity(noisy), clean).numpy()}))
            done += len(clean)
            on_progress(done / len(images))
    return pd.concat(frames, ignore_index=True)


def summary_row(
    denoiser: NamedDenoiser,
    dataset: str,
    noise: NoiseSpec,
    scores: pd.DataFrame,
    noisy: pd.DataFrame,
    draws: int = 1,
    protocol: str = "clamped",
) -> dict[str, Any]:
    """Average per-image metrics to one row of a table, as in `evaluate`.

    Args:
        scores: of the denoiser, from `per_image_metrics`.
        noisy: of the noisy input, under the same noise.
        draws: number of noise draws that both are averages of.
    """
    level = noise.low if noise.low == noise.high else f"{noise.low:g}-{noise.high:g}"
    columns = {name: scores[name] for name in METRICS} | {
        "psnr_db": counted_psnr_db(scores),
        "gain_db": psnr_gain(scores, noisy),
    }
    return {
        "run": denoiser.name,
        "model": denoiser.model,
        "dataset": dataset,
        "noise": str(noise),
        "level": "mixed" if len(noise.components) > 1 else level,
        "n": len(scores),
        "draws": draws,
        "protocol": protocol,
        **{name: float(column.mean(skipna=False)) for name, column in columns.items()},
        **{f"{name}_95": ci95_half_width(column) for name, column in columns.items()},
    }


def counted_psnr_db(scores: pd.DataFrame) -> pd.Series:
    """Return the PSNRs that enter averages: those of images that the noise changed, or all if it changed none."""
    return select_corrupted(scores["psnr_db"], scores[CHANGED])


def psnr_gain(scores: pd.DataFrame, baseline: pd.DataFrame) -> pd.Series:
    """Return the per-image PSNR difference in dB between two measurements, over images that the noise changed."""
    return (scores["psnr_db"] - baseline["psnr_db"])[scores[CHANGED]]


def ci95_half_width(values: pd.Series) -> float:
    """Return half the width of the mean's 95% confidence interval, by the normal approximation.

    It is NaN for fewer than two values and if a value is not finite.
    """
    defined = len(values) > 1 and bool(np.isfinite(values).all())
    return _Z_95 * float(values.std()) / math.sqrt(len(values)) if defined else math.nan


def evaluate(
    denoisers: Sequence[NamedDenoiser],
    images: ImageSet | Sequence[ImageSet],
    noises: Iterable[NoiseSpec],
    seed: int = 0,
    draws: int = 1,
    protocol: str = "clamped",
) -> Iterator[dict[str, Any]]:
    """Measure the noisy input and every denoiser under every noise, and yield each row as soon as it is complete.

    Args:
        images: of one data set; a set per size if their sizes differ.
        seed: of the first noise draw; the others use the next seeds. All denoisers get the same noisy images.
        draws: number of noise draws to average over.
        protocol: a key of PROTOCOLS.

    Yields:
        run, model, dataset, noise, level, n (images), draws, protocol, then the means over images and draws of mse,
        psnr_db, ssim, l2 and gain_db, and as `mse_95` and so on half the width of each mean's 95% confidence interval
        over images. psnr_db and gain_db only count images that the noise changed. A mean over values that contain NaN
        is NaN.
    """
    if draws < 1:
        raise SpecError(f"Number of noise draws {draws} is invalid. Use 1 or more.")
    finish = lookup("protocol", PROTOCOLS, protocol).finish
    image_sets = [images] if isinstance(images, ImageSet) else images
    dataset = image_sets[0].name

    def measure(denoiser: Denoiser, noise: NoiseSpec) -> pd.DataFrame:
        def table(draw: int) -> pd.DataFrame:
            parts = [per_image_metrics(lambda x: finish(denoiser(x)), part, noise, draw) for part in image_sets]
            return pd.concat(parts, ignore_index=True)

        return average_draws([table(draw) for draw in range(seed, seed + draws)])

    for noise in noises:
        check_protocol(protocol, noise)
        noisy = measure(identity, noise)
        yield summary_row(identity_baseline(), dataset, noise, noisy, noisy, draws, protocol)
        for denoiser in denoisers:
            scores = measure(denoiser.for_noise(noise), noise)
            yield summary_row(denoiser, dataset, noise, scores, noisy, draws, protocol)


def aggregate_seeds(rows: Iterable[Mapping[str, Any]], group_by: Mapping[str, Hashable]) -> list[dict[str, Any]]:
    """Average the rows of runs that differ only in their seed.

    Args:
        rows: from `evaluate`.
        group_by: maps the name of a run to a key that it shares with runs of other seeds.

    Returns:
        One row per group and noise: the descriptive columns of its first run, the number of `seeds`, each metric's mean
        over them, and as `mse_sd` and so on the sample standard deviation, NaN for a single seed.
    """
    groups: dict[Hashable, list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault((group_by.get(row["run"], row["run"]), row["noise"]), []).append(row)
    aggregated = []
    for group in groups.values():
        values = pd.DataFrame(group)[[*METRICS, "gain_db"]]
        first = {key: group[0][key] for key in ("run", "model", "dataset", "noise", "level", "n", "draws", "protocol")}
        means, deviations = values.mean(skipna=False), values.std(skipna=False)
        aggregated.append({**first, "seeds": len(group), **means, **deviations.add_suffix("_sd")})
    return aggregated


def latency_ms(denoiser: Denoiser, noisy: Tensor, all_cores: bool = False) -> float:
    """Measure the latency per image of a batch in milliseconds: the fastest of at least three calls (0.1 s in total).

    Args:
        noisy: the batch, (B, C, H, W).
        all_cores: use all cores instead of one. The slowest one decides, so other load on the machine multiplies the
            time.
    """

    def fastest_call() -> float:
        seconds: list[float] = []
        while len(seconds) < 3 or sum(seconds) < 0.1:
            start = time.perf_counter()
            denoiser(noisy)
            seconds.append(time.perf_counter() - start)
        # Other load on the machine only ever adds time.
        return min(seconds)

    # In a thread with a worker's name, `parallel_map` runs sequentially.
    with thread_pool(1, "dae-latency" if all_cores else WORKER_NAME) as pool:
        return pool.submit(fastest_call).result() * 1_000 / len(noisy)
