"""Sampling from the prior of a denoiser, its uncertainty, and the rows of its Jacobian."""

from dae.imagination.jacobian import jacobian_diagonal, jacobian_row
from dae.imagination.nearest import NearestImages, describe_readings
from dae.imagination.sampling import Frame, Prior, complete, dream, sample_posterior
from dae.imagination.uncertainty import is_trained_for, posterior_variance, predicted_psnr_db

__all__ = [
    "Frame",
    "NearestImages",
    "Prior",
    "complete",
    "describe_readings",
    "dream",
    "is_trained_for",
    "jacobian_diagonal",
    "jacobian_row",
    "posterior_variance",
    "predicted_psnr_db",
    "sample_posterior",
]
