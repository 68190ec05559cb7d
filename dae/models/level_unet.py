"""A residual U-Net that receives the noise level, and estimates it if it is not given.

As in FFDNet (Zhang et al. 2018) and DRUNet (Zhang et al. 2021), the level is an additional input map. Half of the
training images have the true level there and the others its estimate, so the model is blind, and a level that somebody
chooses changes how strongly it denoises.
"""

import torch
from torch import Tensor, nn

from dae.models.base import Shape
from dae.models.res_unet import Conditioning, ResUNet

# Images of more pixels are represented by a grid of patches: the level of 16 megapixels costs as much as that of one.
_MAX_SIDE = 512
_MAX_PIXELS = _MAX_SIDE**2
_PATCH, _GRID = 128, 4


class LevelUNet(ResUNet):
    """Residual U-Net conditioned on one noise level per image.

    Args:
        shape, widths, blocks: as in `ResUNet`.
    """

    # Larger images take another branch of `_patches`, and an exported graph contains one.
    max_exported_side = _MAX_SIDE

    def __init__(self, shape: Shape, widths: tuple[int, ...] = (40, 64), blocks: tuple[int, ...] = (2, 3)) -> None:
        super().__init__(shape, widths, blocks)
        channels = self.head.in_channels
        self.head = nn.Conv2d(channels + 1, widths[0], 3, padding=1)
        self.level_estimator = _LevelEstimator(channels)
        self.takes_level = True

    def estimate_noise_level(self, noisy: Tensor) -> Tensor:
        """Return the estimated root mean square of each image's noise, (B,) in pixel units."""
        patches = [self._pixel_unshuffle_padded(patch) for patch in _patches(noisy)]
        level: Tensor = self.level_estimator(torch.stack(patches))
        return level

    def global_context(self, noisy: Tensor) -> dict[str, Tensor]:
        """Return the noise level of whole images, for denoising them tile by tile."""
        return {"level": self.estimate_noise_level(noisy)}

    def forward_with_loss(self, noisy: Tensor, target: Tensor) -> tuple[Tensor, Tensor | float]:
        """Return denoised images and the absolute error of the estimated noise level."""
        true_level = (noisy - target).square().mean((1, 2, 3)).sqrt()
        estimate = self.estimate_noise_level(noisy)
        is_given = torch.arange(len(noisy), device=noisy.device) < len(noisy) // 2
        denoised = self(noisy, torch.where(is_given, true_level, estimate.detach()))
        return denoised, (estimate - true_level).abs().mean()

    def _condition(self, noisy: Tensor, level: Tensor | None = None, embedding: Tensor | None = None) -> Conditioning:
        image = self._pixel_unshuffle_padded(noisy)
        level = self.estimate_noise_level(noisy) if level is None else level
        level_map = level.to(image.dtype).view(-1, 1, 1, 1).expand(-1, 1, *image.shape[-2:])
        return Conditioning(torch.cat([image, level_map], dim=1))


class _LevelEstimator(nn.Module):
    """Estimate one noise level per image, from patches (P, B, channels, h, w) of pixel-unshuffled images.

    Each position gives an estimate and a weight, so that flat areas can count more than texture.
    """

    def __init__(self, channels: int, width: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, 2, 3, padding=1),
        )

    def forward(self, patches: Tensor) -> Tensor:
        """Return the levels, float32 (B,)."""
        count, batch = patches.shape[:2]
        outputs = self.layers(patches.flatten(0, 1)).float().view(count, batch, 2, -1)
        # The offset makes the first estimates about 0.1, a usual level.
        levels, logits = outputs.permute(2, 1, 0, 3).flatten(2)  # (B, positions)
        estimates: Tensor = (nn.functional.softplus(levels - 2) * logits.softmax(1)).sum(1)
        return estimates


def _patches(images: Tensor) -> list[Tensor]:
    """Return the images, or evenly spaced patches of large ones."""
    height, width = images.shape[-2:]
    if height * width <= _MAX_PIXELS:
        return [images]
    tops, lefts = (torch.linspace(0, max(side - _PATCH, 0), _GRID).int().tolist() for side in (height, width))
    return [images[..., top : top + _PATCH, left : left + _PATCH] for top in tops for left in lefts]
