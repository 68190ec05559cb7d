"""Image files that are written again with other pixels: in their format, bit depth and size, with their metadata."""

import io
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from dae.data.deep_color import encode_png, encode_tiff, is_deep_color, read_colors
from dae.data.image_decoding import (
    ALPHA_MODES,
    ORIENTATION_TAG,
    is_deep,
    is_white_zero,
    open_image,
    read_deep_values,
    read_orientation,
    to_rgba,
    transpose,
)
from dae.data.image_formats import ALL_SUFFIXES, DECODE_ERRORS, SUFFIXES
from dae.data.uploads import decode_upload, to_tensor
from dae.errors import DataError

_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "PNG": {"compress_level": 3},
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 95},
    "TIFF": {"compression": "tiff_lzw"},
}
DEEP_COLOR = "RGB;16"
# Formats that can contain alpha, and values of more than 8 bits.
_WITH_ALPHA = ("PNG", "WEBP", "TIFF", "GIF")
_WITH_DEPTH = ("PNG", "TIFF")
# Pixels per inch; JPEG stores them in 16 bits. Damaged files have a resolution of 0 / 0 or 2^32.
_MAX_DPI = 65_535


@dataclass(frozen=True, eq=False)
class ImageFile:
    """An image with all that is needed to write it again.

    Attributes:
        pixels: upright, float32 (1, C, H, W) in [0, 1], without alpha; C is 1 or 3.
        format: a key of SUFFIXES.
        alpha: uint8 (H, W), None if the image is opaque.
        deep_mode: mode of Pillow if there are gray values of more than 8 bits, DEEP_COLOR for colors of
            16 bits, else "".
        white: the value that stands for 1 in the file.
        metadata: color profile, EXIF data and resolution, as arguments for Pillow.
    """

    pixels: Tensor
    format: str
    alpha: np.ndarray | None = None
    deep_mode: str = ""
    white: float = 255
    metadata: dict[str, Any] = field(default_factory=dict)

    def encode(self, pixels: Tensor, format: str = "") -> bytes:
        """Return a file with these pixels, float (1, C, H, W), clamped to [0, 1].

        Alpha and more than 8 bits per channel are lost in formats that cannot contain them.

        Args:
            format: a format of Pillow, such as "PNG"; "" for that of the original.

        Raises:
            DataError: the format cannot contain an image of this size.
        """
        format = format or self.format
        pixels = pixels.detach().cpu().clamp(0, 1)
        if self.deep_mode == DEEP_COLOR and format in _WITH_DEPTH:
            return (encode_png if format == "PNG" else encode_tiff)(self._to_deep_colors(pixels), self.metadata)
        image, buffer = self._to_image(pixels, format), io.BytesIO()
        try:
            image.save(buffer, format, **_SAVE_OPTIONS.get(format, {}), **self.metadata)
        except (OSError, ValueError) as error:
            raise DataError(f"The image cannot be written as {format}: {error}. Use PNG.") from error
        return buffer.getvalue()

    def _to_deep_colors(self, pixels: Tensor) -> np.ndarray:
        """Return uint16 (H, W, C), with alpha as the fourth channel."""
        colors = (pixels[0].permute(1, 2, 0).numpy() * 65_535).round().astype(np.uint16)
        return colors if self.alpha is None else np.dstack([colors, self.alpha.astype(np.uint16) * 257])

    def _to_image(self, pixels: Tensor, format: str) -> Image.Image:
        values = pixels[0].permute(1, 2, 0).numpy()  # (H, W, C)
        if self.deep_mode not in ("", DEEP_COLOR) and format in _WITH_DEPTH:
            gray = values[..., 0].astype(np.float64) * self.white
            if self.deep_mode == "F" and format == "TIFF":
                return Image.fromarray(gray.astype(np.float32))
            # Pillow writes no unsigned integers of 32 bits.
            if 65_535 < self.white < 2**31 and format == "TIFF":
                return Image.fromarray(gray.round().astype(np.int32))
            scale = 65_535 / self.white if self.white > 65_535 or self.deep_mode == "F" else 1
            return Image.fromarray((gray * scale).round().astype(np.uint16))
        image = _to_8bit(values)
        if self.alpha is not None and format in _WITH_ALPHA:
            image.putalpha(Image.fromarray(self.alpha))
        return image


def decode_file(content: bytes) -> ImageFile:
    """Decode the first frame of an image file, upright and at its full depth.

    Raises:
        DataError: as `decode_upload` does.
    """
    decoded = decode_upload(content)
    with open_image(content) as image:
        # Pillow names a JPEG with several pictures, as cameras write them, MPO.
        format = "JPEG" if image.format == "MPO" else str(image.format)
        # Before the EXIF data: reading those of a PNG loads its pixels.
        has_deep_color, orientation = is_deep_color(image), read_orientation(image)
        metadata = _read_metadata(image)
        if is_deep(image):
            mode, white = image.mode, float(decoded.white or 65_535)
            shares = (read_deep_values(image) / white).clip(0, 1).astype(np.float32)
            shares = 1 - shares if is_white_zero(image) else shares
            pixels = torch.from_numpy(np.array(transpose(Image.fromarray(shares), orientation)))[None, None]
            return ImageFile(pixels, format, None, mode, white, metadata)
        if has_deep_color:
            colors = read_colors(content, orientation)
            alpha = (colors[..., 3] >> 8).astype(np.uint8) if colors.shape[2] == 4 else None
            pixels = (
                torch.from_numpy(colors[..., :3].astype(np.float32)).permute(2, 0, 1)[None].div(65_535).contiguous()
            )
            return ImageFile(pixels, format, alpha, DEEP_COLOR, 65_535, metadata)
        alpha, opaque = None, decoded.image
        if image.mode in ALPHA_MODES or "transparency" in image.info:
            rgba = transpose(to_rgba(image), orientation)
            alpha, opaque = np.array(rgba.getchannel("A")), rgba.convert(decoded.image.mode)
    return ImageFile(to_tensor(opaque, len(opaque.getbands())), format, alpha, metadata=metadata)


def format_of(name: str) -> str:
    """Return the format of a file name, a key of SUFFIXES.

    Raises:
        DataError: the suffix belongs to no supported format.
    """
    for format, suffixes in SUFFIXES.items():
        if name.lower().endswith(suffixes):
            return format
    raise DataError(f"Format of {name} not supported. Use a name that ends in {', '.join(ALL_SUFFIXES)}.")


def _to_8bit(values: np.ndarray) -> Image.Image:
    array = (values * 255).round().astype(np.uint8)
    return Image.fromarray(array[..., 0] if array.shape[2] == 1 else array)


def _read_metadata(image: Image.Image) -> dict[str, Any]:
    """Return what Pillow writes again; a profile of CMYK colors does not fit the RGB pixels."""
    dpi = image.info.get("dpi", ())
    metadata: dict[str, Any] = {"dpi": dpi} if dpi and all(0 < dots < _MAX_DPI for dots in dpi) else {}
    if image.mode not in ("CMYK", "LAB") and image.info.get("icc_profile"):
        metadata["icc_profile"] = image.info["icc_profile"]
    if image.format == "TIFF":
        return metadata
    try:
        exif = image.getexif()
        # The pixels are upright.
        exif.pop(ORIENTATION_TAG, None)
        if len(exif):
            metadata["exif"] = exif.tobytes()
    except DECODE_ERRORS:
        pass
    return metadata
