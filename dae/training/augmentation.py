"""Augmentation of clean training images.

The entries of AUGMENTATIONS are functions (images, generator) -> images, float32 (B, C, H, W) in [0, 1].
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

MAX_SHIFT = 2
MAX_ROTATION = math.radians(8)
MAX_SCALING = 0.08


def identity(images: Tensor, generator: Generator) -> Tensor:
    """Return the images unchanged, drawing no random numbers."""
    return images


def shift(images: Tensor, generator: Generator) -> Tensor:
    """Move each image by up to `MAX_SHIFT` whole pixels to each side and fill the border with black."""
    count, _, height, width = images.shape
    padded = F.pad(images, [MAX_SHIFT] * 4)
    offsets = torch.randint(2 * MAX_SHIFT + 1, (2, count, 1), generator=generator, device=images.device)
    rows = offsets[0] + torch.arange(height, device=images.device)  # (B, H)
    columns = offsets[1] + torch.arange(width, device=images.device)  # (B, W)
    batch = torch.arange(count, device=images.device)
    # Advanced indices around a slice move to the front: (B, H, W, C).
    return padded[batch[:, None, None], :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).contiguous()


def affine(images: Tensor, generator: Generator) -> Tensor:
    """Rotate, scale and move half of the images a little, with bilinear interpolation; `shift` the other half.

    Interpolated images are smoother than real ones, so the model also needs images on the original pixel grid.
    """
    moved = shift(images, generator)
    is_warped = torch.rand(len(images), generator=generator, device=images.device) < 0.5
    angle, scale = (
        limit * (2 * torch.rand(len(images), generator=generator, device=images.device) - 1)
        for limit in (MAX_ROTATION, MAX_SCALING)
    )
    cosine, sine, zero = angle.cos() * (1 + scale), angle.sin() * (1 + scale), torch.zeros_like(angle)
    matrices = torch.stack([cosine, -sine, zero, sine, cosine, zero], dim=1).view(-1, 2, 3)
    grid = F.affine_grid(matrices, list(images.shape), align_corners=False)
    warped = F.grid_sample(moved, grid, align_corners=False)
    return torch.where(is_warped.view(-1, 1, 1, 1), warped, moved)


def dihedral(images: Tensor, generator: Generator) -> Tensor:
    """Mirror each image at random and rotate the whole batch by a random multiple of 90 degrees if it is square."""
    is_mirrored = torch.rand(len(images), generator=generator, device=images.device) < 0.5
    images = torch.where(is_mirrored.view(-1, 1, 1, 1), images.flip(3), images)
    turns = int(torch.randint(4, (), generator=generator, device=images.device))
    return images.rot90(turns, (2, 3)) if images.shape[2] == images.shape[3] else images


def random_crop(images: Tensor, side: int, generator: Generator) -> Tensor:
    """Return a square of `side` pixels from a random position of each image, (B, C, side, side)."""
    height, width = images.shape[2:]
    count, device = len(images), images.device
    tops = torch.randint(height - side + 1, (count,), generator=generator, device=device).tolist()
    lefts = torch.randint(width - side + 1, (count,), generator=generator, device=device).tolist()
    return torch.stack(
        [image[:, top : top + side, left : left + side] for image, top, left in zip(images, tops, lefts, strict=True)]
    )


def to_gray(images: Tensor) -> Tensor:
    """Return the luma of RGB images (B, 3, H, W) in all three channels (ITU-R BT.601, as Pillow's mode L)."""
    weights = torch.tensor([0.299, 0.587, 0.114], dtype=images.dtype, device=images.device).view(1, 3, 1, 1)
    return (images * weights).sum(1, keepdim=True).expand_as(images)


AUGMENTATIONS: dict[str, Callable[[Tensor, Generator], Tensor]] = {
    "none": identity,
    "shift": shift,
    "affine": affine,
    "dihedral": dihedral,
}
