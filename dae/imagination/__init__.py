"""Sampling from the prior of a denoiser, its uncertainty, and the rows of its Jacobian."""

from dae.imagination.jacobian import jacobian_diagonal, jacobian_row
from dae.imagination.nearest import NearestImages, describe_readings
from dae.imagination.sampling import Frame, Prior, complete, dream, sample_posterior

__all__ = [
    "Frame",
    "NearestImages",
    "Prior",
    "complete",
    "describe_readings",
    "dream",
    "jacobian_diagonal",
    "jacobian_row",
    "sample_posterior",
]
