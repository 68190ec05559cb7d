"""A small residual U-Net (Ronneberger et al. 2015): the modern model, for pictures of any size."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dae.models.base import Autoencoder, Shape


def _double(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.ReLU(),
    )


class UNet(Autoencoder):
    """Looks at the picture at several scales and predicts the noise, which is taken away from the input.

    Pictures whose sides the deepest scale does not divide are padded by repeating their border, and cropped again.

    Args:
        shape: of one image, (C, H, W); only C matters.
        widths: channels at each scale, each half as fine as the one before.
    """

    def __init__(self, shape: Shape, widths: tuple[int, ...] = (16, 32, 64)) -> None:
        super().__init__()
        channels = shape[0]
        pairs = list(pairwise(widths))
        self.down = nn.ModuleList([_double(channels, widths[0]), *(_double(fine, coarse) for fine, coarse in pairs)])
        self.up = nn.ModuleList(nn.ConvTranspose2d(coarse, fine, 2, stride=2) for fine, coarse in reversed(pairs))
        self.merge = nn.ModuleList(_double(2 * fine, fine) for fine, _ in reversed(pairs))
        self.head = nn.Conv2d(widths[0], channels, 3, padding=1)
        self.multiple = 2 ** len(pairs)

    def _scales(self, noisy: Tensor) -> list[Tensor]:
        """Features from fine to coarse, scale k: (B, widths[k], H / 2^k, W / 2^k)."""
        features = [self.down[0](noisy)]
        for layers in list(self.down)[1:]:
            features.append(layers(F.max_pool2d(features[-1], 2)))
        return features

    def _pad(self, noisy: Tensor) -> Tensor:
        height, width = noisy.shape[-2:]
        return F.pad(noisy, (0, -width % self.multiple, 0, -height % self.multiple), mode="replicate")

    def encode(self, noisy: Tensor) -> Tensor:
        """The coarsest features averaged over the picture, (B, widths[-1])."""
        return self._scales(self._pad(noisy))[-1].mean((2, 3))

    def forward(self, noisy: Tensor) -> Tensor:
        height, width = noisy.shape[-2:]
        *skips, features = self._scales(self._pad(noisy))
        for up, merge, skip in zip(self.up, self.merge, reversed(skips), strict=True):
            features = merge(torch.cat([up(features), skip], dim=1))
        denoised: Tensor = noisy - self.head(features)[..., :height, :width]
        return denoised
