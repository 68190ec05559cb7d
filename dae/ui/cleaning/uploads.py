"""Image files of the user: uploaded, or a sample photograph of scikit-image."""

from dataclasses import dataclass

import numpy as np
import streamlit as st
import torch
from PIL import Image

from dae.data.uploads import BYTES_LIMIT
from dae.noise import NoiseSpec, corrupt
from dae.utils.random import make_generator
from dae.viz.images import make_grid, to_png

SAMPLES = {
    "astronaut": "Astronaut",
    "chelsea": "Cat",
    "coffee": "Coffee",
    "camera": "Cameraman (gray)",
    "page": "Page (gray)",
}
_SAMPLE_NOISE = NoiseSpec("gaussian", 0.1)
_TYPES = ["png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff", "gif"]


@dataclass(frozen=True, eq=False)
class Upload:
    """An image file.

    Attributes:
        content: its bytes.
    """

    name: str
    content: bytes


def select_uploads(noisy_samples: bool) -> tuple[list[Upload], int]:
    """Draw the file uploader, sample photographs and the choice of a file.

    Args:
        noisy_samples: whether the samples are noisy.

    Returns:
        All files, and the index of the chosen one; no file before the first choice. Of a sample and uploaded files,
        the choice that was made last counts.
    """
    with st.container(horizontal=True, vertical_alignment="top"):
        files = st.file_uploader(
            "Your images",
            key="upload",
            type=_TYPES,
            accept_multiple_files=True,
            max_upload_size=BYTES_LIMIT >> 20,
            help="Kept in memory only, never saved. Not part of shared links.",
            on_change=_deselect_sample,
            width=360,
        )
        sample = st.pills(
            "Or a sample photograph",
            list(SAMPLES),
            format_func=lambda name: SAMPLES[name],
            key="sample",
            bind="query-params",
            help="Comes with scikit-image" + (", with noise added." if noisy_samples else "."),
        )
    if sample:
        return [Upload(f"{sample}.png", sample_file(sample, noisy_samples))], 0
    uploads = [Upload(file.name, file.getvalue()) for file in files]
    if len(uploads) < 2:
        return uploads, 0
    # The newest file comes first.
    order = list(range(len(uploads)))[::-1]
    index = st.selectbox(
        "Image", order, format_func=lambda number: uploads[number].name, key=f"upload_index:{len(uploads)}", width=480
    )
    return uploads, index if index in order else order[0]


def _deselect_sample() -> None:
    """Deselect the sample photograph when a file was uploaded, but not when the last one was removed."""
    if st.session_state["upload"]:
        st.session_state["sample"] = None


@st.cache_data(show_spinner=False, max_entries=2 * len(SAMPLES))
def sample_file(name: str, noisy: bool) -> bytes:
    """Return a sample photograph as a PNG file, a key of SAMPLES, with clipped Gaussian noise if `noisy`."""
    import skimage.data

    pixels = np.asarray(getattr(skimage.data, name)())
    if not noisy:
        return to_png(Image.fromarray(pixels))
    images = torch.from_numpy(pixels.reshape(*pixels.shape[:2], -1).transpose(2, 0, 1).copy())[None].float() / 255
    return to_png(make_grid(corrupt(images, _SAMPLE_NOISE, make_generator(0)), 1))
