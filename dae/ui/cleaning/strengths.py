"""Strengths of cleaning: positions of a slider around the estimated noise level."""

from dataclasses import dataclass

# Of the estimated level, for models that take one.
_LEVEL_FACTORS = (0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0)
# Of the removed noise, for the others.
_AMOUNTS = (0.25, 0.5, 0.7, 0.85, 1.0)
_MAX_LEVEL = 1.0


@dataclass(frozen=True)
class Strength:
    """One position of the slider.

    Attributes:
        factor: of the estimated level; 1 for models that take no level.
        level: noise level that the model receives, None for models that take none.
        amount: share of the output in the result.
        words: shown next to the slider.
        is_default: whether it is the first choice.
    """

    factor: float
    level: float | None
    amount: float
    words: str
    is_default: bool


def strengths(level: float, takes_level: bool) -> list[Strength]:
    """Return the positions of the slider for an estimated noise level, from weak to strong."""
    if not takes_level:
        return [Strength(1, None, amount, f"{amount:.0%} of the noise removed", amount == 1) for amount in _AMOUNTS]
    positions = []
    for factor in _LEVEL_FACTORS:
        given = scale_level(level, factor)
        relation = "as estimated" if factor == 1 else f"{factor:g} × the estimate"
        positions.append(Strength(factor, given, 1.0, f"noise level {given:.3f}, {relation}", factor == 1))
    return positions


def scale_level(level: float, factor: float) -> float:
    """Return the noise level that a model receives, from the estimate; without noise there would be none to vary."""
    return min(factor * max(level, 1 / 255), _MAX_LEVEL)
