"""Images from users: decoded within limits and converted to the input of a model."""

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from dae.data import synthetic_digits
from dae.data.image_decoding import DecodedImage, decode_pixels, open_image
from dae.data.image_formats import check_scans
from dae.errors import DataError
from dae.models import MODELS, Checkpoint, Shape

BYTES_LIMIT = 20 << 20
PIXELS_LIMIT = 25_000_000
SIDE_LIMIT = 16_384
# An image whose gray values, 0 to 255, differ less from the background contains no ink.
_MIN_INK_CONTRAST = 16


def decode_image(content: bytes) -> Image.Image:
    """Decode the first frame of an image file, upright, in mode L or RGB; raise as `decode_upload` does."""
    return decode_upload(content).image


def decode_upload(content: bytes) -> DecodedImage:
    """Decode the first frame of an image file, with a note on what was assumed about it.

    Raises:
        DataError: the file is empty, too large, damaged or of another format. Its size and the number of scans of a
            JPEG are checked before decoding.
    """
    if not content:
        raise DataError("The file is empty. Choose another image.")
    if len(content) > BYTES_LIMIT:
        raise DataError(f"The file is larger than the limit of {BYTES_LIMIT >> 20} MB. Make it smaller.")
    check_scans(content)
    with open_image(content) as image:
        width, height = image.size
        if width * height > PIXELS_LIMIT or max(width, height) > SIDE_LIMIT:
            raise DataError(
                f"The image has {width} x {height} pixels. Make it smaller: the limits are "
                f"{PIXELS_LIMIT // 10**6} megapixels and {SIDE_LIMIT} pixels per side."
            )
        return decode_pixels(image)


def fit_image(image: Image.Image, checkpoint: Checkpoint) -> tuple[Tensor, bool]:
    """Convert an image to the input of a model, resized if the model needs a fixed size.

    Returns:
        The input, float32 (1, C, H, W) in [0, 1], at full resolution for models of any size, else from `resize_image`;
        and whether it was resized.
    """
    channels, height, width = checkpoint.shape
    if MODELS[checkpoint.name].any_size or image.size == (width, height):
        return to_tensor(image, channels), False
    return resize_image(image, checkpoint.shape), True


def resize_image(image: Image.Image, shape: Shape) -> Tensor:
    """Resize to fit into `shape`, keeping proportions and padding with black: float32 (1, C, H, W) in [0, 1]."""
    channels, height, width = shape
    return to_tensor(_fit_inside(image.convert("RGB"), width, height), channels)


def normalize_digit(image: Image.Image) -> Tensor:
    """Center, resize and invert a handwritten digit to match MNIST: white on black in a box of 20 x 20.

    Returns:
        float32 (1, 1, 28, 28) in [0, 1], centered by its center of mass; all black if there is no ink.
    """
    ink = Image.fromarray(_ink(image))
    # None if all pixels are black.
    bounding_box = ink.getbbox()
    if bounding_box is None:
        return torch.zeros(1, 1, synthetic_digits.IMAGE_SIZE, synthetic_digits.IMAGE_SIZE)
    side = synthetic_digits.INK_BOX
    digit = ink.crop(bounding_box)
    # Unlike resize(), thumbnail() first averages blocks of pixels of a large drawing.
    digit.thumbnail((side, side), Image.Resampling.LANCZOS)
    box = _fit_inside(digit, side, side)
    return torch.from_numpy(synthetic_digits.center(np.asarray(box)[None])).float().div_(255)[None]


def looks_like_digit(image: Image.Image) -> bool:
    """Guess whether the image is a digit: some ink on an even background, away from the border."""
    thumbnail = image.copy()
    thumbnail.thumbnail((64, 64))
    has_ink = _ink(thumbnail) > 0
    return bool(0 < has_ink.mean() < 0.4 and _border(has_ink).mean() < 0.1)


def _ink(image: Image.Image) -> np.ndarray:
    """Return the distance of each pixel from the background, uint8 (H, W) with maximum 255; 0 for the background."""
    gray = np.asarray(image.convert("L"), dtype=np.float32)
    distance = np.abs(gray - np.median(_border(gray)))
    contrast = distance.max()
    if contrast < _MIN_INK_CONTRAST:
        return np.zeros(gray.shape, np.uint8)
    # Paper is uneven: a fifth of the contrast still counts as background.
    return np.where(distance > contrast / 5, distance / contrast * 255, 0).astype(np.uint8)


def _border(pixels: np.ndarray) -> np.ndarray:
    """Return the outermost pixels of an image (H, W)."""
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


def _fit_inside(image: Image.Image, width: int, height: int) -> Image.Image:
    """Resize to fit into a box, keeping proportions, and center on black."""
    # ImageOps.pad fails if the shorter side rounds to 0 pixels.
    scale = min(width / image.width, height / image.height)
    inner_width, inner_height = (max(round(side * scale), 1) for side in image.size)
    canvas = Image.new(image.mode, (width, height))
    resized = image.resize((inner_width, inner_height), Image.Resampling.LANCZOS)
    canvas.paste(resized, ((width - inner_width) // 2, (height - inner_height) // 2))
    return canvas


def to_tensor(image: Image.Image, channels: int) -> Tensor:
    """Convert to float32 (1, C, H, W) in [0, 1]."""
    pixels = np.array(image.convert("L" if channels == 1 else "RGB"), dtype=np.float32)
    return (
        torch.from_numpy(pixels).div_(255).view(1, image.height, image.width, channels).permute(0, 3, 1, 2).contiguous()
    )
