"""Self-ensemble (Timofte et al. 2016): one model's answers to a picture turned and mirrored in eight ways, averaged."""

from collections.abc import Callable

import torch
from torch import Tensor

VIEWS = 8


def self_ensemble(denoiser: Callable[[Tensor], Tensor], noisy: Tensor) -> Tensor:
    """The mean of what `denoiser` makes of the eight views of images (B, C, H, W): eight times the work.

    It helps where a mirrored picture is as likely as the picture itself: with photographs, not with digits.
    """
    total = torch.zeros_like(noisy)
    for turns in range(4):
        for mirror in ([], [3]):
            view = noisy.rot90(turns, (2, 3)).flip(mirror)
            total += denoiser(view).flip(mirror).rot90(-turns, (2, 3))
    return total / VIEWS
