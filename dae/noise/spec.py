"""The specification of a noise, and its application to images."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from dae.errors import SpecError
from dae.noise.kinds import NOISES, NoiseInfo
from dae.utils.registry import lookup
from dae.utils.text import join_words


@dataclass(frozen=True, init=False)
class NoiseSpec:
    """A kind of noise with a level or a range of levels, or a mixture of several kinds.

    A range is sampled uniformly, one level per image; a mixture applies one component per image, with equal
    probabilities. The string forms are `gaussian:0.5`, `masking:0.1-0.6`, `gaussian:0.5:unclipped` and, for a mixture,
    `gaussian:0-1+masking:0.5`. Kind and level of a mixture are those of its first component.

    Args:
        kind: a key of NOISES.
        level_range: one level or (lowest, highest), in units of `info.level_unit`.
        clipped: whether noisy images are clipped to [0, 1].
        mixed_with: the further components of a mixture.

    Raises:
        SpecError: the kind is unknown, a level is outside the limits of its kind, the range is reversed, a kind that
            stays in [0, 1] is unclipped, or mixtures are nested.
    """

    kind: str
    level_range: tuple[float, float]
    clipped: bool
    mixed_with: tuple["NoiseSpec", ...]

    def __init__(
        self,
        kind: str,
        level_range: float | tuple[float, float],
        clipped: bool = True,
        mixed_with: Sequence["NoiseSpec"] = (),
    ) -> None:
        try:
            low, high = map(float, level_range if isinstance(level_range, tuple) else (level_range, level_range))
        except (TypeError, ValueError):
            raise SpecError(f"Noise level {level_range!r} is not valid. Use a number, or a tuple of two.") from None
        object.__setattr__(self, "kind", kind)
        # Rounded as printed, so that parsing the string form gives an equal spec.
        # Adding 0 turns -0 into 0.
        object.__setattr__(self, "level_range", (round(low, 6) + 0.0, round(high, 6) + 0.0))
        object.__setattr__(self, "clipped", clipped)
        object.__setattr__(self, "mixed_with", tuple(mixed_with))
        self._validate()

    def _validate(self) -> None:
        info = lookup("noise", NOISES, self.kind)
        for level in self.level_range:
            if not info.low <= level <= info.high:
                raise SpecError(
                    f"{info.label} noise level {level:g} is outside {info.low:g} to {info.high:g}. "
                    f"It is the {info.level_unit}."
                )
        if self.low > self.high:
            raise SpecError(
                f"{info.label} noise level range {self.low:g}-{self.high:g} is reversed. Write the lower level first."
            )
        if not self.clipped and info.in_unit_range:
            raise SpecError(
                f"{info.label} noise always stays in [0, 1], so it has no unclipped form. Drop 'unclipped'."
            )
        for component in self.mixed_with:
            if component.mixed_with:
                raise SpecError(f"Noise {str(component)!r} is a mixture inside a mixture. Use NoiseSpec.mixture.")

    @classmethod
    def mixture(cls, specs: Sequence["NoiseSpec"]) -> "NoiseSpec":
        """Return a mixture of all components of one or more specifications; raise SpecError without any."""
        if not specs:
            raise SpecError("A mixture needs at least one noise.")
        first, *others = (component for spec in specs for component in spec.components)
        return replace(first, mixed_with=tuple(others))

    @classmethod
    def parse(cls, text: str) -> "NoiseSpec":
        """Parse `kind`, `kind:level` or `kind:low-high`, optionally with `:unclipped`; `+` joins components.

        Raises:
            SpecError: the text has another form, or contains an unknown kind or an invalid level.
        """
        return cls.mixture([cls._parse_component(part) for part in re.split(r"(?<!\de)\+", text)])

    @classmethod
    def _parse_component(cls, text: str) -> "NoiseSpec":
        kind, *options = text.strip().lower().split(":")
        default_level = lookup("noise", NOISES, kind).default_level
        levels = [option for option in options if option not in ("clipped", "unclipped")]
        try:
            (level_range,) = levels or [str(default_level)]
            # Numbers may be written as 1e-1.
            low, *rest = re.split(r"(?<!\de)-", level_range, maxsplit=1)
            return cls(kind, (float(low), float(rest[0] if rest else low)), "unclipped" not in options)
        except ValueError:
            raise SpecError(
                f"Noise {text!r} cannot be parsed. Write kind:level or kind:low-high, for example gaussian:0.5, "
                "masking:0.1-0.6 or gaussian:0.5:unclipped, and join the components of a mixture with +."
            ) from None

    def __str__(self) -> str:
        low, high = (f"{level:.6f}".rstrip("0").rstrip(".") for level in self.level_range)
        level_range = low if low == high else f"{low}-{high}"
        return "+".join(
            [f"{self.kind}:{level_range}{'' if self.clipped else ':unclipped'}", *map(str, self.mixed_with)]
        )

    @property
    def info(self) -> NoiseInfo:
        """Return the registry entry of the kind."""
        return NOISES[self.kind]

    @property
    def low(self) -> float:
        """Return the lowest level."""
        return self.level_range[0]

    @property
    def high(self) -> float:
        """Return the highest level."""
        return self.level_range[1]

    @property
    def level(self) -> float:
        """Return the level, or the middle of the range."""
        return sum(self.level_range) / 2

    @property
    def components(self) -> tuple["NoiseSpec", ...]:
        """Return the components of a mixture, or this specification alone."""
        return (replace(self, mixed_with=()), *self.mixed_with)

    @property
    def label(self) -> str:
        """Return the display name: "Gaussian 0.5", or "Gaussian 0 to 1 and Masking 0 to 1" without narrower ranges.

        The same for clipped and unclipped noise.
        """
        names = (
            f"{spec.info.label} {spec.low:.3g}" + (f" to {spec.high:.3g}" if spec.high > spec.low else "")
            for spec in self._maximal_components
        )
        return join_words(list(dict.fromkeys(names)))

    @property
    def is_zero_mean(self) -> bool:
        """Return whether noisy copies average to the clean image; clipping and replaced pixels shift the mean."""
        return not any(component.clipped for component in self.components)

    @property
    def _maximal_components(self) -> list["NoiseSpec"]:
        """Return the distinct components whose range is not part of another component's range."""
        distinct = list(dict.fromkeys(self.components))
        return [spec for spec in distinct if not any(other != spec and other.contains(spec) for other in distinct)]

    def contains(self, other: "NoiseSpec") -> bool:
        """Return whether a component of this noise has the kind and every level of `other`, which is no mixture."""
        return any(
            (part.kind, part.clipped) == (other.kind, other.clipped)
            and part.low <= other.low
            and other.high <= part.high
            for part in self.components
        )

    def component(self, kind: str) -> "NoiseSpec | None":
        """Return the first component of this kind that no other component contains, or None if missing."""
        return next((spec for spec in self._maximal_components if spec.kind == kind), None)

    def levels(self, count: int) -> list[float]:
        """Return `count` (at least 2) evenly spaced levels, from the lowest to the highest of the kind."""
        low, high = self.info.low, self.info.high
        return [round(low + (high - low) * step / (count - 1), 6) for step in range(count)]

    def with_level(self, level: float) -> "NoiseSpec":
        """Return the same kind of noise at a fixed level; for a mixture, its first component."""
        return NoiseSpec(self.kind, level, self.clipped)


def corrupt(clean: Tensor, spec: NoiseSpec, generator: Generator, level: float | Tensor | None = None) -> Tensor:
    """Return noisy copies of clean images.

    Args:
        clean: float images (B, C, H, W) in [0, 1].
        spec: the noise; each image samples one component of a mixture and one level of a range.
        generator: on the device of the images; the only source of randomness.
        level: overrides the level of `spec`, a scalar or one level per image, (B,).

    Returns:
        Noisy images (B, C, H, W) of the same dtype and device, in [0, 1] unless `spec` is unclipped.

    Raises:
        SpecError: the images are not floats, or a level is negative or not finite.
    """
    if not clean.is_floating_point():
        raise SpecError(f"Images must be floats in [0, 1], not {clean.dtype}. Use `ImageSet.to_float`.")
    if level is not None and not bool(((levels := torch.as_tensor(level)).isfinite() & (levels >= 0)).all()):
        raise SpecError(f"Noise level {level} is not valid. Use a number of 0 or more.")
    corrupt_all = _corrupt_mixture if spec.mixed_with else _corrupt_component
    return corrupt_all(clean, spec, generator, level)


def _corrupt_component(clean: Tensor, spec: NoiseSpec, generator: Generator, level: float | Tensor | None) -> Tensor:
    """Apply the first component of `spec`."""
    if level is None and spec.low < spec.high:
        draw = torch.rand(len(clean), generator=generator, device=clean.device, dtype=clean.dtype)
        level = spec.low + (spec.high - spec.low) * draw
    levels = _per_image(spec.low if level is None else level, clean)
    noisy = spec.info.corrupt(clean, levels.view(-1, 1, 1, 1), generator)
    return noisy.clamp_(0, 1) if spec.clipped and not spec.info.in_unit_range else noisy


def _corrupt_mixture(clean: Tensor, spec: NoiseSpec, generator: Generator, level: float | Tensor | None) -> Tensor:
    """Apply one random component per image.

    Each component has a separate generator, so that the number of its draws does not affect the other components.
    """
    components = spec.components
    assigned = torch.randint(len(components), (len(clean),), generator=generator, device=clean.device)
    seeds = torch.randint(2**62, (len(components),), generator=generator, device=clean.device).tolist()
    noisy = torch.empty_like(clean)
    for index, (component, seed) in enumerate(zip(components, seeds, strict=True)):
        selected = assigned == index
        component_generator = Generator(clean.device).manual_seed(seed)
        levels = None if level is None else _per_image(level, clean)[selected]
        noisy[selected] = _corrupt_component(clean[selected], component, component_generator, levels)
    return noisy


def _per_image(level: float | Tensor, clean: Tensor) -> Tensor:
    """Return one level per image, (B,)."""
    return torch.as_tensor(level, device=clean.device, dtype=clean.dtype).expand(len(clean))
