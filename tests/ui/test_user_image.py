"""Images of the user: only a PNG of the board's size is a drawing, and nothing outlives the session."""

import base64
import io
import struct
import zlib

import pytest
import torch
from PIL import Image, ImageDraw
from streamlit.errors import StreamlitAPIException

from dae.data.uploads import normalize_digit, resize_image
from dae.errors import DataError
from dae.ui import user_image
from dae.ui.user_image import decode_drawing, is_mnist_like, is_out_of_distribution
from tests.helpers import png_header, tiny_dataset

BOARD = (280, 280)


def encode(size: tuple[int, int], format: str, mode: str = "RGBA") -> bytes:
    image, file = Image.new(mode, size, "black"), io.BytesIO()
    ImageDraw.Draw(image).line((80, 100, 200, 220), "white", 22)
    image.save(file, format)
    return file.getvalue()


def data_url(content: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(content).decode()


def with_second_header(png: bytes, width: int, height: int) -> bytes:
    """Insert another IHDR chunk after the first, which decoders may believe instead."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunk = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    return png[:33] + chunk + png[33:]


def test_a_png_of_the_boards_size_is_a_drawing() -> None:
    drawing = decode_drawing(data_url(encode(BOARD, "PNG")))
    assert drawing.size == BOARD
    pixels = normalize_digit(drawing)
    assert pixels.shape == (1, 1, 28, 28) and pixels.max() > 0.8 and pixels[..., :2, :].max() == 0


@pytest.mark.parametrize(
    "content",
    [
        encode(BOARD, "JPEG", "L"),
        encode(BOARD, "GIF", "L"),
        encode(BOARD, "TIFF"),
        encode((281, 280), "PNG"),
        encode((5_000, 5_000), "PNG"),
        png_header(280, 280),
        png_header(60_000, 60_000),
        encode(BOARD, "PNG")[:200],
        with_second_header(encode(BOARD, "PNG"), 5_000, 5_000),
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"x" * 1_000_000,
    ],
    ids=lambda content: f"{content[:4]!r} {len(content)}",
)
def test_a_drawing_that_is_damaged_or_has_another_format_or_size_is_refused(
    content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[Image.Image] = []
    decode_image = user_image.decode_image

    def decode(content: bytes) -> Image.Image:
        decoded.append(decode_image(content))
        return decoded[-1]

    monkeypatch.setattr(user_image, "decode_image", decode)
    with pytest.raises(DataError, match="could not be read"):
        decode_drawing(data_url(content))
    assert not decoded


@pytest.mark.parametrize("url", [None, 3, {"ink": 1}, [], "", "http://example.org/x.png", "data:image/png;base64,é!"])
def test_a_drawing_that_is_no_data_url_is_refused(url: object) -> None:
    with pytest.raises(DataError, match="could not be read"):
        decode_drawing(url)


def test_decoded_uploads_are_cached_per_session() -> None:
    with pytest.raises(StreamlitAPIException, match="session-scoped"):
        user_image._decode_upload(encode((30, 30), "PNG"))


def test_an_image_is_resized_to_the_shape_of_the_test_images() -> None:
    image = Image.effect_mandelbrot((90, 60), (-2, -1, 1, 1), 40)
    assert resize_image(image, (1, 28, 28)).shape == (1, 1, 28, 28)
    assert resize_image(image, (3, 32, 40)).shape == (1, 3, 32, 40)


def test_a_white_image_is_out_of_distribution_and_a_test_image_is_not() -> None:
    images = tiny_dataset()
    assert is_mnist_like(images) and not is_mnist_like(tiny_dataset(shape=(3, 32, 32)))
    assert not is_out_of_distribution(images.to_float([3]), images)
    assert is_out_of_distribution(torch.ones(1, 1, 28, 28), images)
