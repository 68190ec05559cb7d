"""A picture of the user's own: uploaded, or drawn with the pointer."""

import base64

import streamlit as st
from PIL import Image
from torch import Tensor

from dae.errors import DataError
from dae.models import Shape
from dae.packed import ImageSet
from dae.ui.modules import inline_component
from dae.uploads import BYTES_LIMIT, as_digit, read_picture, resize_picture

_DIGIT: Shape = (1, 28, 28)
_DATA_URL = "data:image/png;base64,"
_KNOWN = 1_000  # test images that a picture is held against


def uploaded() -> Image.Image | None:
    """Let the user upload a picture; None before that. Raises DataError."""
    file = st.file_uploader(
        "Your picture",
        key="upload",
        type=["png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff", "gif"],
        max_upload_size=BYTES_LIMIT >> 20,
        help="It is kept in the memory of this server for a while, and never written to a disk.",
    )
    return _read(file.getvalue()) if file else None


def drawn() -> Image.Image | None:
    """Let the user draw a digit; None before the first stroke. Raises DataError."""
    ink = inline_component("sketch")(
        key="sketch",
        data={"label": "A board to draw a digit on", "clear": "Wipe the board"},
        on_ink_change=lambda: None,
    ).ink
    if not isinstance(ink, str) or not ink.startswith(_DATA_URL):
        return None
    try:
        return _read(base64.b64decode(ink.removeprefix(_DATA_URL), validate=True))
    except ValueError as error:
        raise DataError("The drawing did not arrive whole. Draw once more.") from error


def fitted(picture: Image.Image, images: ImageSet) -> Tensor:
    """The picture in the shape of these images, float32 (1, C, H, W); says what was done to it.

    Grey pictures of 28 x 28 are digits here, unless the user wants the picture just made smaller.
    """
    channels, height, width = images.shape
    digit = images.shape == _DIGIT and st.toggle(
        "It is a handwritten digit",
        True,
        key="is_digit",
        help="Then it is brought to the size, the place and the light on black that the models know.",
    )
    small = as_digit(picture) if digit else resize_picture(picture, images.shape)
    kind = "in grey " if channels == 1 and picture.mode != "L" else ""
    st.caption(f"{picture.width} x {picture.height}, shown to the models {kind}at {width} x {height}.")
    if not digit and _is_unlike(small, images):
        st.warning("This picture is unlike those that the models were trained on: do not expect much of them.")
    return small


def _is_unlike(picture: Tensor, images: ImageSet) -> bool:
    """Whether brightness or contrast is outside what these images have."""
    known, own = images.head(_KNOWN).clean().flatten(1), picture.flatten(1)
    pairs = ((known.mean(1), own.mean()), (known.std(1), own.std()))
    return not all(theirs.min() <= ours <= theirs.max() for theirs, ours in pairs)


@st.cache_data(show_spinner=False, max_entries=8)
def _read(content: bytes) -> Image.Image:
    return read_picture(content)
