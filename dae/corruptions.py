"""The kinds of noise: what each does to clean pictures, and how pages and the command line speak of it.

Every corruption is a function `(clean, level, generator) -> noisy` on float images `(B, C, H, W)` in `[0, 1]`,
with one level per image, `(B, 1, 1, 1)`. It changes nothing at level 0, draws from the generator alone, and does
not clip: `dae.noise.corrupt` does afterwards, unless the spec says `unclipped`. Noise that may leave `[0, 1]` has
the mean 0 until it is clipped. A pixel that is masked or flipped is so in all its channels.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from dae.seeds import Recycling


def _gaussian(clean: Tensor, level: Tensor, generator: Generator) -> Tensor:
    return torch.addcmul(clean, level, _randn(clean, generator))


def _uniform(clean: Tensor, level: Tensor, generator: Generator) -> Tensor:
    return clean + level * (2 * _rand(clean.shape, clean, generator) - 1)


def _speckle(clean: Tensor, level: Tensor, generator: Generator) -> Tensor:
    return torch.addcmul(clean, clean * level, _randn(clean, generator))


def _poisson(clean: Tensor, level: Tensor, generator: Generator) -> Tensor:
    photon = level.square()  # brightness of one photon: a count n has variance n, so white has deviation `level`
    rate = torch.where(photon > 0, clean.clamp(min=0) / photon.clamp(min=1e-12), 0)
    counts = torch.poisson(rate, generator=generator)
    return torch.where(photon > 0, counts * photon, clean)


def _masking(clean: Tensor, level: Tensor, generator: Generator) -> Tensor:
    hit = _rand(_one_channel(clean), clean, generator) < level
    return torch.where(hit, 0, clean)


def _salt_and_pepper(clean: Tensor, level: Tensor, generator: Generator) -> Tensor:
    draw = _rand(_one_channel(clean), clean, generator)
    noisy = torch.where(draw < level, 0, clean)
    return torch.where(draw < level / 2, 1, noisy)


def _occlusion(clean: Tensor, level: Tensor, generator: Generator) -> Tensor:
    """Hide one rectangle whose area is exactly `level` of the picture; its border may cover part of a pixel."""
    height, width = clean.shape[-2:]
    shape, top, left = _rand((3, len(clean), 1), clean, generator)  # each (B, 1)
    fraction = level.view(-1, 1)
    tall = fraction**shape  # the rectangle's sides as fractions, tall * wide = level
    wide = fraction ** (1 - shape)
    rows = _coverage(top * (1 - tall) * height, tall * height, height)  # (B, H)
    columns = _coverage(left * (1 - wide) * width, wide * width, width)  # (B, W)
    hidden = rows[:, None, :, None] * columns[:, None, None, :]
    return torch.where(level > 0, clean * (1 - hidden), clean)


def _coverage(start: Tensor, length: Tensor, size: int) -> Tensor:
    """How much of each of `size` unit cells the interval from start, (B, 1), covers: (B, size) in [0, 1]."""
    cell = torch.arange(size, device=start.device, dtype=start.dtype)
    return (torch.minimum(cell + 1, start + length) - torch.maximum(cell, start)).clamp(0, 1)


def _one_channel(clean: Tensor) -> tuple[int, ...]:
    return (len(clean), 1, *clean.shape[2:])


def _rand(shape: tuple[int, ...], like: Tensor, generator: Generator) -> Tensor:
    return torch.rand(shape, generator=generator, device=like.device, dtype=like.dtype)


def _randn(like: Tensor, generator: Generator) -> Tensor:
    if isinstance(generator, Recycling):
        return generator.normal(like.shape)
    return torch.randn(like.shape, generator=generator, device=like.device, dtype=like.dtype)


@dataclass(frozen=True)
class Noise:
    """One kind of noise, as pages, the command line and tests need it."""

    label: str
    help: str
    unit: str  # what the level counts
    corrupt: Callable[[Tensor, Tensor, Generator], Tensor]
    bounded: bool  # never leaves [0, 1], so there is nothing to clip
    typical: float = 0.5
    low: float = 0.0
    high: float = 1.0
    step: float = 0.05


NOISES: dict[str, Noise] = {
    "gaussian": Noise(
        label="Gaussian",
        help="Every pixel gets brighter or darker by a random amount, like grain in a dark photograph.",
        unit="standard deviation in pixel units, where white is 1",
        corrupt=_gaussian,
        bounded=False,
    ),
    "masking": Noise(
        label="Masking",
        help="Random pixels are lost and turn black.",
        unit="fraction of pixels turned black",
        corrupt=_masking,
        bounded=True,
    ),
    "salt-and-pepper": Noise(
        label="Salt and pepper",
        help="Random pixels flip to pure white or pure black, like faults of a sensor.",
        unit="fraction of pixels hit, half of them white, half black",
        corrupt=_salt_and_pepper,
        bounded=True,
        typical=0.3,
    ),
    "speckle": Noise(
        label="Speckle",
        help="Bright pixels flicker and dark ones stay, like radar or ultrasound.",
        unit="standard deviation at a white pixel; darker pixels get less in proportion",
        corrupt=_speckle,
        bounded=False,
    ),
    "poisson": Noise(
        label="Poisson",
        help="Too few photons: the grain of a camera in poor light.",
        unit="standard deviation at a white pixel; 1 / level squared is the photons that make white",
        corrupt=_poisson,
        bounded=False,
    ),
    "occlusion": Noise(
        label="Occlusion",
        help="A random rectangle of the picture is hidden.",
        unit="fraction of the area hidden",
        corrupt=_occlusion,
        bounded=True,
        typical=0.2,
    ),
    "uniform": Noise(
        label="Uniform",
        help="Every pixel shifts by a random amount between two equal limits.",
        unit="largest shift of a pixel, where white is 1",
        corrupt=_uniform,
        bounded=False,
    ),
}
