"""One picture enlarged: noisy against denoised with a divider to drag, the clean one, and where the model is wrong."""

import io
from collections.abc import Mapping, Sequence

import streamlit as st
from PIL import Image

from dae import words
from dae.frames import Sheet, clean_sheet
from dae.pictures import ERROR_TOP, error_map
from dae.ui.divider import divider
from dae.ui.gallery import Batch
from dae.ui.shared import Choice

_SIDE = 420  # of an enlarged picture, in CSS pixels


def closer(batch: Batch, runs: Sequence[Choice], sheets: Mapping[str, Sheet], step: int) -> None:
    """Draw the part, folded until it is wanted."""
    if not runs:
        return
    folder = st.expander("Look closer at one picture", icon=":material/zoom_in:", key="closer", on_change="rerun")
    if not folder.open:
        return
    with folder:
        with st.container(horizontal=True):
            labels = {run.label: run for run in runs}
            chosen = st.segmented_control("Model", list(labels), default=runs[0].label, required=True, key="closer_run")
            run = labels.get(str(chosen), runs[0])
            numbers = list(range(1, len(batch.places) + 1))
            number = st.segmented_control("Picture", numbers, default=1, required=True, key="closer_picture")
        place = (number or 1) - 1
        clean = _cut(clean_sheet(batch.clean()), batch, 0, place)
        noisy, denoised = (_cut(sheets[name].png, batch, step, place) for name in ("noisy", run.name))
        left, middle, right = st.columns(3)
        before, after = (sheets[name].psnr_db[step][place] for name in ("noisy", run.name))
        with left:
            divider(
                noisy,
                denoised,
                words.with_decibels("noisy", before),
                words.with_decibels(run.label, after),
                width=_SIDE,
                key="divider",
            )
        with middle:
            st.image(_enlarged(clean), caption="The clean picture.", width="stretch")
        with right:
            caption = f"Where {run.label} is wrong: black not at all, bright by {ERROR_TOP:g} of white or more."
            st.image(_enlarged(error_map(denoised, clean)), caption=caption, width="stretch")


def _cut(sheet: bytes, batch: Batch, step: int, place: int) -> Image.Image:
    """One picture of a sheet."""
    _, height, width = batch.images().shape
    with Image.open(io.BytesIO(sheet)) as whole:
        return whole.crop((place * width, step * height, (place + 1) * width, (step + 1) * height))


def _enlarged(picture: Image.Image) -> Image.Image:
    scale = max(_SIDE // max(picture.size), 1) * 2  # twice the pixels of the page: sharp on a fine screen too
    return picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)
