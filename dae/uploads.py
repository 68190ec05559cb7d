"""A picture from outside, made fit for a model: decoded within limits, upright, grey or colour, resized if need be."""

import io
import warnings

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from dae import digits, pictures
from dae.checkpoints import Checkpoint
from dae.errors import DataError
from dae.models import MODELS, Shape

BYTES_LIMIT = 20 << 20
PIXELS_LIMIT = 25_000_000
SIDE_LIMIT = 16_384
_FAINTEST = 16  # a picture whose greys differ by less has no ink on it


def read_picture(content: bytes) -> Image.Image:
    """Decode a picture file: the first frame, upright, on black where transparent, mode L or RGB.

    Raises:
        DataError: it is empty, too large, of another format, or damaged; its size is checked before it is decoded.
    """
    if not content:
        raise DataError("The picture is empty: the file has no bytes.")
    if len(content) > BYTES_LIMIT:
        raise DataError(f"The picture has {len(content) / 2**20:.0f} MB; the limit is {BYTES_LIMIT >> 20} MB.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damaged metadata and of size, which we check ourselves
            with Image.open(io.BytesIO(content), formats=pictures.FORMATS) as picture:
                width, height = picture.size
                if width * height > PIXELS_LIMIT or max(width, height) > SIDE_LIMIT:
                    raise DataError(
                        f"The picture is {width} x {height}; the limits are {PIXELS_LIMIT // 10**6} megapixels and "
                        f"{SIDE_LIMIT} pixels a side. Make it smaller."
                    )
                return pictures.plain(ImageOps.exif_transpose(picture))
    except DataError:
        raise
    except pictures.UNREADABLE as error:
        raise DataError(
            "The file is damaged or no picture of a known kind. Use PNG, JPEG, WebP, BMP, TIFF or GIF."
        ) from error


def fit_picture(picture: Image.Image, checkpoint: Checkpoint) -> tuple[Tensor, bool]:
    """The picture as the model takes it, and whether it was resized.

    Returns:
        float32 (1, C, H, W) in [0, 1]; models for any size get every pixel, others a copy as `resize_picture` makes it.
    """
    channels, height, width = checkpoint.shape
    resized = not MODELS[checkpoint.name].any_size and picture.size != (width, height)
    if resized:
        return resize_picture(picture, checkpoint.shape), True
    return _as_tensor(picture, channels), False


def resize_picture(picture: Image.Image, shape: Shape) -> Tensor:
    """A copy of the picture in this size, its sides padded in black: float32 (1, C, H, W) in [0, 1]."""
    channels, height, width = shape
    scale = min(width / picture.width, height / picture.height)
    inner = max(round(picture.width * scale), 1), max(round(picture.height * scale), 1)
    canvas = Image.new("RGB", (width, height))
    corner = (width - inner[0]) // 2, (height - inner[1]) // 2
    canvas.paste(picture.convert("RGB").resize(inner, Image.Resampling.LANCZOS), corner)
    return _as_tensor(canvas, channels)


def as_digit(picture: Image.Image) -> Tensor:
    """A picture of one handwritten digit as MNIST has it: light on black, in a box of 20 x 20, centred by its mass.

    Returns:
        float32 (1, 1, 28, 28) in [0, 1]; all black where there is no ink.
    """
    ink = _ink(picture)
    if not ink.any():
        return torch.zeros(1, 1, digits.IMAGE_SIZE, digits.IMAGE_SIZE)
    whole = Image.fromarray(ink)
    cut = whole.crop(whole.getbbox())
    side = digits.INK_BOX
    cut.thumbnail((side, side), Image.Resampling.LANCZOS)
    if max(cut.size) < side:
        scale = side / max(cut.size)
        cut = cut.resize(
            (max(round(cut.width * scale), 1), max(round(cut.height * scale), 1)), Image.Resampling.LANCZOS
        )
    box = Image.new("L", (side, side))
    box.paste(cut, ((side - cut.width) // 2, (side - cut.height) // 2))
    return torch.from_numpy(digits.centre(np.asarray(box)[None])).float().div_(255)[None]


def looks_like_digit(picture: Image.Image) -> bool:
    """Whether there is some ink on an even ground, away from the edges: a guess, for the user to correct."""
    small = picture.copy()
    small.thumbnail((64, 64))
    ink = _ink(small) > 0
    return bool(0 < ink.mean() < 0.4 and _border(ink).mean() < 0.1)


def _ink(picture: Image.Image) -> np.ndarray:
    """How far each pixel is from the ground, uint8 (H, W) up to 255; dark on light counts as light on dark."""
    grey = np.asarray(picture.convert("L"), dtype=np.float32)
    ink = np.abs(grey - np.median(_border(grey)))
    strength = ink.max()
    if strength < _FAINTEST:
        return np.zeros(grey.shape, np.uint8)
    return np.where(ink > strength / 5, ink / strength * 255, 0).astype(np.uint8)  # paper is not quite even


def _border(pixels: np.ndarray) -> np.ndarray:
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


def _as_tensor(picture: Image.Image, channels: int) -> Tensor:
    pixels = torch.from_numpy(np.array(picture.convert("L" if channels == 1 else "RGB"), dtype=np.float32)).div_(255)
    return pixels.view(1, picture.height, picture.width, channels).permute(0, 3, 1, 2).contiguous()
