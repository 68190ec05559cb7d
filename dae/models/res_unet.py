"""A residual U-Net for images of any size, deeper and wider than `UNet`.

The body is that of DRUNet (Zhang et al. 2021): residual blocks at each scale, strided convolutions between scales and
additive skip connections. As in FFDNet (Zhang et al. 2018), the input is pixel-unshuffled by 2, so no layer runs at
full size. Both receive the noise level as an additional input map; here a small network estimates it, as in CBDNet
(Guo et al. 2019), and conditions each block on the kind of noise by scaling and shifting its features (FiLM, Perez et
al. 2018).
"""

from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dae.models.base import Autoencoder, Shape

_EMBEDDING_SIZE = 48
_UNSHUFFLE = 2
# The embedding of the noise comes from the upper left corner, so that all tiles of an image share it.
_EMBEDDING_CROP = 256
_LEVEL_CROP = 512


class Block(nn.Module):
    """Two convolutions with a residual connection, (B, width, H, W) to the same shape.

    Args:
        embedding: size of the embedding (B, embedding) that conditions the block; 0: none.
    """

    def __init__(self, width: int, embedding: int = 0) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)
        )
        self.film = nn.Linear(embedding, 2 * width) if embedding else None

    def forward(self, features: Tensor, embedding: Tensor | None = None) -> Tensor:
        """Return the features plus the residual."""
        first, relu, second = self.body
        hidden = first(features)
        if self.film is not None:
            scale, shift = self.film(embedding)[..., None, None].chunk(2, dim=1)
            hidden = torch.addcmul(shift, hidden, 1 + scale)
        output: Tensor = features + second(relu(hidden))
        return output


class ResidualStage(nn.Sequential):
    """A sequence of `number` blocks at one scale."""

    def __init__(self, width: int, number: int, embedding: int = 0) -> None:
        super().__init__(*(Block(width, embedding) for _ in range(number)))

    def forward(self, features: Tensor, embedding: Tensor | None = None) -> Tensor:
        """Apply all blocks with the same embedding."""
        for block in self:
            features = block(features, embedding)
        return features


class Conditioning(NamedTuple):
    """Inputs of the body, computed from a noisy image."""

    image: Tensor  # pixel-unshuffled, (B, 4 C, h, w), plus a channel with the noise level if the model uses it
    embedding: Tensor | None = None  # of the kind of noise, (B, _EMBEDDING_SIZE)
    levels: Tensor | None = None  # root mean square of the noise in pixel units, (B, 1, h, w)


class ResUNet(Autoencoder):
    """Residual U-Net that predicts the noise and subtracts it from the input.

    Images whose sides are no multiple of the coarsest scale are padded by replication and cropped again.

    Args:
        shape: (C, H, W) of one image; only C matters.
        widths: channels at each scale, from half the size of the image on; each scale halves the size.
        blocks: residual blocks at each scale, on the way down and again on the way up; once at the coarsest scale.
        noise_conditioned: condition the body on the noise level and kind, both estimated unless `forward`
            receives them.
    """

    def __init__(
        self,
        shape: Shape,
        widths: tuple[int, ...] = (48, 64),
        blocks: tuple[int, ...] = (2, 2),
        noise_conditioned: bool = False,
    ) -> None:
        super().__init__()
        channels = shape[0] * _UNSHUFFLE**2
        scales = list(zip(widths, blocks, strict=True))
        pairs = list(pairwise(widths))
        embedding = _EMBEDDING_SIZE if noise_conditioned else 0
        self.estimator = _Estimator(channels) if noise_conditioned else None
        self.head = nn.Conv2d(channels + noise_conditioned, widths[0], 3, padding=1)
        self.encoder_blocks = nn.ModuleList(ResidualStage(*scale, embedding) for scale in scales)
        self.down = nn.ModuleList(nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in pairs)
        self.up = nn.ModuleList(nn.ConvTranspose2d(coarse, fine, 2, stride=2) for fine, coarse in pairs)
        self.decoder_blocks = nn.ModuleList(ResidualStage(*scale, embedding) for scale in scales[:-1])
        self.tail = nn.Conv2d(widths[0], channels, 3, padding=1)
        self.size_multiple = _UNSHUFFLE * 2 ** len(pairs)
        self.takes_level = noise_conditioned

    def encode(self, noisy: Tensor) -> Tensor:
        """Return the coarsest features averaged over the image, (B, widths[-1])."""
        return self._encoder_features(self._condition(noisy))[-1].mean((2, 3))

    def estimate_noise_level(self, noisy: Tensor) -> Tensor | None:
        """Return the estimated root mean square of each image's noise, (B,) in pixel units.

        For large images, only the upper left corner counts. Return None if the model is not noise-conditioned.
        """
        if self.estimator is None:
            return None
        corner = self._pixel_unshuffle_padded(noisy[..., :_LEVEL_CROP, :_LEVEL_CROP])
        levels: Tensor = self.estimator.level(self.estimator.features(corner))
        return levels.square().mean((1, 2, 3)).sqrt()

    def global_context(self, noisy: Tensor) -> dict[str, Tensor]:
        """Return the noise embedding of whole images, for denoising them tile by tile."""
        if self.estimator is None:
            return {}
        # More than the estimator's receptive field beyond the crop.
        beyond = 2 * self.size_multiple
        corner = noisy[..., : _EMBEDDING_CROP + beyond, : _EMBEDDING_CROP + beyond]
        return {"embedding": self.estimator.embed(self.estimator.features(self._pixel_unshuffle_padded(corner)))}

    def forward(self, noisy: Tensor, level: Tensor | None = None, embedding: Tensor | None = None) -> Tensor:
        """Return denoised images (B, C, H, W).

        Args:
            level: root mean square of the noise of each image, (B,) in pixel units; estimated if None.
            embedding: of the noise, from `global_context`, if the images are tiles of larger ones.
        """
        return self._denoise(noisy, self._condition(noisy, level, embedding))

    def forward_with_loss(self, noisy: Tensor, target: Tensor) -> tuple[Tensor, Tensor | float]:
        """Return denoised images and the squared error of the estimated noise power."""
        conditioning = self._condition(noisy)
        denoised = self._denoise(noisy, conditioning)
        if conditioning.levels is None:
            return denoised, 0.0
        residual = self._pixel_unshuffle_padded((noisy - denoised).detach().float())
        power = residual.square().mean(1, keepdim=True)  # (B, 1, h, w)
        return denoised, F.mse_loss(conditioning.levels.float().square(), power)

    def _denoise(self, noisy: Tensor, conditioning: Conditioning) -> Tensor:
        height, width = noisy.shape[-2:]
        return noisy - self._noise(conditioning)[..., :height, :width]

    def _pixel_unshuffle_padded(self, noisy: Tensor) -> Tensor:
        """Return padded and pixel-unshuffled images, (B, 4 C, h, w), where h and w are half the padded sides."""
        height, width = noisy.shape[-2:]
        padded = F.pad(noisy, (0, -width % self.size_multiple, 0, -height % self.size_multiple), mode="replicate")
        return F.pixel_unshuffle(padded, _UNSHUFFLE)

    def _condition(self, noisy: Tensor, level: Tensor | None = None, embedding: Tensor | None = None) -> Conditioning:
        """Compute the inputs of the body; estimate level and embedding if they are None."""
        image = self._pixel_unshuffle_padded(noisy)
        if self.estimator is None:
            return Conditioning(image)
        features = self.estimator.features(image)
        levels = self.estimator.level(features)
        if level is not None:
            levels = level.view(-1, 1, 1, 1).expand_as(levels)
        # Detached: the estimate of the level is trained by its own loss alone.
        image = torch.cat([image, levels.detach()], dim=1)
        return Conditioning(image, self.estimator.embed(features) if embedding is None else embedding, levels)

    def _encoder_features(self, inputs: Conditioning) -> list[Tensor]:
        """Return features from fine to coarse; scale k has shape (B, widths[k], h / 2^k, w / 2^k)."""
        features = [self.encoder_blocks[0](self.head(inputs.image), inputs.embedding)]
        for down, blocks in zip(self.down, list(self.encoder_blocks)[1:], strict=True):
            features.append(blocks(down(features[-1]), inputs.embedding))
        return features

    def _noise(self, inputs: Conditioning) -> Tensor:
        """Return the predicted noise of the padded image, (B, C, 2 h, 2 w)."""
        *skips, features = self._encoder_features(inputs)
        for up, blocks, skip in reversed(list(zip(self.up, self.decoder_blocks, skips, strict=True))):
            features = blocks(up(features) + skip, inputs.embedding)
        return F.pixel_shuffle(self.tail(features), _UNSHUFFLE)


class _Estimator(nn.Module):
    """Estimate the noise from the pixel-unshuffled image (B, channels, h, w)."""

    def __init__(self, channels: int, width: int = 32) -> None:
        super().__init__()
        self.features = nn.Sequential(  # (B, width, h, w)
            nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.ReLU()
        )
        self.level = nn.Sequential(nn.Conv2d(width, 1, 3, padding=1), nn.Softplus())
        self.embedding = nn.Sequential(nn.Linear(width, _EMBEDDING_SIZE), nn.ReLU())

    def embed(self, features: Tensor) -> Tensor:
        """Return the embedding of the noise, (B, _EMBEDDING_SIZE), from the corner that all tiles share."""
        rows, columns = (
            torch.arange(side, device=features.device) < _EMBEDDING_CROP // _UNSHUFFLE for side in features.shape[-2:]
        )
        mask = (rows[:, None] & columns).to(features.dtype)
        embedding: Tensor = self.embedding((features * mask).sum((2, 3)) / mask.sum())
        return embedding
