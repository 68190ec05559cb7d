"""Pictures from outside: every odd kind is read or refused, never half-understood."""

import io
import zipfile
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from dae.errors import DataError
from dae.models import MODELS
from dae.pictures import FORMATS
from dae.uploads import (
    BYTES_LIMIT,
    SIDE_LIMIT,
    as_digit,
    fit_picture,
    looks_like_digit,
    read_picture,
    resize_picture,
)
from tests.conftest import png_header, untrained

RAMP = np.linspace(0, 255, 12 * 16).reshape(12, 16)


def encoded(picture: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def grey() -> Image.Image:
    return Image.fromarray(RAMP.astype(np.uint8))


def read(picture: Image.Image, form: str = "PNG", **options: Any) -> np.ndarray:
    result = read_picture(encoded(picture, form, **options))
    assert result.mode in ("L", "RGB")
    return np.asarray(result)


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_in_grey_and_colour(form: str) -> None:
    for mode in ("L", "RGB"):
        assert read(grey().convert(mode), form).shape[:2] == (12, 16)
    assert np.array_equal(read(grey()), RAMP.astype(np.uint8))


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_16_bits_become_8_without_clipping(form: str) -> None:
    picture = Image.fromarray((RAMP * 257).astype(np.uint16))
    assert np.abs(read(picture, form).astype(int) - RAMP).max() <= 1


def test_floats_and_32_bits() -> None:
    assert np.abs(read(Image.fromarray((RAMP / 255).astype(np.float32)), "TIFF").astype(int) - RAMP).max() <= 1
    assert np.abs(read(Image.fromarray((RAMP * 257).astype(np.int32)), "TIFF").astype(int) - RAMP).max() <= 1
    nothing = Image.fromarray(np.full((3, 3), np.nan, dtype=np.float32))
    assert (read(nothing, "TIFF") == 0).all()


def test_black_and_white() -> None:
    assert set(np.unique(read(grey().convert("1")))) == {0, 255}


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_becomes_black(mode: str) -> None:
    picture = Image.new(mode, (4, 4), (255,) * len(mode))
    picture.putalpha(Image.fromarray(np.repeat([[0, 0, 128, 255]], 4, axis=0).astype(np.uint8)))
    row = read(picture).reshape(4, 4, -1)[0, :, 0]
    assert row.tolist() == [0, 0, pytest.approx(128, abs=1), 255]


def test_a_palette_with_a_transparent_colour() -> None:
    picture = Image.fromarray(np.array([[0, 1]], dtype=np.uint8), "L").convert("P")
    picture.putpalette([255, 0, 0, 0, 255, 0])
    assert read(picture, transparency=0)[0].tolist() == [[0, 0, 0], [0, 255, 0]]
    assert read(picture)[0].tolist() == [[255, 0, 0], [0, 255, 0]]


def test_cmyk_and_other_spaces() -> None:
    red = Image.new("RGB", (8, 8), (250, 5, 5))
    assert np.abs(read(red.convert("CMYK"), "TIFF")[0, 0].astype(int) - (250, 5, 5)).max() < 10
    assert read(red.convert("YCbCr"), "JPEG").shape == (8, 8, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_stand_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert read(grey(), "PNG", exif=exif).shape == ((12, 16) if orientation < 5 else (16, 12))


def test_the_first_frame_of_an_animation() -> None:
    frames = [Image.new("L", (4, 4), value) for value in (200, 10, 90)]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=20)
    assert np.unique(np.asarray(read_picture(content).convert("L"))).tolist() == [200]


def test_the_smallest_and_the_thinnest() -> None:
    assert read(Image.new("L", (1, 1), 7)).tolist() == [[7]]
    for size in ((SIDE_LIMIT, 1), (1, SIDE_LIMIT)):
        picture = read_picture(encoded(Image.new("L", size)))
        assert fit_picture(picture, untrained("linear-32"))[0].shape == (1, 1, 28, 28)
    with pytest.raises(DataError, match="100000 x 1.*smaller"):
        read_picture(encoded(Image.new("L", (100_000, 1))))


@pytest.mark.parametrize("size", [(16_000, 16_000), (5_001, 5_000), (2**31 - 1, 2**31 - 1)])
def test_a_bomb_is_refused_by_its_header(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(*_: object) -> None:
        raise AssertionError("decoded before its size was checked")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decode)
    with pytest.raises(DataError):
        read_picture(png_header(*size))


def test_too_many_bytes() -> None:
    with pytest.raises(DataError, match="limit is 20 MB"):
        read_picture(b"\0" * (BYTES_LIMIT + 1))


def test_what_is_no_picture() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.png", encoded(grey()))
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"
    for content in (buffer.getvalue(), b"hello", b"\0" * 99, eps, encoded(grey(), "PPM"), b"<svg/>", b"%PDF-1.4"):
        with pytest.raises(DataError, match="Use PNG, JPEG"):
            read_picture(content)
    with pytest.raises(DataError, match="empty"):
        read_picture(b"")


@pytest.mark.parametrize("form", FORMATS)
def test_truncated_anywhere_it_is_read_or_refused(form: str) -> None:
    content = encoded(grey().convert("RGB"), form)
    for cut in range(1, len(content), max(1, len(content) // 60)):
        try:
            read_picture(content[:cut])
        except DataError:
            pass
    with pytest.raises(DataError):
        read_picture(content[:20])


@settings(max_examples=150, deadline=None)
@given(form=st.sampled_from(FORMATS), places=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=8))
def test_changed_bytes_are_read_or_refused(form: str, places: list[tuple[float, int]]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    content = bytearray(encoded(grey().convert("RGB"), form, **({} if form in ("BMP", "GIF") else {"exif": exif})))
    for place, value in places:
        content[int(place * len(content))] = value
    try:
        assert read_picture(bytes(content)).mode in ("L", "RGB")
    except DataError:
        pass


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("channels", [1, 3])
def test_any_picture_fits_any_model(name: str, channels: int) -> None:
    checkpoint = untrained(name, (channels, 28, 28))
    for picture in (grey(), grey().convert("RGB"), Image.new("RGB", (28, 28)), Image.new("L", (1, 90))):
        noisy, resized = fit_picture(picture, checkpoint)
        size = (picture.height, picture.width) if MODELS[name].any_size else (28, 28)
        assert noisy.shape == (1, channels, *size) and noisy.dtype == torch.float32
        assert resized == ((picture.height, picture.width) != size)
        assert noisy.min() >= 0 and noisy.max() <= 1 and checkpoint.model(noisy).shape == noisy.shape


def test_a_picture_that_fits_keeps_every_pixel() -> None:
    noisy, resized = fit_picture(grey(), untrained("unet"))
    assert not resized and torch.equal(noisy[0, 0] * 255, torch.from_numpy(RAMP.astype(np.uint8)).float())
    padded, resized = fit_picture(Image.new("L", (20, 10), 255), untrained("linear-32"))
    assert resized and (padded[0, 0, :6] == 0).all() and (padded[0, 0, 8:20] == 1).all()


@pytest.mark.parametrize("paper, ink", [(0, 255), (255, 0), (200, 60)])
@pytest.mark.parametrize("size", [(280, 280), (90, 400), (14, 9)])
def test_a_handwritten_digit_is_brought_to_the_place_and_size_of_mnist(
    size: tuple[int, int], paper: int, ink: int
) -> None:
    picture = Image.new("L", size, paper)
    width, height = size
    picture.paste(ink, (width // 4, height // 4, width // 2, height // 4 * 3))  # a bar, away from the centre
    digit = as_digit(picture)[0, 0]
    rows, columns = (digit > 0.5).nonzero().T
    assert digit.shape == (28, 28) and float(digit.max()) > 0.9
    assert 19 <= max(int(rows.max() - rows.min()), int(columns.max() - columns.min())) + 1 <= 20
    places = torch.arange(28.0)
    for axis in (0, 1):
        assert abs(float((digit.sum(1 - axis) * places).sum() / digit.sum()) - 14) <= 1


@pytest.mark.parametrize(
    "picture", [Image.new("L", (30, 20), 255), Image.new("RGB", (1, 1)), Image.new("L", (9, 9), 7)]
)
def test_an_empty_page_is_no_digit(picture: Image.Image) -> None:
    assert not as_digit(picture).any()


def test_a_resized_picture_keeps_its_proportions_and_is_padded_in_black() -> None:
    small = resize_picture(Image.new("RGB", (200, 100), (255, 0, 0)), (3, 32, 32))[0]
    assert small.shape == (3, 32, 32)
    assert small[0, 8:24].min() > 0.99 and not small[:, :8].any() and not small[:, 24:].any()


def test_a_guess_whether_a_picture_is_a_digit() -> None:
    digit = Image.new("L", (90, 120), 230)
    digit.paste(20, (40, 30, 50, 90))
    assert looks_like_digit(digit) and looks_like_digit(ImageOps.invert(digit))
    gradient = Image.linear_gradient("L")
    assert not looks_like_digit(gradient) and not looks_like_digit(Image.new("L", (9, 9), 90))
