"""Image quality metrics: distances between denoised and clean images.

Each metric takes two batches `(B, C, H, W)` in `[0, 1]` and returns one float64 value per image, `(B,)`, without a
reduction: the mean of per-image PSNRs differs from the PSNR of the mean MSE, so the caller chooses. Batches of
different shapes, or of integers, raise SpecError.
"""

from dataclasses import dataclass, fields
from typing import TypeVar

import pandas as pd
import torch
from torch import Tensor

from dae.errors import SpecError
from dae.utils.device import max_batch_size, to_metric_device

# Metrics compute in float64, so their batches are small.
_MAX_BATCH_SIZE = 250

Values = TypeVar("Values", Tensor, pd.Series)


def _check(denoised: Tensor, clean: Tensor) -> None:
    if denoised.shape != clean.shape or not (denoised.is_floating_point() and clean.is_floating_point()):
        raise SpecError(
            f"Metrics need two batches of floats of the same shape, got {tuple(denoised.shape)} {denoised.dtype} and "
            f"{tuple(clean.shape)} {clean.dtype}."
        )


def mse(denoised: Tensor, clean: Tensor) -> Tensor:
    """Return the mean squared error over channels and pixels, (B,)."""
    _check(denoised, clean)
    return (denoised.double() - clean.double()).square().flatten(1).mean(1)


def psnr_db(denoised: Tensor, clean: Tensor) -> Tensor:
    """Return the peak signal-to-noise ratio in decibels, (B,), for a peak of 1; infinite for identical images."""
    return -10 * mse(denoised, clean).log10()


def l2(denoised: Tensor, clean: Tensor) -> Tensor:
    """Return the Euclidean distance between the images as vectors, (B,)."""
    _check(denoised, clean)
    return (denoised.double() - clean.double()).flatten(1).square().sum(1).sqrt()


def ssim(denoised: Tensor, clean: Tensor) -> Tensor:
    """Return the structural similarity (Wang et al. 2004), (B,), at most 1.

    Uses the defaults of scikit-image: a uniform 7 x 7 window (or the largest odd one that fits), sample covariance and
    a data range of 1, averaged over the windows that lie inside the image and over channels.
    """
    _check(denoised, clean)
    window = min(7, *(side - 1 + side % 2 for side in clean.shape[-2:]))
    # float32 loses the variance of flat areas.
    x, y = denoised.double(), clean.double()

    # Two matrix products are several times as fast as average pooling.
    over_rows, over_columns = (_averaging_matrix(side, window, x) for side in clean.shape[-2:])

    def mean(image: Tensor) -> Tensor:
        return over_rows @ image @ over_columns.T

    area = window**2
    unbiased = area / max(area - 1, 1)
    mean_x, mean_y = mean(x), mean(y)
    var_x = unbiased * (mean(x * x) - mean_x * mean_x)
    var_y = unbiased * (mean(y * y) - mean_y * mean_y)
    covariance = unbiased * (mean(x * y) - mean_x * mean_y)
    c1, c2 = 0.01**2, 0.03**2
    similarity = ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)) / (
        (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    )
    return similarity.flatten(1).mean(1)


def _averaging_matrix(side: int, window: int, like: Tensor) -> Tensor:
    """Return the matrix (side - window + 1, side) that averages sliding windows, with the type and device of `like`."""
    matrix: Tensor = torch.eye(side, dtype=like.dtype, device=like.device).unfold(0, window, 1).mean(-1)
    return matrix


METRICS = {"mse": mse, "psnr_db": psnr_db, "ssim": ssim, "l2": l2}
# The column of per-image metrics with the result of `is_corrupted`.
CHANGED = "changed"


def is_corrupted(noisy: Tensor, clean: Tensor) -> Tensor:
    """Return whether the noise changed each image, bool (B,)."""
    return (noisy != clean).flatten(1).any(1)


def select_corrupted(values: Values, corrupted: Values) -> Values:
    """Return the values of the images that the noise changed, or all values if it changed none.

    The PSNR of an unchanged image is infinite, and one such image would make every mean infinite. All averages of PSNR
    leave these images out, for the noisy input and for every denoiser alike.

    Args:
        corrupted: bool (B,), as `is_corrupted` returns.
    """
    return values[corrupted] if corrupted.any() else values


def mean_psnr_db(values: Tensor, corrupted: Tensor) -> float:
    """Return the mean of per-image PSNRs (B,) over the images that the noise changed."""
    return float(select_corrupted(values, corrupted).mean())


@dataclass(frozen=True)
class Scores:
    """Means over the validation images; the PSNR only counts images that the noise changed."""

    mse: float
    psnr_db: float
    ssim: float


def score(denoised: Tensor, noisy: Tensor, clean: Tensor) -> Scores:
    """Average the metrics over images (N, C, H, W), clamped to [0, 1]; the PSNR as `mean_psnr_db` does."""
    batch_size = max_batch_size(clean.shape[1:], _MAX_BATCH_SIZE)
    columns: dict[str, list[Tensor]] = {field.name: [] for field in fields(Scores)}
    corrupted = []
    for batch in zip(denoised.split(batch_size), noisy.split(batch_size), clean.split(batch_size), strict=True):
        output, source, target = (to_metric_device(images.clamp(0, 1)) for images in batch)
        corrupted.append(is_corrupted(source, target))
        for name, values in columns.items():
            values.append(METRICS[name](output, target))
    means = {name: float(torch.cat(values).mean()) for name, values in columns.items()}
    means["psnr_db"] = mean_psnr_db(torch.cat(columns["psnr_db"]), torch.cat(corrupted))
    return Scores(**means)
