"""Measuring models fairly: the same test images, the same noise draw, outputs clamped, one row a model and noise."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from dae.checkpoints import Checkpoint
from dae.errors import DataError
from dae.metrics import METRICS, changed, mean_psnr_db
from dae.models import MODELS, Shape
from dae.noise import NoiseSpec, corrupt
from dae.packed import ImageSet
from dae.seeds import generator
from dae.training import denoise

Denoiser = Callable[[Tensor], Tensor]  # noisy (B, C, H, W) float32 -> denoised, of the same shape, in [0, 1]

_BLOCK = 500  # images that share a generator: the noise of an image depends on the seed and its place alone


def noisy_blocks(images: ImageSet, noise: NoiseSpec, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Clean and noisy images, float32 (B, C, H, W) on the CPU, a block at a time.

    The noise of an image depends on the seed and its place in the set, not on how many images are measured.
    """
    for block, start in enumerate(range(0, len(images), _BLOCK)):
        clean = images.clean(slice(start, start + _BLOCK))
        missing = _BLOCK - len(clean)  # drawn all the same, so that a shorter set sees the same noise
        whole = torch.cat([clean, clean.new_zeros(missing, *images.shape)]) if missing else clean
        yield clean, corrupt(whole, noise, generator(seed, block))[: len(clean)]


def fits(model: str, trained: Shape, shape: Shape) -> bool:
    """Whether an architecture that was trained on images of one shape can take those of another."""
    return trained == shape or (MODELS[model].any_size and trained[0] == shape[0])


def as_denoiser(checkpoint: Checkpoint, images: ImageSet) -> Denoiser:
    """The checkpoint's model behind the common call.

    Raises:
        DataError: the model cannot take images of that shape.
    """
    if not fits(checkpoint.name, checkpoint.shape, images.shape):
        theirs, ours = (" x ".join(map(str, shape)) for shape in (checkpoint.shape, images.shape))
        raise DataError(
            f"This {checkpoint.name} was trained on {theirs} pictures (channels, height, width) and cannot take the "
            f"{ours} ones of {images.name}. Choose a data set or a model that fits."
        )
    return lambda noisy: denoise(checkpoint.model, noisy)


def nothing(noisy: Tensor) -> Tensor:
    """Doing nothing: the noisy images, clamped to [0, 1]."""
    return noisy.clamp(0, 1)


def measure(denoiser: Denoiser, images: ImageSet, noise: NoiseSpec, seed: int = 0) -> pd.DataFrame:
    """Each image's mse, psnr_db, ssim and l2, and whether the noise changed it: one row an image, in their order."""
    blocks = []
    for clean, noisy in noisy_blocks(images, noise, seed):
        denoised = denoiser(noisy)
        scores = {name: metric(denoised, clean).numpy() for name, metric in METRICS.items()}
        blocks.append(pd.DataFrame(scores | {"changed": changed(nothing(noisy), clean).numpy()}))
    return pd.concat(blocks, ignore_index=True)


def row(about: Mapping[str, Any], images: ImageSet, noise: NoiseSpec, scores: pd.DataFrame) -> dict[str, Any]:
    """One line of a table: who, on what, and the means over the images."""
    level: float | str = noise.low if noise.low == noise.high else f"{noise.low:g}-{noise.high:g}"
    return {
        **about,
        "dataset": images.name,
        "noise": str(noise),
        "level": level,
        "n": len(images),
        **{name: float(scores[name].mean()) for name in METRICS},
        "psnr_db": mean_psnr_db(torch.tensor(scores["psnr_db"]), torch.tensor(scores["changed"])),
    }


def evaluate(
    denoisers: Mapping[str, tuple[str, Denoiser]],
    images: ImageSet,
    noises: Iterable[NoiseSpec],
    seed: int = 0,
) -> Iterator[dict[str, Any]]:
    """Measure every denoiser under every noise, one row as soon as it stands.

    Args:
        denoisers: from a run's name to its architecture's name and its call.
        images: what to measure on; noises and seed fix the one noise draw that all share.

    Yields:
        run, model, dataset, noise, level, n, mse, psnr_db, ssim, l2; the metrics are means of per-image values, the
        PSNR's over the images that the noise changed.
    """
    for noise in noises:
        for run, (model, denoiser) in denoisers.items():
            yield row({"run": run, "model": model}, images, noise, measure(denoiser, images, noise, seed))
