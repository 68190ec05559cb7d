"""Tensors to pictures: exact pixels, tiled, as Pillow images or PNG bytes."""

import io

import torch
from PIL import Image
from torch import Tensor


def strip(images: Tensor) -> Image.Image:
    """Images (N, C, H, W), uint8 or float in [0, 1], side by side: N * W wide, H high."""
    return grid(images, columns=len(images))


def grid(images: Tensor, columns: int, gap: int = 0, scale: int = 1) -> Image.Image:
    """Images (N, C, H, W), uint8 or float in [0, 1], row by row, each pixel `scale` x `scale`; the gap is black."""
    number, channels, height, width = images.shape
    rows = -(-number // columns)
    if images.dtype != torch.uint8:
        images = images.clamp(0, 1).mul(255).round().byte()
    canvas = torch.zeros(channels, rows * (height + gap) - gap, columns * (width + gap) - gap, dtype=torch.uint8)
    for place, image in enumerate(images.cpu()):
        top, left = place // columns * (height + gap), place % columns * (width + gap)
        canvas[:, top : top + height, left : left + width] = image
    array = canvas.permute(1, 2, 0).numpy()
    picture = Image.fromarray(array[..., 0] if channels == 1 else array)
    return picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)


def to_png(picture: Image.Image) -> bytes:
    """The picture as a PNG file."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
