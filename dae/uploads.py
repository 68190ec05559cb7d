"""A picture from outside, made fit for a model: decoded within limits, upright, grey or colour, resized if need be."""

import io
import warnings

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from dae import pictures
from dae.checkpoints import Checkpoint
from dae.errors import DataError
from dae.models import MODELS

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")
BYTES_LIMIT = 20 << 20
PIXELS_LIMIT = 25_000_000
SIDE_LIMIT = 16_384


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
            with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
                width, height = picture.size
                if width * height > PIXELS_LIMIT or max(width, height) > SIDE_LIMIT:
                    raise DataError(
                        f"The picture is {width} x {height}; the limits are {PIXELS_LIMIT // 10**6} megapixels and "
                        f"{SIDE_LIMIT} pixels a side. Make it smaller."
                    )
                return pictures.plain(ImageOps.exif_transpose(picture))
    except DataError:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError) as error:
        raise DataError(
            "The file is damaged or no picture of a known kind. Use PNG, JPEG, WebP, BMP, TIFF or GIF."
        ) from error


def fit_picture(picture: Image.Image, checkpoint: Checkpoint) -> tuple[Tensor, bool]:
    """The picture as the model takes it, and whether it was resized.

    Returns:
        float32 (1, C, H, W) in [0, 1]; models for any size get every pixel, others a copy resized to their size with
        its sides padded in black.
    """
    channels, height, width = checkpoint.shape
    picture = picture.convert("L" if channels == 1 else "RGB")
    resized = not MODELS[checkpoint.name].any_size and picture.size != (width, height)
    if resized:
        scale = min(width / picture.width, height / picture.height)
        inner = max(round(picture.width * scale), 1), max(round(picture.height * scale), 1)
        canvas = Image.new(picture.mode, (width, height))
        corner = (width - inner[0]) // 2, (height - inner[1]) // 2
        canvas.paste(picture.resize(inner, Image.Resampling.LANCZOS), corner)
        picture = canvas
    pixels = torch.from_numpy(np.array(picture, dtype=np.float32)).div_(255)
    return pixels.view(1, picture.height, picture.width, channels).permute(0, 3, 1, 2).contiguous(), resized
