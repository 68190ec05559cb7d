"""A residual U-Net: deeper and wider than the small one, and built for what processors do fast.

Its body is that of DRUNet (Zhang et al. 2021): residual blocks at each scale, strided convolutions between the scales,
and skips that are added. As in FFDNet (Zhang et al. 2018) it works on the picture folded 2 x 2 into channels, so that
no layer runs at full size.
"""

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from dae.models.base import Autoencoder, Shape

_FOLD = 2  # pixels of each side that become channels


class Block(nn.Module):
    """Two convolutions, added to what comes in (B, width, H, W)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)
        )

    def forward(self, features: Tensor) -> Tensor:
        changed: Tensor = features + self.body(features)
        return changed


class ResUNet(Autoencoder):
    """Looks at the picture at several scales and predicts the noise, which is taken away from the input.

    Pictures whose sides the deepest scale does not divide are padded by repeating their border, and cropped again.

    Args:
        shape: of one image, (C, H, W); only C matters.
        widths: channels at each scale, from half the picture's size on, each half as fine as the one before.
        blocks: residual blocks at each scale, on the way down as on the way up; at the deepest, in all.
    """

    def __init__(self, shape: Shape, widths: tuple[int, ...] = (48, 64), blocks: tuple[int, ...] = (2, 2)) -> None:
        super().__init__()
        folded = shape[0] * _FOLD**2
        pairs = list(pairwise(widths))
        self.head = nn.Conv2d(folded, widths[0], 3, padding=1)
        self.encoder_blocks = nn.ModuleList(_blocks(*each) for each in zip(widths, blocks, strict=True))
        self.down = nn.ModuleList(nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in pairs)
        self.up = nn.ModuleList(nn.ConvTranspose2d(coarse, fine, 2, stride=2) for fine, coarse in pairs)
        self.decoder_blocks = nn.ModuleList(_blocks(*each) for each in list(zip(widths, blocks, strict=True))[:-1])
        self.tail = nn.Conv2d(widths[0], folded, 3, padding=1)
        self.multiple = _FOLD * 2 ** len(pairs)

    def _fold(self, noisy: Tensor) -> Tensor:
        """Padded and folded: (B, 4 C, h, w), where h and w are half the padded sides."""
        height, width = noisy.shape[-2:]
        padded = F.pad(noisy, (0, -width % self.multiple, 0, -height % self.multiple), mode="replicate")
        return F.pixel_unshuffle(padded, _FOLD)

    def _scales(self, folded: Tensor) -> list[Tensor]:
        """Features from fine to coarse, scale k: (B, widths[k], h / 2^k, w / 2^k)."""
        features = [self.encoder_blocks[0](self.head(folded))]
        for down, blocks in zip(self.down, list(self.encoder_blocks)[1:], strict=True):
            features.append(blocks(down(features[-1])))
        return features

    def encode(self, noisy: Tensor) -> Tensor:
        """The coarsest features averaged over the picture, (B, widths[-1])."""
        return self._scales(self._fold(noisy))[-1].mean((2, 3))

    def forward(self, noisy: Tensor) -> Tensor:
        height, width = noisy.shape[-2:]
        *skips, features = self._scales(self._fold(noisy))
        for up, blocks, skip in reversed(list(zip(self.up, self.decoder_blocks, skips, strict=True))):
            features = blocks(up(features) + skip)
        noise = F.pixel_shuffle(self.tail(features), _FOLD)[..., :height, :width]
        denoised: Tensor = noisy - noise
        return denoised


def _blocks(width: int, number: int) -> nn.Sequential:
    return nn.Sequential(*(Block(width) for _ in range(number)))
