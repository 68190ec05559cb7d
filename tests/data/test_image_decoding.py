"""Decoding: orientation despite damaged EXIF, bit depths, transparency and the number of scans."""

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from dae.data import decode_image
from dae.data.image_formats import MAX_SCANS
from dae.data.uploads import decode_upload
from dae.errors import DataError

RAMP = np.linspace(0, 1, 12 * 16).reshape(12, 16)
# Offset of data behind an image file directory of two entries.
AFTER_TWO_ENTRIES = struct.pack("<I", 8 + 2 + 24 + 4)
UPSIDE_RIGHT = (0x0112, 3, 1, struct.pack("<HH", 6, 0))


def exif(*entries: tuple[int, int, int, bytes], extra: bytes = b"") -> bytes:
    header = b"II*\0" + struct.pack("<IH", 8, len(entries))
    body = b"".join(struct.pack("<HHI", *entry[:3]) + entry[3] for entry in entries)
    return b"Exif\0\0" + header + body + bytes(4) + extra


ODD_EXIF = {
    "rational-by-zero": exif(UPSIDE_RIGHT, (282, 10, 1, AFTER_TWO_ENTRIES), extra=struct.pack("<ii", -(2**31), 0)),
    "text-resolution": exif(UPSIDE_RIGHT, (282, 2, 4, b"abc\0")),
    "nan-resolution": exif(UPSIDE_RIGHT, (283, 11, 1, struct.pack("<f", float("nan")))),
}
NO_EXIF = {"not-tiff": b"Exif\0\0\0\x08\0\x02\x01\x12\0\x03" + bytes(20), "empty": b"Exif\0\0", "no-header": b"x" * 9}


def photo() -> Image.Image:
    return Image.fromarray((RAMP * 255).astype(np.uint8)).convert("RGB")


def encoded(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def tiff(values: np.ndarray, **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, **options)
    return buffer.getvalue()


def gray(content: bytes) -> np.ndarray:
    image = decode_image(content)
    assert image.mode == "L"
    return np.asarray(image).astype(int)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("data", ODD_EXIF.values(), ids=ODD_EXIF)
def test_orientation_is_applied_despite_invalid_values_in_other_exif_tags(data: bytes, form: str) -> None:
    assert decode_image(encoded(photo(), form, exif=data)).size == (12, 16)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("data", NO_EXIF.values(), ids=NO_EXIF)
def test_images_with_damaged_exif_data_are_not_rotated(data: bytes, form: str) -> None:
    assert decode_image(encoded(photo(), form, exif=data)).size == (16, 12)


def test_an_error_in_the_decoder_raises_a_data_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise struct.error("unpack requires a buffer of 4 bytes")

    content = encoded(photo(), "TIFF")
    monkeypatch.setattr("PIL.TiffImagePlugin.TiffImageFile.load", fail)
    with pytest.raises(DataError, match="TIFF is damaged"):
        decode_image(content)


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_white_level_of_16_bit_files_follows_the_actual_bit_depth(bits: int, byteorder: str) -> None:
    values = (RAMP * (2**bits - 1)).round().astype(f"{byteorder}u2")
    content = tiff(values, byteorder=byteorder)
    assert np.abs(gray(content) - RAMP * 255).max() <= 1
    assert f"({bits} bits)" in decode_upload(content).note
    assert np.abs(gray(encoded(Image.fromarray(values.astype("u2")))) - RAMP * 255).max() <= 1


def test_dim_images_are_not_stretched() -> None:
    assert gray(tiff((RAMP * 100).astype("u2"))).max() == 100
    assert gray(tiff((RAMP * 100).astype("f4"))).max() == 100
    assert gray(tiff((RAMP / 2).astype("f4"))).max() == 127 or gray(tiff((RAMP / 2).astype("f4"))).max() == 128


@pytest.mark.parametrize("kind", ["u1", "u2", "f4"])
def test_tiff_images_with_white_is_zero_are_inverted(kind: str) -> None:
    white = {"u1": 255, "u2": 4_095, "f4": 1}[kind]
    values = ((1 - RAMP) * white).astype(kind)
    assert np.abs(gray(tiff(values, photometric="miniswhite")) - RAMP * 255).max() <= 1


def test_integers_of_32_bits_are_scaled_by_their_bit_depth() -> None:
    for peak in (2**32 - 1, 2**24 - 1, 4_095):
        assert np.abs(gray(tiff((RAMP * peak).astype("u4"))) - RAMP * 255).max() <= 1


@pytest.mark.parametrize(
    "content",
    [
        tiff((RAMP * 2 - 1).astype("f4")),
        tiff((RAMP * 1e6).astype("f4")),
        tiff((RAMP * 100 - 50).astype("i2")),
        tiff((RAMP * 100 - 50).astype("i1")),
        tiff(np.stack([(RAMP * 65_535).astype("u2")] * 3), photometric="rgb", planarconfig="separate"),
        tiff(np.stack([(RAMP * 4_095).astype("u2")] * 3, -1), photometric="rgb"),
        tiff(RAMP.astype("f8")),
        tiff(np.stack([RAMP.astype("f4")] * 3, -1), photometric="rgb"),
    ],
    ids=["signed-float", "huge-float", "int16", "int8", "planes", "rgb-12-bit", "float64", "float-rgb"],
)
def test_unsupported_tiff_pixel_formats_are_refused_with_a_fix(content: bytes) -> None:
    with pytest.raises(DataError, match="Save (it|the image) (as|with)") as caught:
        decode_image(content)
    assert "Use PNG, JPEG, WebP, BMP, TIFF" not in str(caught.value)


def test_rgb_with_16_bits_is_read() -> None:
    colors = np.stack([(RAMP * 65_535).astype("u2"), np.zeros((12, 16), "u2"), np.zeros((12, 16), "u2")], -1)
    image = np.asarray(decode_image(tiff(colors, photometric="rgb"))).astype(int)
    assert np.abs(image[..., 0] - RAMP * 255).max() <= 1 and not image[..., 1:].any()


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_black_ink_on_transparency_is_laid_on_white(mode: str) -> None:
    image = Image.new(mode, (20, 20))
    image.putalpha(Image.new("L", (20, 20)))
    ink = Image.new(mode, (4, 12), (0,) * (len(mode) - 1) + (255,))
    image.paste(ink, (8, 4))
    decoded = decode_upload(encoded(image))
    pixels = np.asarray(decoded.image.convert("L"))
    assert pixels[0, 0] == 255 and pixels[10, 10] == 0 and "became white" in decoded.note


@pytest.mark.parametrize("alpha", [0, 255])
def test_opaque_dark_and_invisible_images_stay_black(alpha: int) -> None:
    decoded = decode_upload(encoded(Image.new("RGBA", (4, 4), (0, 0, 0, alpha))))
    assert not np.asarray(decoded.image).any() and decoded.note == ""


def progressive(scans: int, side: int = 64) -> bytes:
    content = encoded(Image.new("L", (side, side), 128), "JPEG", progressive=True)
    last = content.rfind(b"\xff\xda")
    return content[:-2] + content[last:-2] * scans + content[-2:]


def test_jpeg_with_many_scans_is_refused_before_decoding(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert decode_image(progressive(10)).size == (64, 64)
    bomb = progressive(MAX_SCANS + 1)

    def decode(*_: object) -> None:
        raise AssertionError("decoded before its scans were counted")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decode)
    with pytest.raises(DataError, match="more than 64 scans"):
        decode_image(bomb)
