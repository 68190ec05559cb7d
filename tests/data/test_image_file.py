"""Image files are rewritten with the same format, bit depth, size, alpha and metadata."""

import io
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image, TiffImagePlugin

from dae.data.deep_color import encode_png
from dae.data.image_file import decode_file, format_of
from dae.data.image_formats import SUFFIXES
from dae.data.uploads import decode_image
from dae.errors import DataError

GENERATOR = np.random.default_rng(0)
COLORS = GENERATOR.integers(256, size=(20, 30, 3), dtype=np.uint8)


def encode(image: Image.Image, format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def rewrite(content: bytes) -> Image.Image:
    """Decode a file and write the same pixels again."""
    file = decode_file(content)
    image = Image.open(io.BytesIO(file.encode(file.pixels)))
    image.load()
    return image


@pytest.mark.parametrize("format", SUFFIXES)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_rewritten_files_keep_format_size_and_channels(format: str, mode: str) -> None:
    content = encode(Image.fromarray(COLORS).convert(mode), format)
    file, image = decode_file(content), rewrite(content)
    assert file.pixels.shape == (1, len(file.pixels[0]), 20, 30) and file.pixels.dtype == torch.float32
    assert image.format == format and image.size == (30, 20)
    if format in ("PNG", "BMP", "TIFF"):
        assert (file.pixels.shape[1] == 1) == (mode == "L") and image.mode == mode
        assert np.array_equal(image, Image.open(io.BytesIO(content)))


def test_an_mpo_file_with_several_images_is_rewritten_as_jpeg() -> None:
    image = Image.fromarray(COLORS)
    content = encode(image, "MPO", save_all=True, append_images=[image])
    assert Image.open(io.BytesIO(content)).format == "MPO"
    assert decode_file(content).format == "JPEG" and rewrite(content).format == "JPEG"


@pytest.mark.parametrize("peak", [2**31 - 1, 2**32 - 1])
def test_32_bit_integers_are_rewritten_as_16_bits_with_the_same_brightness(peak: int) -> None:
    shares = GENERATOR.random((9, 7))
    shares[0, :2] = 0, 1
    file = decode_file(tiff((shares * peak).astype(np.uint32)))
    # White is the largest value of the smallest usual depth that contains all values.
    expected = shares * peak / (2**32 - 1)
    assert np.abs(file.pixels[0, 0].numpy() - expected).max() < 1e-6
    again = decode_file(file.encode(file.pixels))
    assert np.abs(again.pixels[0, 0].numpy() * again.white / 65_535 - expected).max() < 1e-4


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_16_bit_gray_images_are_rewritten_unchanged(format: str) -> None:
    values = GENERATOR.integers(65_536, size=(9, 7), dtype=np.uint16)
    image = rewrite(encode(Image.fromarray(values), format))
    assert np.array_equal(np.asarray(image, dtype=np.uint16), values)


DEEP = GENERATOR.integers(65_536, size=(20, 30, 3), dtype=np.uint16)


def tiff(values: np.ndarray, **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        encode_png(DEEP, {}),
        tiff(DEEP, photometric="rgb", byteorder="<"),
        tiff(DEEP, photometric="rgb", byteorder=">"),
        tiff(DEEP, photometric="rgb", compression="zlib"),
        tiff(DEEP, photometric="rgb", compression="zlib", byteorder=">", rowsperstrip=3),
    ],
    ids=["png", "tiff", "big-endian", "compressed", "compressed-big-endian"],
)
def test_16_bit_color_images_keep_their_values(content: bytes) -> None:
    file = decode_file(content)
    assert np.array_equal((file.pixels[0] * 65_535).round().numpy().transpose(1, 2, 0), DEEP)
    # tifffile shares no code with our PNG writer, nor Pillow with that of TIFF.
    assert np.array_equal(tifffile.imread(io.BytesIO(file.encode(file.pixels, "TIFF"))), DEEP)
    png = file.encode(file.pixels, "PNG")
    assert torch.equal(decode_file(png).pixels, file.pixels)
    high = np.asarray(Image.open(io.BytesIO(png)))
    assert np.array_equal(high, DEEP >> 8) and Image.open(io.BytesIO(png)).info.get("dpi") is None
    assert decode_file(file.encode(file.pixels, "JPEG")).deep_mode == ""


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_16_bit_color_images_keep_alpha_and_metadata(format: str) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    metadata = {"exif": exif.tobytes(), "icc_profile": b"profile", "dpi": (300, 300)}
    alpha = GENERATOR.integers(256, size=(20, 30), dtype=np.uint16)
    file = decode_file(encode_png(np.dstack([DEEP, 257 * alpha]), metadata))
    assert file.pixels.shape == (1, 3, 30, 20)
    image = Image.open(io.BytesIO(file.encode(file.pixels, format)))
    assert image.mode == "RGBA" and np.array_equal(np.asarray(image)[..., 3], np.rot90(alpha, -1))
    assert image.info["icc_profile"] == b"profile" and image.info["dpi"] == pytest.approx((300, 300), abs=0.01)
    assert 0x0112 not in image.getexif()
    assert format == "TIFF" or image.getexif()[0x010F] == "Maker"


@pytest.mark.parametrize("size", [100, 4_000])
def test_damaged_16_bit_color_files_raise_a_data_error(size: int) -> None:
    for content in (encode_png(DEEP, {}), tiff(DEEP, photometric="rgb", compression="zlib")):
        with pytest.raises(DataError, match=r"[.]$"):
            decode_file(content[: min(size, len(content) - 400)])


@pytest.mark.parametrize("orientation", [3, 6])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_orientation_of_a_tiff_is_applied_once(orientation: int, depth: type, channels: int) -> None:
    values = (DEEP[..., :channels] >> (8 if depth == np.uint8 else 0)).astype(depth).squeeze()
    photometric = "rgb" if channels == 3 else "minisblack"
    content = tiff(values, photometric=photometric, extratags=[(0x0112, 3, 1, orientation, True)])
    pixels = decode_file(content).pixels[0].numpy().transpose(1, 2, 0).squeeze() * np.iinfo(depth).max
    assert np.array_equal(pixels.round(), np.rot90(values, -1 if orientation == 6 else 2))
    assert decode_image(content).size == pixels.shape[1::-1]


def test_12_bit_and_float_images_keep_their_scale() -> None:
    twelve = GENERATOR.integers(4_096, size=(9, 7), dtype=np.uint16)
    twelve[0, 0] = 4_095
    assert np.array_equal(np.asarray(rewrite(encode(Image.fromarray(twelve), "TIFF")), dtype=np.uint16), twelve)
    floats = GENERATOR.random((9, 7), dtype=np.float32)
    np.testing.assert_allclose(np.asarray(rewrite(encode(Image.fromarray(floats), "TIFF"))), floats, atol=1e-6)


def test_alpha_and_colors_of_transparent_pixels_are_kept() -> None:
    rgba = Image.fromarray(COLORS)
    alpha = Image.fromarray(GENERATOR.integers(256, size=(20, 30), dtype=np.uint8))
    rgba.putalpha(alpha)
    assert np.array_equal(rewrite(encode(rgba, "PNG")), rgba)
    gray = Image.merge("LA", (rgba.getchannel("R"), alpha))
    assert np.array_equal(rewrite(encode(gray, "PNG")), gray)


def test_gray_with_premultiplied_alpha_is_read_like_color_with_it() -> None:
    gray, color = io.BytesIO(), io.BytesIO()
    options: dict[str, Any] = {"extrasamples": ["assocalpha"], "planarconfig": "contig"}
    tifffile.imwrite(gray, np.full((9, 9, 2), 100, np.uint8), photometric="minisblack", **options)
    tifffile.imwrite(color, np.full((9, 9, 4), 100, np.uint8), photometric="rgb", **options)
    files = [decode_file(content.getvalue()) for content in (gray, color)]
    assert [file.pixels.shape[1] for file in files] == [1, 3]
    assert torch.equal(files[0].pixels, files[1].pixels[:, :1])
    assert files[0].alpha is not None and (files[0].alpha == 100).all()


def test_metadata_are_kept_and_the_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    content = encode(Image.fromarray(COLORS), "JPEG", exif=exif, icc_profile=b"profile", dpi=(300, 300))
    image = rewrite(content)
    assert image.size == (20, 30) and image.info["icc_profile"] == b"profile" and image.info["dpi"] == (300, 300)
    assert image.getexif()[0x010F] == "Maker" and 0x0112 not in image.getexif()


@pytest.mark.parametrize("format", ["PNG", "TIFF", "JPEG"])
@pytest.mark.parametrize("resolution", [(0, 0), (1, 0), (2**32 - 1, 1)])
def test_an_impossible_resolution_is_left_out(resolution: tuple[int, int], format: str) -> None:
    image, buffer = Image.fromarray(COLORS), io.BytesIO()
    rational = TiffImagePlugin.IFDRational(*resolution)
    image.save(buffer, "TIFF", tiffinfo={282: rational, 283: rational, 296: 2})
    with Image.open(io.BytesIO(decode_file(buffer.getvalue()).encode(torch.zeros(1, 3, 4, 4), format))) as rewritten:
        assert rewritten.size == (4, 4) and all(dots < 100 for dots in rewritten.info.get("dpi", ()))


def test_cmyk_becomes_rgb_without_its_profile() -> None:
    image = rewrite(encode(Image.fromarray(COLORS).convert("CMYK"), "JPEG", icc_profile=b"cmyk"))
    assert image.mode == "RGB" and "icc_profile" not in image.info


def test_a_one_pixel_image_and_an_animation_can_be_rewritten() -> None:
    assert rewrite(encode(Image.new("L", (1, 1), 7), "PNG")).getpixel((0, 0)) == 7
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    assert rewrite(encode(frames[0], "GIF", save_all=True, append_images=frames[1:])).size == (8, 8)


def test_format_follows_the_suffix_and_unsupported_files_are_refused() -> None:
    assert format_of("a/b.JPEG") == "JPEG" and format_of("x.tif") == "TIFF"
    with pytest.raises(DataError, match="Use a name that ends in .png"):
        format_of("x.heic")
    with pytest.raises(DataError, match="damaged"):
        decode_file(b"no image")
    file = decode_file(encode(Image.new("L", (1, 1)), "PNG"))
    with pytest.raises(DataError, match="cannot be written as WEBP"):
        file.encode(torch.zeros(1, 1, 2, 17_000), "WEBP")
