"""A small residual U-Net (Ronneberger et al. 2015) for images of any size."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dae.models.base import Autoencoder, Shape


class UNet(Autoencoder):
    """Predicts the noise at several scales and subtracts it from the input.

    Sides that the coarsest scale does not divide are padded by repeating the border, and cropped at the end.

    Args:
        shape: of one image, (C, H, W); only C matters.
        widths: channels at each scale, from full resolution down; each scale halves the resolution.
    """

    def __init__(self, shape: Shape, widths: tuple[int, ...] = (16, 32, 64)) -> None:
        super().__init__()
        channels = shape[0]
        pairs = list(pairwise(widths))
        self.down = nn.ModuleList(
            [_double_conv(channels, widths[0]), *(_double_conv(fine, coarse) for fine, coarse in pairs)]
        )
        self.up = nn.ModuleList(nn.ConvTranspose2d(coarse, fine, 2, stride=2) for fine, coarse in reversed(pairs))
        self.merge = nn.ModuleList(_double_conv(2 * fine, fine) for fine, _ in reversed(pairs))
        self.head = nn.Conv2d(widths[0], channels, 3, padding=1)
        self.size_multiple = 2 ** len(pairs)

    def encode(self, noisy: Tensor) -> Tensor:
        """Return the coarsest features averaged over the image, (B, widths[-1])."""
        return self._encode_scales(noisy)[-1].mean((2, 3))

    def forward(self, noisy: Tensor) -> Tensor:
        """Return denoised images (B, C, H, W), not clamped."""
        height, width = noisy.shape[-2:]
        *skips, features = self._encode_scales(noisy)
        for up, merge, skip in zip(self.up, self.merge, reversed(skips), strict=True):
            features = merge(torch.cat([up(features), skip], dim=1))
        denoised: Tensor = noisy - self.head(features)[..., :height, :width]
        return denoised

    def _encode_scales(self, noisy: Tensor) -> list[Tensor]:
        """Return the features of the padded image at scale k, (B, widths[k], H / 2^k, W / 2^k), from fine to coarse."""
        height, width = noisy.shape[-2:]
        padding = (0, -width % self.size_multiple, 0, -height % self.size_multiple)
        features = [self.down[0](F.pad(noisy, padding, mode="replicate"))]
        for layers in list(self.down)[1:]:
            features.append(layers(F.max_pool2d(features[-1], 2)))
        return features


def _double_conv(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(out_channels, out_channels, 3, padding=1),
        nn.ReLU(),
    )
