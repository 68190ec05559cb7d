"""A picture of the user's own: uploaded, or drawn with the pointer."""

import base64

import streamlit as st
from PIL import Image
from torch import Tensor

from dae.models import Shape
from dae.packed import ImageSet
from dae.ui import page
from dae.ui.modules import inline_component
from dae.uploads import BYTES_LIMIT, as_digit, looks_like_digit, read_picture, resize_picture

_DIGIT: Shape = (1, 28, 28)
_DATA_URL = "data:image/png;base64,"
_KNOWN = 1_000  # test images that a picture is held against


def uploaded() -> Image.Image | None:
    """Let the user upload a picture; None before that, and where the file is none that can be used: it says why."""
    file = st.file_uploader(
        "Your picture",
        key="upload",
        type=["png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff", "gif"],
        max_upload_size=BYTES_LIMIT >> 20,
        help="This server keeps it in memory for a while and writes it to no disk. A link does not carry it.",
    )
    return _told(file.getvalue()) if file else None


def drawn() -> Image.Image | None:
    """Let the user draw a digit; None before the first stroke."""
    ink = inline_component("sketch")(
        key="sketch",
        data={"label": "A board to draw a digit on", "clear": "Wipe the board"},
        on_ink_change=lambda: None,
    ).ink
    if not isinstance(ink, str) or not ink.startswith(_DATA_URL):
        return None
    try:
        return _told(base64.b64decode(ink.removeprefix(_DATA_URL), validate=True))
    except ValueError:
        st.error("The drawing did not arrive whole. Draw once more.", icon=":material/error:")
        return None


def takes_digits(images: ImageSet) -> bool:
    """Whether these images are such that a digit can be made like them."""
    return images.shape == _DIGIT


def is_digit(picture: Image.Image, images: ImageSet) -> bool:
    """Let the user say whether a picture is a handwritten digit, where the images are such."""
    likely = looks_like_digit(picture)
    return takes_digits(images) and st.toggle(
        "It is a handwritten digit",
        likely,
        key=f"is_digit:{likely}",
        help="Then it is brought to the size, the place and the light on black that the models know.",
    )


def fitted(picture: Image.Image, images: ImageSet, digit: bool) -> Tensor:
    """The picture in the shape of these images, float32 (1, C, H, W); says what was done to it."""
    channels, height, width = images.shape
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


def _told(content: bytes) -> Image.Image | None:
    """The picture; None where it cannot be used, and then a sentence beside the control."""
    with page.told():
        return _read(content)
    return None


@st.cache_data(show_spinner=False, max_entries=8)
def _read(content: bytes) -> Image.Image:
    return read_picture(content)
