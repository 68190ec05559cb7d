"""Noise: what is done to a clean picture before a model sees it.

Every corruption is a function `(clean, level, generator) -> noisy` on float images `(B, C, H, W)` in `[0, 1]`,
with one level per image, `(B, 1, 1, 1)`. It changes nothing at level 0, draws from the generator alone, and does
not clip: `corrupt` clips afterwards unless the spec says `unclipped`. A pixel that is masked or flipped is so in
all its channels.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from dae.errors import SpecError
from dae.registry import lookup


def _gaussian(clean: Tensor, level: Tensor, generator: Generator) -> Tensor:
    return clean + level * _randn(clean.shape, clean, generator)


def _uniform(clean: Tensor, level: Tensor, generator: Generator) -> Tensor:
    return clean + level * (2 * _rand(clean.shape, clean, generator) - 1)


def _speckle(clean: Tensor, level: Tensor, generator: Generator) -> Tensor:
    return clean + clean * level * _randn(clean.shape, clean, generator)


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


def _randn(shape: tuple[int, ...], like: Tensor, generator: Generator) -> Tensor:
    return torch.randn(shape, generator=generator, device=like.device, dtype=like.dtype)


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


@dataclass(frozen=True)
class NoiseSpec:
    """A kind of noise and its level, or the range from which each image draws its own level.

    Prints and reads as `gaussian:0.5`, `masking:0.1-0.6` or `gaussian:0.5:unclipped`.

    Raises:
        SpecError: the kind is unknown, or a level is outside the kind's limits.
    """

    kind: str
    low: float
    high: float = math.nan  # not given: the same as low
    clipped: bool = True

    def __post_init__(self) -> None:
        noise = lookup("noise", NOISES, self.kind)
        object.__setattr__(self, "low", round(float(self.low), 6) + 0.0)  # as it prints, so that both stay equal
        object.__setattr__(self, "high", self.low if math.isnan(self.high) else round(float(self.high), 6))
        for level in (self.low, self.high):
            if not noise.low <= level <= noise.high:
                raise SpecError(
                    f"{noise.label} level {level:g} is outside {noise.low:g} to {noise.high:g}; it is the {noise.unit}."
                )
        if self.low > self.high:
            raise SpecError(
                f"{noise.label} level range {self.low:g}-{self.high:g} runs backwards; write the lower one first."
            )
        if not self.clipped and noise.bounded:
            raise SpecError(f"{noise.label} noise never leaves 0 to 1, so there is nothing to clip; drop 'unclipped'.")

    @classmethod
    def parse(cls, text: str) -> "NoiseSpec":
        """Read `kind`, `kind:level`, `kind:low-high`, each with `:unclipped` if wanted.

        Raises:
            SpecError: the text is not of that form, or names a level or kind that does not exist.
        """
        kind, *rest = text.strip().lower().split(":")
        clipped = "unclipped" not in rest
        levels = [part for part in rest if part not in ("clipped", "unclipped")]
        typical = lookup("noise", NOISES, kind).typical
        try:
            (numbers,) = levels or [str(typical)]
            low, dash, high = numbers.partition("-")
            if not dash:
                return cls(kind, float(low), clipped=clipped)
            if math.isnan(float(high)):
                raise ValueError
            return cls(kind, float(low), float(high), clipped)
        except ValueError:
            raise SpecError(
                f"Noise {text!r} cannot be read; write kind:level or kind:low-high, "
                "for example gaussian:0.5, masking:0.1-0.6 or gaussian:0.5:unclipped."
            ) from None

    def __str__(self) -> str:
        low, high = (f"{level:.6f}".rstrip("0").rstrip(".") for level in (self.low, self.high))
        level = low if low == high else f"{low}-{high}"
        return f"{self.kind}:{level}" + ("" if self.clipped else ":unclipped")

    @property
    def noise(self) -> Noise:
        return NOISES[self.kind]

    @property
    def level(self) -> float:
        """The level, or the middle of the range."""
        return (self.low + self.high) / 2

    def at(self, level: float) -> "NoiseSpec":
        """The same noise at one level."""
        return NoiseSpec(self.kind, level, clipped=self.clipped)


def corrupt(clean: Tensor, spec: NoiseSpec, generator: Generator, level: Any = None) -> Tensor:
    """Noisy copies of clean images.

    Args:
        clean: float images (B, C, H, W) in [0, 1].
        spec: the noise; where it names a range, each image draws its own level from it, uniformly.
        generator: on the images' device; the only source of randomness.
        level: overrides the spec's: one number, or one for each image, (B,).

    Returns:
        (B, C, H, W) of the same type and device, in [0, 1] unless the spec is unclipped.
    """
    if level is not None:
        levels = torch.as_tensor(level, device=clean.device, dtype=clean.dtype).expand(len(clean))
    elif spec.low == spec.high:
        levels = torch.full((len(clean),), spec.low, device=clean.device, dtype=clean.dtype)
    else:
        levels = spec.low + (spec.high - spec.low) * _rand((len(clean),), clean, generator)
    noisy = spec.noise.corrupt(clean, levels.view(-1, 1, 1, 1), generator)
    return noisy.clamp_(0, 1) if spec.clipped and not spec.noise.bounded else noisy
