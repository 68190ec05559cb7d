"""Tensors to pictures: exact pixels, tiled, as Pillow images or PNG bytes."""

import io

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")  # of files from outside; Pillow knows riskier ones
UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    MemoryError,
    Image.DecompressionBombError,
)  # what Pillow raises
ERROR_TOP = 0.5
_GLOW = ((0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164))  # dark to light, evenly


def strip(images: Tensor) -> Image.Image:
    """Images (N, C, H, W), uint8 or float in [0, 1], side by side: N * W wide, H high."""
    return grid(images, columns=len(images))


def grid(images: Tensor, columns: int) -> Image.Image:
    """Images (N, C, H, W), uint8 or float in [0, 1], row by row; what is left of the last row is black."""
    number, channels, height, width = images.shape
    rows = -(-number // columns)
    if images.dtype != torch.uint8:
        images = images.clamp(0, 1).mul(255).round().byte()
    every = F.pad(images.cpu(), (0, 0, 0, 0, 0, 0, 0, rows * columns - number))
    canvas = every.view(rows, columns, channels, height, width).permute(0, 3, 1, 4, 2)  # (rows, H, columns, W, C)
    array = canvas.reshape(rows * height, columns * width, channels).numpy()
    return Image.fromarray(array[..., 0] if channels == 1 else array)


def to_png(picture: Image.Image) -> bytes:
    """The picture as a PNG file."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)  # half the time of the usual level, for a fifth more bytes
    return buffer.getvalue()


def plain(picture: Image.Image) -> Image.Image:
    """The picture in mode L or RGB: 16-bit and float greys brought to 0 to 255, transparent places black."""
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        values = np.nan_to_num(np.asarray(picture, dtype=np.float64))
        top = 65_535 if picture.mode != "F" and values.max(initial=0) > 255 else max(values.max(initial=0), 1)
        return Image.fromarray((values.clip(0, top) / top * 255).round().astype(np.uint8))
    if picture.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in picture.info:
        colour = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", colour.size, "black"), colour).convert(
            "L" if picture.mode in ("LA", "La") else "RGB"
        )
    return picture.convert("L" if picture.mode in ("1", "L") else "RGB")


def error_map(denoised: Image.Image, clean: Image.Image) -> Image.Image:
    """How far each pixel is off, the channels' mean: black for nothing, bright for ERROR_TOP of white and more.

    The scale is fixed, so the maps of two models can be compared.
    """
    off = np.abs(np.asarray(denoised, dtype=np.float32) - np.asarray(clean, dtype=np.float32)) / 255
    share = (off.mean(-1) if off.ndim == 3 else off).clip(0, ERROR_TOP) / ERROR_TOP
    places = np.linspace(0, 1, len(_GLOW))
    channels = [np.interp(share, places, [colour[channel] for colour in _GLOW]) for channel in range(3)]
    return Image.fromarray(np.stack(channels, -1).round().astype(np.uint8))
