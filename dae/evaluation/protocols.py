"""Evaluation protocols: how outputs are finished before they are measured, and how noise draws are averaged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from dae.errors import SpecError
from dae.evaluation.metrics import CHANGED, METRICS
from dae.noise import NoiseSpec


@dataclass(frozen=True)
class ProtocolInfo:
    """Registry entry of a protocol.

    Attributes:
        finish: maps outputs in [0, 1] to the images that are measured.
        awgn_only: True if the noise must be Gaussian and unclipped.
    """

    label: str
    finish: Callable[[Tensor], Tensor]
    awgn_only: bool = False


def _round_to_8bit(images: Tensor) -> Tensor:
    return torch.round(images * 255) / 255


PROTOCOLS: dict[str, ProtocolInfo] = {
    "clamped": ProtocolInfo("Outputs clamped to [0, 1]", lambda images: images),
    # As the literature on photographs measures: the noisy input is not an 8-bit image, the output is.
    "awgn-8bit": ProtocolInfo("Unclipped Gaussian noise, outputs rounded to 8 bit", _round_to_8bit, awgn_only=True),
}


def check_protocol(protocol: str, noise: NoiseSpec) -> None:
    """Raise SpecError unless the noise fits the protocol."""
    gaussian = all(part.kind == "gaussian" and not part.clipped for part in noise.components)
    if PROTOCOLS[protocol].awgn_only and not gaussian:
        raise SpecError(
            f"Protocol {protocol!r} needs unclipped Gaussian noise, got {str(noise)!r}. "
            "Use for example gaussian:0.1:unclipped, or protocol 'clamped'."
        )


def average_draws(draws: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Average per-image metrics over noise draws.

    The PSNR of an image is averaged over the draws that changed it: it is infinite in the others. NaN stays NaN.

    Args:
        draws: one table per draw, with the same images.
    """
    if len(draws) == 1:
        return draws[0]
    average = pd.DataFrame({name: np.mean([draw[name] for draw in draws], axis=0) for name in METRICS})
    corrupted = np.stack([draw[CHANGED].to_numpy() for draw in draws])  # (draws, N)
    psnr = np.stack([draw["psnr_db"].to_numpy() for draw in draws])
    count = corrupted.sum(0)
    total = np.where(corrupted, psnr, 0).sum(0)
    average["psnr_db"] = np.where(count > 0, total / np.maximum(count, 1), psnr[0])
    average[CHANGED] = count > 0
    return average
