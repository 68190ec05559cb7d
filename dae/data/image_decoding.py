"""Decoding of image files to 8 bits: orientation, transparency, and gray values of more than 8 bits.

Files with gray values of more than 8 bits rarely state their maximum. White is therefore the largest value of the
smallest usual bit depth (8, 10, 12, 14, 16, 24 or 32) that contains all values; for floats, 1 comes first. A folder of
images has one white for all of them.
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, TiffImagePlugin

from dae.data.image_formats import DECODE_ERRORS, FORMATS, explain_failure
from dae.errors import DataError

_BIT_DEPTHS = (8, 10, 12, 14, 16, 24, 32)
# Floats of an image that was resized or sharpened exceed their range a little.
_OVERSHOOT = 0.05
_GRAY_MODES, ALPHA_MODES = ("1", "L", "LA", "La", "I", "F"), ("LA", "La", "PA", "RGBA")
ORIENTATION_TAG = 0x0112
_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Numbers of TIFF tags.
_BITS_PER_SAMPLE, _PHOTOMETRIC, _MAX_SAMPLE_VALUE, _PLANAR_CONFIGURATION, _SAMPLE_FORMAT = 258, 262, 281, 284, 339


@dataclass(frozen=True, eq=False)
class DecodedImage:
    """A decoded image.

    Attributes:
        image: upright, in mode L or RGB.
        white: the value in the file that became white, None for 8-bit files.
        on_white: whether transparent pixels became white instead of black.
    """

    image: Image.Image
    white: float | None
    on_white: bool

    @property
    def note(self) -> str:
        """Return sentences on what was assumed about the file, "" if nothing was."""
        notes = [describe_white(self.white)] if self.white else []
        notes += ["Transparent pixels became white, because the image is dark."] if self.on_white else []
        return " ".join(notes)


def describe_white(white: float) -> str:
    """Return a sentence such as "White is 4,095 (12 bits)."."""
    bits = round(np.log2(white + 1))
    return f"White is {white:,.0f}" + (f" ({bits} bits)." if white == 2**bits - 1 and bits > 1 else ".")


@contextmanager
def open_image(source: Path | bytes) -> Iterator[Image.Image]:
    """Open an image without decoding its pixels; errors of Pillow in the block become a DataError."""
    try:
        with warnings.catch_warnings():
            # Pillow warns about damaged metadata, and about sizes, which `decode_upload` limits.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS) as image:
                yield image
    except DataError:
        raise
    except Image.DecompressionBombError as error:
        raise DataError(
            f"The image has more than {2 * (Image.MAX_IMAGE_PIXELS or 0) // 10**6} megapixels. Make it smaller."
        ) from error
    except DECODE_ERRORS as error:
        raise DataError(explain_failure(source if isinstance(source, bytes) else b"")) from error


def decode_pixels(image: Image.Image, white: float | None = None) -> DecodedImage:
    """Decode an image of `open_image`.

    Args:
        white: value that becomes white if the image has gray values of more than 8 bits; by default from its values.

    Raises:
        DataError: the range of the values is unknown, or Pillow cannot decode this kind of file correctly.
    """
    _check_samples(image)
    orientation = read_orientation(image)
    if is_deep(image):
        values = read_deep_values(image)
        white = white or _declared_white(image) or white_level(values)
        if is_white_zero(image):
            values = white - values
        scaled = (values.clip(0, white) / white * 255).round().astype(np.uint8)
        return DecodedImage(transpose(Image.fromarray(scaled), orientation), white, False)
    layout = read_layout(image)
    image.load()
    # A PNG uses the whole range.
    if image.format == "TIFF" and ";16" in layout and np.max(image.getextrema()) < 64:
        raise DataError(
            "The image uses a small part of its 16-bit range, so its white is unknown. Save it with 8 bits."
        )
    flattened, on_white = _flatten(image)
    return DecodedImage(transpose(flattened, orientation), None, on_white)


def is_gray(image: Image.Image) -> bool:
    """Return whether an opened image is grayscale, from its header."""
    return image.mode in _GRAY_MODES or image.mode.startswith("I;16")


def is_deep(image: Image.Image) -> bool:
    """Return whether an opened image has gray values of more than 8 bits, from its header."""
    return image.mode in ("I", "F") or image.mode.startswith("I;16")


def is_white_zero(image: Image.Image) -> bool:
    """Return whether an opened image is a TIFF that stores white as 0, from its header."""
    return _tag(image, _PHOTOMETRIC) == 0


def deep_white_level(image: Image.Image) -> float:
    """Return the white of an image with `is_deep`; raise DataError if the range of its values is unknown."""
    return _declared_white(image) or white_level(read_deep_values(image))


def white_level(values: np.ndarray) -> float:
    """Return the largest value of the smallest usual range that contains `values`.

    Raises:
        DataError: there are negative values, or values above 65,535 that are no integers.
    """
    is_float = values.dtype.kind == "f"
    peak, low = float(values.max(initial=0)), float(values.min(initial=0))
    levels = [1.0] * is_float + [2.0**bits - 1 for bits in _BIT_DEPTHS if bits <= 16 or not is_float]
    overshoot = _OVERSHOOT if is_float else 0.0
    if low >= -overshoot * peak:
        for white in levels:
            if peak <= white * (1 + overshoot):
                return white
    raise DataError(
        f"The gray values {low:g} to {peak:g} have no known white. Save the image as PNG with 8 or 16 bits."
    )


def read_deep_values(image: Image.Image) -> np.ndarray:
    """Return the gray values of an image with more than 8 bits, float32 (H, W) or int64 (H, W); 0 for NaN."""
    # Pillow reads unsigned integers of 32 bits as signed ones.
    is_unsigned = read_layout(image).startswith("I;32") and not read_layout(image).endswith("S")
    # The size of a TIFF that is turned upright is right in a copy only.
    values = np.asarray(image.copy())
    if image.mode == "F":
        return np.where(np.isnan(values), 0, values)
    return values.astype(np.uint32).astype(np.int64) if is_unsigned else values.astype(np.int64)


def _declared_white(image: Image.Image) -> float | None:
    """Return the white that a TIFF file states by fewer than 16 bits per value or by its largest value, else None."""
    if image.mode == "F":
        return None
    bits, largest = _tag(image, _BITS_PER_SAMPLE), _tag(image, _MAX_SAMPLE_VALUE)
    # Many files give the largest value that the type can have, which says nothing about the image.
    if 8 < bits < 16:
        return 2.0**bits - 1
    return float(largest) if 255 < largest < 65_535 else None


def _check_samples(image: Image.Image) -> None:
    """Raise DataError for TIFF files that Pillow decodes to wrong values."""
    bits = _tag(image, _BITS_PER_SAMPLE)
    if bits > 8 and not is_deep(image) and _tag(image, _PLANAR_CONFIGURATION) == 2:
        raise DataError("TIFF files with 16-bit colors in separate planes are not supported. Save the image as PNG.")
    if bits == 8 and _tag(image, _SAMPLE_FORMAT) == 2:
        raise DataError("TIFF files with signed 8-bit values are not supported. Save the image as PNG.")


def _tag(image: Image.Image, number: int) -> int:
    """Return the first value of a TIFF tag as an integer, -1 if it is missing or malformed."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return -1
    value = image.tag_v2.get(number)
    value = value[0] if isinstance(value, tuple) and value else value
    return value if isinstance(value, int) else -1


def read_layout(image: Image.Image) -> str:
    """Return Pillow's name of the layout in the file, before the pixels are loaded; "" if it has none."""
    tile = getattr(image, "tile", None)
    arguments = tile[0][3] if tile else ""
    return str(arguments[0] if isinstance(arguments, tuple) and arguments else arguments)


def read_orientation(image: Image.Image) -> int:
    """Return the EXIF orientation to apply, 1 to 8; 1 if it is missing or the EXIF data are damaged.

    Pillow applies that of TIFF files when it loads the pixels.
    """
    if image.format == "TIFF":
        return 1
    try:
        orientation = image.getexif().get(ORIENTATION_TAG, 1)
    except DECODE_ERRORS:
        return 1
    return orientation if isinstance(orientation, int) else 1


def transpose(image: Image.Image, orientation: int) -> Image.Image:
    """Return the image upright, for an EXIF orientation from 1 to 8."""
    # Unlike ImageOps.exif_transpose, this writes no EXIF data, which fails if any of them are damaged.
    method = _TRANSPOSITIONS.get(orientation)
    return image if method is None else image.transpose(method)


def to_rgba(image: Image.Image) -> Image.Image:
    """Convert an image to mode RGBA; Pillow converts premultiplied gray to LA only."""
    return (image.convert("LA") if image.mode == "La" else image).convert("RGBA")


def _flatten(image: Image.Image) -> tuple[Image.Image, bool]:
    """Convert 8-bit modes to L or RGB, with transparent pixels black, or white if the opaque part is dark.

    Returns:
        The image, and whether it was laid on white.
    """
    mode, on_white = "L" if is_gray(image) else "RGB", False
    if image.mode in ALPHA_MODES or "transparency" in image.info:
        rgba = to_rgba(image)
        on_white = _is_dark_on_transparency(rgba)
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white" if on_white else "black"), rgba)
    return image.convert(mode), on_white


def _is_dark_on_transparency(rgba: Image.Image) -> bool:
    alpha = np.asarray(rgba.getchannel("A"), dtype=np.float32)
    if alpha.min() == 255 or not alpha.any():
        return False
    luminance = np.asarray(rgba.convert("RGB").convert("L"), dtype=np.float32)
    return bool((luminance * alpha).sum() < 128 * alpha.sum())
