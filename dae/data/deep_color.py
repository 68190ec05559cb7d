"""Colors of 16 bits, which Pillow has no mode for: read in two halves, and written as PNG and TIFF.

Pillow keeps the first byte of each color value of 16 bits and drops the second. Decoded once as if the first byte were
the high one and once as if it were the low one, it gives both.
"""

import io
import sys
import zlib
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

from dae.data.image_decoding import open_image, read_layout, transpose

# Layouts of the files that are read with 16 bits: byte order big, little or that of the machine.
_LAYOUTS = tuple(f"{mode};16{order}" for mode in ("RGB", "RGBA") for order in "BLN")
_PNG_COLOR_TYPES = {3: 2, 4: 6}


def is_deep_color(image: Image.Image) -> bool:
    """Return whether an opened image has colors of 16 bits that `read_colors` reads, before the pixels are loaded."""
    return read_layout(image) in _LAYOUTS and "transparency" not in image.info


def read_colors(content: bytes, orientation: int) -> np.ndarray:
    """Return the upright colors of an image with `is_deep_color`, uint16 (H, W, C) with 3 or 4 channels.

    Raises:
        DataError: as `open_image` does.
    """
    with open_image(content) as image:
        order = read_layout(image)[-1]
    is_big = order == "B" or (order == "N" and sys.byteorder == "big")
    first, second = (_read_half(content, half, orientation) for half in "BL")
    high, low = (first, second) if is_big else (second, first)
    colors: np.ndarray = high.astype(np.uint16) << 8 | low
    return colors


def encode_png(colors: np.ndarray, metadata: dict[str, Any]) -> bytes:
    """Return a PNG file with colors of 16 bits, uint16 (H, W, C), and metadata as Pillow's PNG writer takes it."""
    height, width, channels = colors.shape
    buffer = io.BytesIO(b"\x89PNG\r\n\x1a\n")
    buffer.seek(0, io.SEEK_END)
    sides = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    PngImagePlugin.putchunk(buffer, b"IHDR", sides + bytes((16, _PNG_COLOR_TYPES[channels], 0, 0, 0)))
    if "icc_profile" in metadata:
        PngImagePlugin.putchunk(buffer, b"iCCP", b"ICC Profile\0\0" + zlib.compress(metadata["icc_profile"]))
    if "dpi" in metadata:
        per_meter = (round(float(dots) / 0.0254).to_bytes(4, "big") for dots in metadata["dpi"])
        PngImagePlugin.putchunk(buffer, b"pHYs", b"".join(per_meter) + b"\1")
    if "exif" in metadata:
        PngImagePlugin.putchunk(buffer, b"eXIf", metadata["exif"].removeprefix(b"Exif\0\0"))
    # Filter 1: each byte minus that of the pixel to the left.
    rows = np.ascontiguousarray(colors, dtype=">u2").view(np.uint8).reshape(height, -1)
    filtered = np.ones((height, 1 + rows.shape[1]), np.uint8)
    filtered[:, 1:] = rows
    filtered[:, 1 + 2 * channels :] -= rows[:, : -2 * channels]
    PngImagePlugin.putchunk(buffer, b"IDAT", zlib.compress(filtered.tobytes(), 3))
    PngImagePlugin.putchunk(buffer, b"IEND")
    return buffer.getvalue()


def encode_tiff(colors: np.ndarray, metadata: dict[str, Any]) -> bytes:
    """Return a TIFF file with colors of 16 bits, uint16 (H, W, C), and metadata as Pillow's TIFF writer takes it."""
    import tifffile

    buffer = io.BytesIO()
    resolution: Any = tuple(map(float, metadata["dpi"])) if "dpi" in metadata else None
    tifffile.imwrite(
        buffer,
        colors,
        photometric="rgb",
        extrasamples=["unassalpha"] if colors.shape[2] == 4 else None,
        compression="zlib",
        iccprofile=metadata.get("icc_profile"),
        resolution=resolution,
        resolutionunit="INCH",
        metadata=None,
    )
    return buffer.getvalue()


def _read_half(content: bytes, order: str, orientation: int) -> np.ndarray:
    """Decode one byte of each color value, uint8 (H, W, C)."""
    with open_image(content) as opened:
        image: Any = opened
        layout = read_layout(image)[:-1] + order
        image.tile = [
            tile._replace(args=(layout, *tile.args[1:]) if isinstance(tile.args, tuple) else layout)
            for tile in image.tile
        ]
        return np.asarray(transpose(image.copy(), orientation))
