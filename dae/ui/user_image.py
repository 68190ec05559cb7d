"""An image of the user: uploaded or drawn, and its copy in the shape of the test images."""

import base64
import io
from collections.abc import Sequence

import streamlit as st
from PIL import Image
from PIL.PngImagePlugin import PngImageFile
from torch import Tensor

from dae.data import ImageSet, decode_image
from dae.data.image_formats import DECODE_ERRORS
from dae.data.uploads import looks_like_digit, normalize_digit, resize_image
from dae.errors import DataError
from dae.ui.cleaning.uploads import Upload, select_uploads
from dae.ui.components.base import draw_component, inline_component
from dae.ui.model_options import DIGIT_SHAPE
from dae.ui.shell import page

_PNG_URL = "data:image/png;base64,"
# SIZE in assets/sketch.js.
_BOARD_SIZE = 280
# Characters; twice the bytes of the board's RGBA pixels, as base64 adds a third.
_BOARD_URL_LIMIT = 8 * _BOARD_SIZE**2
# First test images that define the range of brightness and contrast of a data set.
_NUM_REFERENCE_IMAGES = 1_000


def select_user_image(images: ImageSet, draw: bool) -> Tensor | None:
    """Draw the board or the uploader; return the image in the shape of test images, or None, after a hint, without one.

    Args:
        images: test images.
        draw: whether the image is drawn, else uploaded.
    """
    image = draw_board(live=False) if draw else decode_selected(*select_uploads(noisy_samples=False))
    if image is None:
        return None
    return prepare_image(image, images, draw or (is_mnist_like(images) and select_is_digit(image)), draw)


def decode_selected(uploads: Sequence[Upload], index: int) -> Image.Image | None:
    """Decode the selected file of `select_uploads`; draw a hint without one, or the error, and return None."""
    if uploads:
        with page.show_errors():
            return _decode_upload(uploads[index].content)
        return None
    st.info("Upload an image, or choose a sample photograph.")
    return None


@st.cache_resource(show_spinner=False, max_entries=1, scope="session")
def _decode_upload(content: bytes) -> Image.Image:
    return decode_image(content)


def draw_board(live: bool) -> Image.Image | None:
    """Draw a board for a digit; return the drawing. Before the first stroke, draw a hint and return None.

    Args:
        live: whether the board also reports a stroke before its end, as often as the page can be drawn. An empty board
            is then a black image.
    """
    ink = draw_component(
        inline_component("sketch"),
        key="sketch",
        data={"label": "A board to draw a digit on", "clear": "Clear", "live": live},
        on_ink_change=lambda: None,
    ).ink
    if ink:
        with page.show_errors():
            return decode_drawing(ink)
    else:
        st.info("Draw a digit with your mouse or finger.")
    return Image.new("L", (_BOARD_SIZE, _BOARD_SIZE)) if live else None


def decode_drawing(url: object) -> Image.Image:
    """Decode the data URL that the board sends, a PNG of the board's size.

    Raises:
        DataError: it is anything else; a client can send any value.
    """
    if isinstance(url, str) and url.startswith(_PNG_URL) and len(url) < _BOARD_URL_LIMIT:
        try:
            content = base64.b64decode(url.removeprefix(_PNG_URL), validate=True)
            # Opening reads the header alone, and only as a PNG: pixels of another size are never decoded.
            with PngImageFile(io.BytesIO(content)) as header:
                if header.size == (_BOARD_SIZE, _BOARD_SIZE):
                    return decode_image(content)
        except (DataError, *DECODE_ERRORS):
            pass
    raise DataError("The drawing could not be read. Please draw it again.")


def is_mnist_like(images: ImageSet) -> bool:
    """Return whether images have the shape of MNIST, so that a digit can be normalized to match them."""
    return images.shape == DIGIT_SHAPE


def select_is_digit(image: Image.Image) -> bool:
    """Draw the question whether an image is a handwritten digit, answered by a guess; return the answer."""
    guess = looks_like_digit(image)
    return st.toggle(
        "This is a handwritten digit",
        guess,
        key=f"is_digit:{guess}",
        help="Crops and centers it, white on black, to match the training data.",
    )


def prepare_image(image: Image.Image, images: ImageSet, is_digit: bool, is_drawn: bool) -> Tensor:
    """Return a copy of an image in the shape of test images, and draw how it was made and whether it is unlike them.

    Args:
        images: test images.
        is_digit: whether to normalize it like the digits of MNIST, if the test images have their shape.

    Returns:
        float32 (1, C, H, W) in [0, 1].
    """
    is_digit = is_digit and is_mnist_like(images)
    pixels = normalize_digit(image) if is_digit else resize_image(image, images.shape)
    channels, height, width = images.shape
    if not is_drawn:
        color = " gray" if channels == 1 and image.mode != "L" else ""
        st.caption(f"{image.width} × {image.height}, resized to {width} × {height}{color}.")
    if not is_digit and is_out_of_distribution(pixels, images):
        st.warning("This image differs from the training data; results may be poor.")
    return pixels


def is_out_of_distribution(pixels: Tensor, images: ImageSet) -> bool:
    """Return whether the mean or standard deviation of an image is outside the range of the first test images.

    Args:
        pixels: of the image, (1, C, H, W) in [0, 1].
        images: test images.
    """
    reference, image = images.take(_NUM_REFERENCE_IMAGES).to_float().flatten(1), pixels.flatten(1)
    pairs = ((reference.mean(1), image.mean()), (reference.std(1), image.std()))
    return not all(values.min() <= value <= values.max() for values, value in pairs)
