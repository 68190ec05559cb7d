"""Fully connected autoencoders: the picture as one long row of numbers."""

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from dae.models.base import Autoencoder, Shape


class LinearAutoencoder(Autoencoder):
    """Dense layers down to a small code and, mirrored, back up; ReLU between them, a sigmoid at the end.

    Args:
        shape: of one image, (C, H, W).
        widths: of the hidden layers, the code last; the code itself passes no ReLU.
    """

    def __init__(self, shape: Shape, widths: Sequence[int]) -> None:
        super().__init__()
        sizes = [math.prod(shape), *widths]
        self.encoder = nn.Sequential(nn.Flatten(), *_dense(sizes))
        self.decoder = nn.Sequential(*_dense(sizes[::-1]), nn.Sigmoid(), nn.Unflatten(1, shape))


def _dense(sizes: Sequence[int]) -> list[nn.Module]:
    """Linear layers through these sizes, a ReLU between each two."""
    layers: list[nn.Module] = [layer for pair in pairwise(sizes) for layer in (nn.Linear(*pair), nn.ReLU())]
    return layers[:-1]


def linear_32(shape: Shape) -> Autoencoder:
    """784-128-32-128-784 for 28 x 28 grey pictures, as in Tony-Ale/Notebooks."""
    return LinearAutoencoder(shape, (128, 32))


def linear_10(shape: Shape) -> Autoencoder:
    """784-500-300-80-10 and back for 28 x 28 grey pictures, as in AadityaR04/Autoencoders."""
    return LinearAutoencoder(shape, (500, 300, 80, 10))
