"""Noise: which one, how strong, and noisy copies of clean pictures."""

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Generator, Tensor

from dae.corruptions import NOISES, Noise
from dae.errors import SpecError
from dae.registry import lookup
from dae.words import listing

__all__ = ["NOISES", "Noise", "NoiseSpec", "corrupt"]


@dataclass(frozen=True)
class NoiseSpec:
    """A kind of noise and its level, or the range from which each image draws its own level; or a mix of such.

    Prints and reads as `gaussian:0.5`, `masking:0.1-0.6`, `gaussian:0.5:unclipped` or, for a mix, of which each image
    draws one with equal chances, as `gaussian:0-1+masking:0.5`. Kind, level and range of a mix are those of its first.

    Attributes:
        low, high: the levels, in `NOISES[kind].unit`.
        others: what a mix holds beside the first, none of them a mix itself.

    Raises:
        SpecError: the kind is unknown, a level is outside the kind's limits, a range runs backwards, what never leaves
            0 to 1 is unclipped, or a mix holds a mix.
    """

    kind: str
    low: float
    high: float = math.nan  # not given: the same as low
    clipped: bool = True
    others: tuple["NoiseSpec", ...] = ()

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
        for other in self.others:
            if other.others:
                raise SpecError(f"Noise {str(other)!r} is a mix and cannot be part of another; name its kinds instead.")

    @classmethod
    def parse(cls, text: str) -> "NoiseSpec":
        """Read `kind`, `kind:level`, `kind:low-high`, each with `:unclipped` if wanted, or several joined by `+`.

        Raises:
            SpecError: the text is not of that form, or names a level or kind that does not exist.
        """
        first, *others = (cls._parse_one(part) for part in text.split("+"))
        return replace(first, others=tuple(others))

    @classmethod
    def _parse_one(cls, text: str) -> "NoiseSpec":
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
                "for example gaussian:0.5, masking:0.1-0.6 or gaussian:0.5:unclipped, and join those of a mix by +."
            ) from None

    def __str__(self) -> str:
        low, high = (f"{level:.6f}".rstrip("0").rstrip(".") for level in (self.low, self.high))
        level = low if low == high else f"{low}-{high}"
        return "+".join([f"{self.kind}:{level}" + ("" if self.clipped else ":unclipped"), *map(str, self.others)])

    @property
    def noise(self) -> Noise:
        return NOISES[self.kind]

    @property
    def parts(self) -> tuple["NoiseSpec", ...]:
        """The noises of which each image gets one: several for a mix, else this alone."""
        return (replace(self, others=()), *self.others)

    @property
    def label(self) -> str:
        """For people: "Gaussian 0.5", or for a mix "Gaussian 0 to 1 and Masking 0 to 1", its widest ranges alone."""
        widest = self._widest
        spans = [f"{part.low:g}" if part.low == part.high else f"{part.low:g} to {part.high:g}" for part in widest]
        return listing([f"{part.noise.label} {span}" for part, span in zip(widest, spans, strict=True)])

    @property
    def _widest(self) -> list["NoiseSpec"]:
        """The parts without those whose range lies within that of another one."""
        parts = list(dict.fromkeys(self.parts))
        return [part for part in parts if not any(other != part and other._covers(part) for other in parts)]

    def _covers(self, other: "NoiseSpec") -> bool:
        """Whether all levels of the other noise, of which neither is a mix, are levels of this one."""
        alike = (self.kind, self.clipped) == (other.kind, other.clipped)
        return alike and self.low <= other.low and other.high <= self.high

    def part(self, kind: str) -> "NoiseSpec | None":
        """The part of that kind, if it has one: of several ranges the widest, else the first."""
        return next((part for part in self._widest if part.kind == kind), None)

    @property
    def zero_mean(self) -> bool:
        """Whether the mean over many noisy copies is the clean picture; clipping shifts it."""
        return not any(part.clipped for part in self.parts)

    @property
    def level(self) -> float:
        """The level, or the middle of the range."""
        return (self.low + self.high) / 2

    def levels(self, count: int) -> list[float]:
        """So many levels of the kind, evenly from its lowest to its highest; `count` is 2 at least."""
        low, high = self.noise.low, self.noise.high
        return [round(low + (high - low) * step / (count - 1), 6) for step in range(count)]

    def at(self, level: float) -> "NoiseSpec":
        """The same noise at one level; of a mix, the first."""
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
    levels = None
    if level is not None:
        levels = torch.as_tensor(level, device=clean.device, dtype=clean.dtype).expand(len(clean))
    if spec.others:
        return _corrupt_mix(clean, spec.parts, generator, levels)
    if levels is None and spec.low == spec.high:
        levels = torch.full((len(clean),), spec.low, device=clean.device, dtype=clean.dtype)
    elif levels is None:
        draw = torch.rand(len(clean), generator=generator, device=clean.device, dtype=clean.dtype)
        levels = spec.low + (spec.high - spec.low) * draw
    noisy = spec.noise.corrupt(clean, levels.view(-1, 1, 1, 1), generator)
    return noisy.clamp_(0, 1) if spec.clipped and not spec.noise.bounded else noisy


def _corrupt_mix(clean: Tensor, parts: tuple[NoiseSpec, ...], generator: Generator, levels: Tensor | None) -> Tensor:
    """Noisy copies, each by one of `parts`; how much one of them draws does not change what the others give."""
    drawn = torch.randint(len(parts), (len(clean),), generator=generator, device=clean.device)
    seeds = torch.randint(2**62, (len(parts),), generator=generator, device=clean.device).tolist()
    noisy = torch.empty_like(clean)
    for place, (part, seed) in enumerate(zip(parts, seeds, strict=True)):
        own = Generator(clean.device).manual_seed(seed)
        mine = drawn == place
        noisy[mine] = corrupt(clean[mine], part, own, None if levels is None else levels[mine])
    return noisy
