"""A residual U-Net: deeper and wider than the small one, and built for what processors do fast.

Its body is that of DRUNet (Zhang et al. 2021): residual blocks at each scale, strided convolutions between the scales,
and skips that are added. As in FFDNet (Zhang et al. 2018) it works on the picture folded 2 x 2 into channels, so that
no layer runs at full size. Either is told how strong the noise is, by a further map of its input; here a small network
estimates it where the caller does not know it, as in CBDNet (Guo et al. 2019). The same small network tells each block
what kind of noise it sees, by an embedding that scales and shifts its features (FiLM, Perez et al. 2018).
"""

from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dae.models.base import Autoencoder, Shape

_EMBEDDING = 48  # numbers that tell the blocks what the noise is like
_FOLD = 2  # pixels of each side that become channels
_SEEN = 256  # pixels of each side, from the upper left, that say what the noise is like, for every tile of a picture
_JUDGED = 512  # pixels of each side, likewise, by which the strength of the noise is told
_NEAR = 27  # pixels to each side of one that say whether there is noise: from each corner of a digit all of it
# What tells noise from a gap in a stroke, where white is 1; of 60,000 digits without noise two are taken for noisy:
_ONE = 0.96  # one pixel that is wrong by so much,
_FEW = 3.5  # a few that come to so much,
_MANY = ((0.005, 0.98), (0.0005, 0.32))  # or many that come to the second, if none counts for more than the first


class Block(nn.Module):
    """Two convolutions, added to what comes in (B, width, H, W).

    Args:
        embedding: how many numbers (B, embedding) tell it what the noise is like; 0: none.
    """

    def __init__(self, width: int, embedding: int = 0) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)
        )
        self.film = nn.Linear(embedding, 2 * width) if embedding else None

    def forward(self, features: Tensor, embedding: Tensor | None = None) -> Tensor:
        first, relu, second = self.body
        hidden = first(features)
        if self.film is not None:
            scale, shift = self.film(embedding)[..., None, None].chunk(2, dim=1)
            hidden = torch.addcmul(shift, hidden, 1 + scale)
        changed: Tensor = features + second(relu(hidden))
        return changed


class Blocks(nn.Sequential):
    """So many blocks one after the other."""

    def __init__(self, width: int, number: int, embedding: int = 0) -> None:
        super().__init__(*(Block(width, embedding) for _ in range(number)))

    def forward(self, features: Tensor, embedding: Tensor | None = None) -> Tensor:
        for block in self:
            features = block(features, embedding)
        return features


class Conditioning(NamedTuple):
    """What the blocks are told of a noisy picture."""

    picture: Tensor  # folded, (B, 4 C, h, w), with a map of levels as one channel more where the model looks at it
    embedding: Tensor | None = None  # (B, _EMBEDDING)
    levels: Tensor | None = None  # (B, 1, h, w), root mean square in pixel units


class ResUNet(Autoencoder):
    """Looks at the picture at several scales and predicts the noise, which is taken away from the input.

    Once it has learnt, a pixel near which it is not sure of any noise stays exactly as it is: nothing beats that there.

    Pictures whose sides the deepest scale does not divide are padded by repeating their border, and cropped again.

    Args:
        shape: of one image, (C, H, W); only C matters.
        widths: channels at each scale, from half the picture's size on, each half as fine as the one before.
        blocks: residual blocks at each scale, on the way down as on the way up; at the deepest, in all.
        level_aware: whether it looks at how strong the noise is and of what kind. It estimates what it is not told.
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
        scales = list(zip(widths, blocks, strict=True))
        pairs = list(pairwise(widths))
        embedding = _EMBEDDING if level_aware else 0
        self.estimator = _Estimator(folded) if level_aware else None
        self.head = nn.Conv2d(folded + level_aware, widths[0], 3, padding=1)
        self.encoder_blocks = nn.ModuleList(Blocks(*scale, embedding) for scale in scales)
        self.down = nn.ModuleList(nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in pairs)
        self.up = nn.ModuleList(nn.ConvTranspose2d(coarse, fine, 2, stride=2) for fine, coarse in pairs)
        self.decoder_blocks = nn.ModuleList(Blocks(*scale, embedding) for scale in scales[:-1])
        self.tail = nn.Conv2d(widths[0], folded, 3, padding=1)
        self.multiple = _FOLD * 2 ** len(pairs)

    def encode(self, noisy: Tensor) -> Tensor:
        """The coarsest features averaged over the picture, (B, widths[-1])."""
        return self._scales(self._condition(noisy))[-1].mean((2, 3))

    def level(self, noisy: Tensor) -> Tensor | None:
        """The estimated root mean square of each image's noise, (B,) in pixel units; None if not level-aware.

        Of large images their upper left says it.
        """
        if self.estimator is None:
            return None
        corner = self._fold(noisy[..., :_JUDGED, :_JUDGED])
        levels: Tensor = self.estimator.level(self.estimator.features(corner))
        return levels.square().mean((1, 2, 3)).sqrt()

    def context(self, noisy: Tensor) -> dict[str, Tensor]:
        """The embedding of the noise of each image; nothing if not level-aware."""
        if self.estimator is None:
            return {}
        beyond = 2 * self.multiple  # more than the estimator sees around a pixel
        corner = noisy[..., : _SEEN + beyond, : _SEEN + beyond]
        return {"embedding": self.estimator.embed(self.estimator.features(self._fold(corner)))}

    def forward(self, noisy: Tensor, level: Tensor | None = None, embedding: Tensor | None = None) -> Tensor:
        """Denoised images.

        Args:
            level: the root mean square of the noise of each image, (B,) in pixel units, if it is known.
            embedding: of the noise, from `context`, if these are parts of larger images.
        """
        noise = self._noise(self._condition(noisy, level, embedding))
        return noisy - _like(noise * _is_noise(noise), noisy)

    def learn(self, noisy: Tensor) -> tuple[Tensor, Tensor | float]:
        """Denoised images, and how far the estimated levels are from the strength of what is taken away."""
        conditioning = self._condition(noisy)
        denoised = noisy - _like(self._noise(conditioning), noisy)
        if conditioning.levels is None:
            return denoised, 0.0
        removed = self._fold((noisy - denoised).detach().float()).square().mean(1, keepdim=True)  # (B, 1, h, w)
        return denoised, F.mse_loss(conditioning.levels.float().square(), removed)

    def _fold(self, noisy: Tensor) -> Tensor:
        """Padded and folded: (B, 4 C, h, w), where h and w are half the padded sides."""
        height, width = noisy.shape[-2:]
        padded = F.pad(noisy, (0, -width % self.multiple, 0, -height % self.multiple), mode="replicate")
        return F.pixel_unshuffle(padded, _FOLD)

    def _condition(self, noisy: Tensor, level: Tensor | None = None, embedding: Tensor | None = None) -> Conditioning:
        """What is known of noisy images (B, C, H, W) and what is estimated of them."""
        folded = self._fold(noisy)
        if self.estimator is None:
            return Conditioning(folded)
        features = self.estimator.features(folded)
        levels = self.estimator.level(features)
        if level is not None:
            levels = level.view(-1, 1, 1, 1).expand_as(levels)
        # The levels learn from their own error alone.
        picture = torch.cat([folded, levels.detach()], dim=1)
        return Conditioning(picture, self.estimator.embed(features) if embedding is None else embedding, levels)

    def _scales(self, known: Conditioning) -> list[Tensor]:
        """Features from fine to coarse, scale k: (B, widths[k], h / 2^k, w / 2^k)."""
        features = [self.encoder_blocks[0](self.head(known.picture), known.embedding)]
        for down, blocks in zip(self.down, list(self.encoder_blocks)[1:], strict=True):
            features.append(blocks(down(features[-1]), known.embedding))
        return features

    def _noise(self, known: Conditioning) -> Tensor:
        """What is to be taken away from the padded picture, (B, C, 2 h, 2 w)."""
        *skips, features = self._scales(known)
        for up, blocks, skip in reversed(list(zip(self.up, self.decoder_blocks, skips, strict=True))):
            features = blocks(up(features) + skip, known.embedding)
        return F.pixel_shuffle(self.tail(features), _FOLD)


class _Estimator(nn.Module):
    """What the noise is like, from the folded picture (B, channels, h, w)."""

    def __init__(self, channels: int, width: int = 32) -> None:
        super().__init__()
        self.features = nn.Sequential(  # (B, width, h, w)
            nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.ReLU()
        )
        self.level = nn.Sequential(nn.Conv2d(width, 1, 3, padding=1), nn.Softplus())  # its strength at each place
        self.embedding = nn.Sequential(nn.Linear(width, _EMBEDDING), nn.ReLU())

    def embed(self, features: Tensor) -> Tensor:
        """What kind of noise it is, (B, _EMBEDDING), by the part of the features that all tiles know."""
        down, across = (torch.arange(side, device=features.device) < _SEEN // _FOLD for side in features.shape[-2:])
        seen = (down[:, None] & across).to(features.dtype)
        embedding: Tensor = self.embedding((features * seen).sum((2, 3)) / seen.sum())
        return embedding


def _like(padded: Tensor, images: Tensor) -> Tensor:
    """Cropped to the images' height and width."""
    height, width = images.shape[-2:]
    return padded[..., :height, :width]


def _is_noise(found: Tensor) -> Tensor:
    """Whether what was found (B, C, H, W) is noise for certain near each place, (B, 1, H, W)."""
    amount = found.float().abs().mean(1, keepdim=True)
    each = torch.cat([amount >= _ONE, amount, *(amount.clamp(max=most) for most, _ in _MANY)], dim=1)
    near = _sums_near(_sums_near(each, -1), -2)
    enough = near.new_tensor([0.5, _FEW, *(together for _, together in _MANY)])
    return (near >= enough[:, None, None]).any(1, keepdim=True)


def _sums_near(amounts: Tensor, dim: int) -> Tensor:
    """Sums over the places near each one along a dimension, of the same shape: differences of running sums."""
    length = amounts.shape[dim]
    places = torch.arange(length, device=amounts.device)
    running = torch.cat([torch.zeros_like(amounts.narrow(dim, 0, 1)), amounts.cumsum(dim)], dim)
    first, past = (places - _NEAR).clamp(min=0), (places + _NEAR + 1).clamp(max=length)
    return running.index_select(dim, past) - running.index_select(dim, first)
