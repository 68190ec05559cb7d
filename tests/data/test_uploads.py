"""Images from users: every format and mode is decoded correctly or refused."""

import io
import zipfile
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from dae.data import decode_image
from dae.data.image_formats import FORMATS
from dae.data.uploads import (
    BYTES_LIMIT,
    SIDE_LIMIT,
    fit_image,
    looks_like_digit,
    normalize_digit,
    resize_image,
)
from dae.errors import DataError
from dae.models import MODELS
from tests.helpers import png_header, untrained_checkpoint

RAMP = np.linspace(0, 255, 12 * 16).reshape(12, 16)


def encoded(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def gray_ramp() -> Image.Image:
    return Image.fromarray(RAMP.astype(np.uint8))


def read(image: Image.Image, form: str = "PNG", **options: Any) -> np.ndarray:
    result = decode_image(encoded(image, form, **options))
    assert result.mode in ("L", "RGB")
    return np.asarray(result)


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_decoded_in_grayscale_and_color(form: str) -> None:
    for mode in ("L", "RGB"):
        assert read(gray_ramp().convert(mode), form).shape[:2] == (12, 16)
    assert np.array_equal(read(gray_ramp()), RAMP.astype(np.uint8))


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_16_bit_images_are_scaled_instead_of_clipped(form: str) -> None:
    image = Image.fromarray((RAMP * 257).astype(np.uint16))
    assert np.abs(read(image, form).astype(int) - RAMP).max() <= 1


def test_float_and_32_bit_images_are_scaled() -> None:
    assert np.abs(read(Image.fromarray((RAMP / 255).astype(np.float32)), "TIFF").astype(int) - RAMP).max() <= 1
    assert np.abs(read(Image.fromarray((RAMP * 257).astype(np.int32)), "TIFF").astype(int) - RAMP).max() <= 1
    not_a_number = Image.fromarray(np.full((3, 3), np.nan, dtype=np.float32))
    assert (read(not_a_number, "TIFF") == 0).all()


def test_bilevel_images_become_black_and_white() -> None:
    assert set(np.unique(read(gray_ramp().convert("1")))) == {0, 255}


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_pixels_of_bright_images_become_black(mode: str) -> None:
    image = Image.new(mode, (4, 4), (255,) * len(mode))
    image.putalpha(Image.fromarray(np.repeat([[0, 0, 128, 255]], 4, axis=0).astype(np.uint8)))
    row = read(image).reshape(4, 4, -1)[0, :, 0]
    assert row.tolist() == [0, 0, pytest.approx(128, abs=1), 255]


def test_transparent_color_of_a_palette_becomes_black() -> None:
    image = Image.fromarray(np.array([[0, 1]], dtype=np.uint8), "L").convert("P")
    image.putpalette([255, 0, 0, 0, 255, 0])
    assert read(image, transparency=0)[0].tolist() == [[0, 0, 0], [0, 255, 0]]
    assert read(image)[0].tolist() == [[255, 0, 0], [0, 255, 0]]


def test_cmyk_and_ycbcr_are_converted_to_rgb() -> None:
    red = Image.new("RGB", (8, 8), (250, 5, 5))
    assert np.abs(read(red.convert("CMYK"), "TIFF")[0, 0].astype(int) - (250, 5, 5)).max() < 10
    assert read(red.convert("YCbCr"), "JPEG").shape == (8, 8, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert read(gray_ramp(), "PNG", exif=exif).shape == ((12, 16) if orientation < 5 else (16, 12))


def test_first_frame_of_an_animation_is_decoded() -> None:
    frames = [Image.new("L", (4, 4), value) for value in (200, 10, 90)]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=20)
    assert np.unique(np.asarray(decode_image(content).convert("L"))).tolist() == [200]


def test_images_one_pixel_wide_or_high_are_decoded_up_to_the_side_limit() -> None:
    assert read(Image.new("L", (1, 1), 7)).tolist() == [[7]]
    for size in ((SIDE_LIMIT, 1), (1, SIDE_LIMIT)):
        image = decode_image(encoded(Image.new("L", size)))
        assert fit_image(image, untrained_checkpoint("linear-32"))[0].shape == (1, 1, 28, 28)
    with pytest.raises(DataError, match="100000 x 1 pixels.*smaller"):
        decode_image(encoded(Image.new("L", (100_000, 1))))


@pytest.mark.parametrize("size", [(16_000, 16_000), (5_001, 5_000), (2**31 - 1, 2**31 - 1)])
def test_decompression_bomb_is_refused_before_decoding(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(*_: object) -> None:
        raise AssertionError("decoded before its size was checked")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decode)
    with pytest.raises(DataError, match="pixels.*smaller"):
        decode_image(png_header(*size))


def test_too_large_files_are_refused() -> None:
    with pytest.raises(DataError, match="limit of 20 MB"):
        decode_image(b"\0" * (BYTES_LIMIT + 1))


def test_other_files_are_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.png", encoded(gray_ramp()))
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"
    for content in (buffer.getvalue(), b"hello", b"\0" * 99, eps, encoded(gray_ramp(), "PPM"), b"<svg/>", b"%PDF-1.4"):
        with pytest.raises(DataError, match="Use PNG, JPEG"):
            decode_image(content)
    with pytest.raises(DataError, match="empty"):
        decode_image(b"")


@pytest.mark.parametrize("form", FORMATS)
def test_truncated_files_are_decoded_or_refused(form: str) -> None:
    content = encoded(gray_ramp().convert("RGB"), form)
    for cut in range(1, len(content), max(1, len(content) // 60)):
        try:
            decode_image(content[:cut])
        except DataError:
            pass
    with pytest.raises(DataError):
        decode_image(content[:20])


@settings(max_examples=150, deadline=None)
@given(form=st.sampled_from(FORMATS), changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=8))
def test_corrupted_files_are_decoded_or_refused(form: str, changes: list[tuple[float, int]]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    content = bytearray(encoded(gray_ramp().convert("RGB"), form, **({} if form in ("BMP", "GIF") else {"exif": exif})))
    for position, value in changes:
        content[int(position * len(content))] = value
    try:
        assert decode_image(bytes(content)).mode in ("L", "RGB")
    except DataError:
        pass


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("channels", [1, 3])
def test_fit_image_converts_every_image_for_every_model(name: str, channels: int) -> None:
    checkpoint = untrained_checkpoint(name, (channels, 28, 28))
    for image in (gray_ramp(), gray_ramp().convert("RGB"), Image.new("RGB", (28, 28)), Image.new("L", (1, 90))):
        noisy, resized = fit_image(image, checkpoint)
        size = (image.height, image.width) if MODELS[name].any_size else (28, 28)
        assert noisy.shape == (1, channels, *size) and noisy.dtype == torch.float32
        assert resized == ((image.height, image.width) != size)
        assert noisy.min() >= 0 and noisy.max() <= 1 and checkpoint.model(noisy).shape == noisy.shape


def test_fit_image_keeps_every_pixel_if_the_size_fits() -> None:
    noisy, resized = fit_image(gray_ramp(), untrained_checkpoint("unet"))
    assert not resized and torch.equal(noisy[0, 0] * 255, torch.from_numpy(RAMP.astype(np.uint8)).float())
    padded, resized = fit_image(Image.new("L", (20, 10), 255), untrained_checkpoint("linear-32"))
    assert resized and (padded[0, 0, :6] == 0).all() and (padded[0, 0, 8:20] == 1).all()


@pytest.mark.parametrize("paper, ink", [(0, 255), (255, 0), (200, 60)])
@pytest.mark.parametrize("size", [(280, 280), (90, 400), (14, 9)])
def test_normalize_digit_matches_size_and_position_of_mnist(size: tuple[int, int], paper: int, ink: int) -> None:
    image = Image.new("L", size, paper)
    width, height = size
    # A bar away from the center.
    image.paste(ink, (width // 4, height // 4, width // 2, height // 4 * 3))
    digit = normalize_digit(image)[0, 0]
    rows, columns = (digit > 0.5).nonzero().T
    assert digit.shape == (28, 28) and float(digit.max()) > 0.9
    assert 19 <= max(int(rows.max() - rows.min()), int(columns.max() - columns.min())) + 1 <= 20
    index = torch.arange(28.0)
    for axis in (0, 1):
        assert abs(float((digit.sum(1 - axis) * index).sum() / digit.sum()) - 14) <= 1


@pytest.mark.parametrize("image", [Image.new("L", (30, 20), 255), Image.new("RGB", (1, 1)), Image.new("L", (9, 9), 7)])
def test_normalize_digit_of_an_empty_image_is_black(image: Image.Image) -> None:
    assert not normalize_digit(image).any()


def test_resize_image_keeps_proportions_and_pads_with_black() -> None:
    small = resize_image(Image.new("RGB", (200, 100), (255, 0, 0)), (3, 32, 32))[0]
    assert small.shape == (3, 32, 32)
    assert small[0, 8:24].min() > 0.99 and not small[:, :8].any() and not small[:, 24:].any()


def test_looks_like_digit_accepts_strokes_and_rejects_gradients_and_flat_images() -> None:
    digit = Image.new("L", (90, 120), 230)
    digit.paste(20, (40, 30, 50, 90))
    assert looks_like_digit(digit) and looks_like_digit(ImageOps.invert(digit))
    gradient = Image.linear_gradient("L")
    assert not looks_like_digit(gradient) and not looks_like_digit(Image.new("L", (9, 9), 90))
