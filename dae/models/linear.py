"""Fully connected autoencoders: the picture as one long row of numbers."""

import math
from collections.abc import Sequence

from torch import nn

from dae.models.base import Autoencoder, Shape


class LinearAutoencoder(Autoencoder):
    """Dense layers down to a small code and, mirrored, back up; ReLU between them, a sigmoid at the end.

    Args:
        shape: of one image, (C, H, W).
        widths: of the hidden layers, the code last.
        code_activation: whether the code passes a ReLU too.
    """

    def __init__(self, shape: Shape, widths: Sequence[int], code_activation: bool) -> None:
        super().__init__()
        sizes = [math.prod(shape), *widths]
        down = [layer for pair in zip(sizes, sizes[1:], strict=False) for layer in (nn.Linear(*pair), nn.ReLU())]
        sizes.reverse()
        up = [layer for pair in zip(sizes, sizes[1:], strict=False) for layer in (nn.Linear(*pair), nn.ReLU())]
        self.encoder = nn.Sequential(nn.Flatten(), *(down if code_activation else down[:-1]))
        self.decoder = nn.Sequential(*up[:-1], nn.Sigmoid(), nn.Unflatten(1, shape))


def linear_32(shape: Shape) -> Autoencoder:
    """784-128-32-128-784 for 28 x 28 grey pictures, as in Tony-Ale/Notebooks."""
    return LinearAutoencoder(shape, (128, 32), code_activation=True)


def linear_10(shape: Shape) -> Autoencoder:
    """784-500-300-80-10 and back for 28 x 28 grey pictures, as in AadityaR04/Autoencoders."""
    return LinearAutoencoder(shape, (500, 300, 80, 10), code_activation=False)
