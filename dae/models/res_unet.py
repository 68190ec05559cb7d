"""A residual U-Net: deeper and wider than the small one, and built for what processors do fast.

Its body is that of DRUNet (Zhang et al. 2021): residual blocks at each scale, strided convolutions between the scales,
and skips that are added. As in FFDNet (Zhang et al. 2018) it works on the picture folded 2 x 2 into channels, so that
no layer runs at full size. Either is told how strong the noise is, by a further map of its input; here a small network
estimates it where the caller does not know it, as in CBDNet (Guo et al. 2019). The same small network tells each block
what kind of noise it sees, by a code that scales and shifts its features (FiLM, Perez et al. 2018).
"""

from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dae.models.base import Autoencoder, Shape

_CODE = 48  # numbers that tell the blocks what the noise is like
_FOLD = 2  # pixels of each side that become channels
_NOTHING = 1e-3  # mean absolute value, in pixel units, of what is too little to be noise: a quarter of a grey step


class Block(nn.Module):
    """Two convolutions, added to what comes in (B, width, H, W).

    Args:
        code: how many numbers tell it what the noise is like; 0: none.
    """

    def __init__(self, width: int, code: int = 0) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)
        )
        self.film = nn.Linear(code, 2 * width) if code else None

    def forward(self, features: Tensor, code: Tensor | None = None) -> Tensor:
        first, relu, second = self.body
        hidden = first(features)
        if self.film is not None:
            scale, shift = self.film(code)[..., None, None].chunk(2, dim=1)
            hidden = torch.addcmul(shift, hidden, 1 + scale)
        changed: Tensor = features + second(relu(hidden))
        return changed


class Blocks(nn.Sequential):
    """Blocks one after the other."""

    def forward(self, features: Tensor, code: Tensor | None = None) -> Tensor:
        for block in self:
            features = block(features, code)
        return features


class Told(NamedTuple):
    """What the blocks are told of a noisy picture."""

    picture: Tensor  # folded, (B, 4 C, h, w), with a map of levels as one channel more where the model looks at it
    code: Tensor | None = None  # (B, _CODE)
    levels: Tensor | None = None  # (B, 1, h, w), root mean square in pixel units


class ResUNet(Autoencoder):
    """Looks at the picture at several scales and predicts the noise, which is taken away from the input.

    Once it has learnt, a picture in which it finds next to no noise stays exactly as it is: nothing beats that there.

    Pictures whose sides the deepest scale does not divide are padded by repeating their border, and cropped again.

    Args:
        shape: of one image, (C, H, W); only C matters.
        widths: channels at each scale, from half the picture's size on, each half as fine as the one before.
        blocks: residual blocks at each scale, on the way down as on the way up; at the deepest, in all.
        level_aware: whether it looks at what the noise is like. It estimates its strength where it is not told.
    """

    def __init__(
        self,
        shape: Shape,
        widths: tuple[int, ...] = (48, 64),
        blocks: tuple[int, ...] = (2, 2),
        level_aware: bool = False,
    ) -> None:
        super().__init__()
        folded = shape[0] * _FOLD**2
        pairs = list(pairwise(widths))
        code = _CODE if level_aware else 0
        self.estimator = _Estimator(folded) if level_aware else None
        self.head = nn.Conv2d(folded + level_aware, widths[0], 3, padding=1)
        self.encoder_blocks = nn.ModuleList(_blocks(*each, code) for each in zip(widths, blocks, strict=True))
        self.down = nn.ModuleList(nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in pairs)
        self.up = nn.ModuleList(nn.ConvTranspose2d(coarse, fine, 2, stride=2) for fine, coarse in pairs)
        self.decoder_blocks = nn.ModuleList(
            _blocks(*each, code) for each in list(zip(widths, blocks, strict=True))[:-1]
        )
        self.tail = nn.Conv2d(widths[0], folded, 3, padding=1)
        self.multiple = _FOLD * 2 ** len(pairs)

    def _fold(self, noisy: Tensor) -> Tensor:
        """Padded and folded: (B, 4 C, h, w), where h and w are half the padded sides."""
        height, width = noisy.shape[-2:]
        padded = F.pad(noisy, (0, -width % self.multiple, 0, -height % self.multiple), mode="replicate")
        return F.pixel_unshuffle(padded, _FOLD)

    def _scales(self, told: Told) -> list[Tensor]:
        """Features from fine to coarse, scale k: (B, widths[k], h / 2^k, w / 2^k)."""
        features = [self.encoder_blocks[0](self.head(told.picture), told.code)]
        for down, blocks in zip(self.down, list(self.encoder_blocks)[1:], strict=True):
            features.append(blocks(down(features[-1]), told.code))
        return features

    def _told(self, noisy: Tensor, level: Tensor | None = None) -> Told:
        folded = self._fold(noisy)
        if self.estimator is None:
            return Told(folded)
        levels, code = self.estimator(folded)
        if level is not None:
            levels = level.view(-1, 1, 1, 1).expand_as(levels)
        return Told(
            torch.cat([folded, levels.detach()], dim=1), code, levels
        )  # levels learn from their own error alone

    def encode(self, noisy: Tensor) -> Tensor:
        """The coarsest features averaged over the picture, (B, widths[-1])."""
        return self._scales(self._told(noisy))[-1].mean((2, 3))

    def level(self, noisy: Tensor) -> Tensor | None:
        """The estimated root mean square of the noise of each image, (B,) in pixel units; None if not level-aware."""
        levels = self._told(noisy).levels
        return None if levels is None else levels.square().mean((1, 2, 3)).sqrt()

    def forward(self, noisy: Tensor, level: Tensor | None = None) -> Tensor:
        """Denoised images.

        Args:
            level: the root mean square of the noise of each image, (B,) in pixel units, if it is known.
        """
        noise = self._noise(noisy, self._told(noisy, level))
        found = noise.abs().mean((1, 2, 3), keepdim=True) >= _NOTHING  # (B, 1, 1, 1)
        return noisy - noise * found

    def learn(self, noisy: Tensor) -> tuple[Tensor, Tensor | float]:
        """Denoised images, and how far the estimated levels are from the strength of what is taken away."""
        told = self._told(noisy)
        denoised = noisy - self._noise(noisy, told)
        if told.levels is None:
            return denoised, 0.0
        removed = self._fold((noisy - denoised).detach().float()).square().mean(1, keepdim=True)  # (B, 1, h, w)
        return denoised, F.mse_loss(told.levels.float().square(), removed)

    def _noise(self, noisy: Tensor, told: Told) -> Tensor:
        """What is to be taken away from the picture, (B, C, H, W)."""
        height, width = noisy.shape[-2:]
        *skips, features = self._scales(told)
        for up, blocks, skip in reversed(list(zip(self.up, self.decoder_blocks, skips, strict=True))):
            features = blocks(up(features) + skip, told.code)
        return F.pixel_shuffle(self.tail(features), _FOLD)[..., :height, :width]


class _Estimator(nn.Module):
    """What the noise is like: its strength around each place (B, 1, h, w) and a code for the picture (B, _CODE)."""

    def __init__(self, channels: int, width: int = 32) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.ReLU()
        )
        self.level = nn.Sequential(nn.Conv2d(width, 1, 3, padding=1), nn.Softplus())
        self.code = nn.Sequential(nn.Linear(width, _CODE), nn.ReLU())

    def forward(self, folded: Tensor) -> tuple[Tensor, Tensor]:
        features = self.features(folded)
        return self.level(features), self.code(features.mean((2, 3)))


def _blocks(width: int, number: int, code: int) -> Blocks:
    return Blocks(*(Block(width, code) for _ in range(number)))
