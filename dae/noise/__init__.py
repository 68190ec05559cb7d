"""Kinds of noise, the specification of a noise and its level, and `corrupt`, which applies it."""

from dae.noise.kinds import NOISES, NoiseInfo
from dae.noise.spec import NoiseSpec, corrupt

__all__ = [
    "NOISES",
    "NoiseInfo",
    "NoiseSpec",
    "corrupt",
]
