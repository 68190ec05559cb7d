"""Priors of a few images, whose posteriors are known exactly."""

import torch
from torch import Tensor

from dae.imagination import Prior


def mixture(images: Tensor, weights: Tensor) -> Prior:
    """Return the posterior mean of a prior that is one of the images (N, C, H, W) with these probabilities (N,)."""

    def posterior_mean(noisy: Tensor, level: float) -> Tensor:
        return (posterior(images, weights, noisy, level) @ images.flatten(1)).view_as(noisy)

    return posterior_mean


def posterior(images: Tensor, weights: Tensor, noisy: Tensor, level: float) -> Tensor:
    """Return the probability of each image given each noisy one, (B, N)."""
    distances = torch.cdist(noisy.flatten(1), images.flatten(1))
    return (weights.log() - distances.square() / (2 * level**2)).softmax(1)


def shares(images: Tensor, samples: Tensor) -> Tensor:
    """Return the fraction of samples (B, C, H, W) that are closest to each of the images, (N,)."""
    nearest = torch.cdist(samples.flatten(1), images.flatten(1)).argmin(1)
    return nearest.bincount(minlength=len(images)) / len(samples)
