"""Fully connected autoencoders."""

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from dae.models.base import Autoencoder, Shape, with_relu_between


class LinearAutoencoder(Autoencoder):
    """Dense layers down to a small code and, mirrored, back up, with ReLU in between and a final sigmoid.

    Args:
        shape: of one image, (C, H, W).
        widths: of the hidden layers; the last one is the code, without activation.
    """

    def __init__(self, shape: Shape, widths: Sequence[int]) -> None:
        super().__init__()
        sizes = [math.prod(shape), *widths]
        encoder = with_relu_between(*(nn.Linear(*pair) for pair in pairwise(sizes)))
        decoder = with_relu_between(*(nn.Linear(*pair) for pair in pairwise(sizes[::-1])))
        self.encoder = nn.Sequential(nn.Flatten(), *encoder)
        self.decoder = nn.Sequential(*decoder, nn.Sigmoid(), nn.Unflatten(1, shape))


def linear_32(shape: Shape) -> Autoencoder:
    """Build 784-128-32-128-784 (for 28 x 28 grayscale images), as in Tony-Ale/Notebooks."""
    return LinearAutoencoder(shape, (128, 32))


def linear_10(shape: Shape) -> Autoencoder:
    """Build 784-500-300-80-10 and back (for 28 x 28 grayscale images), as in AadityaR04/Autoencoders."""
    return LinearAutoencoder(shape, (500, 300, 80, 10))
