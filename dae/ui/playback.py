"""The same test pictures after every epoch, to drag or play back."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image

from dae import plots, words
from dae.models import MODELS
from dae.pictures import to_png
from dae.runs import RunDirectory
from dae.training import PREVIEWS
from dae.ui.components import FrameRow, frame_slider

_FRAMES = 61  # at the most


def color(model: str) -> str:
    """The colour of an architecture on every page."""
    return MODELS[model].color if model in MODELS else plots.NEUTRAL


def playback(runs: Sequence[RunDirectory], progress: Mapping[str, list[dict[str, Any]]]) -> None:
    """Draw the pictures; while a run trains, the newest stand there."""
    scored = {run.name: [line for line in progress[run.name] if line.get("scores")] for run in runs}
    epochs = [line["epoch"] for line in min(scored.values(), key=len)] if scored else []
    epochs = [epoch for epoch in epochs if all(run.preview_path(epoch).is_file() for run in runs)]
    if not epochs:
        return
    shown = [epochs[place] for place in np.linspace(0, len(epochs) - 1, min(len(epochs), _FRAMES)).round().astype(int)]
    rows = []
    for which, note in (("clean", "what it should find again"), ("noisy", "what the model is given")):
        rows.append(FrameRow(which.capitalize(), runs[0].preview_path(which).read_bytes(), words=(note,)))
    for run in runs:
        psnr_db = {
            line["epoch"]: line["scores"]["psnr_db"] - line["noisy_scores"]["psnr_db"] for line in scored[run.name]
        }
        paths = tuple(str(run.preview_path(epoch)) for epoch in shown)
        lines = tuple(words.gain(psnr_db[epoch]) for epoch in shown)
        rows.append(FrameRow(run.name, _stacked(paths), color=color(run.model), words=lines))
    st.subheader("Watch it learn", anchor=False)
    frame_slider(
        rows,
        steps=[f"{epoch}" for epoch in shown],
        columns=PREVIEWS,
        value=len(shown) - 1,
        label="After epoch",
        key="playback",
        alt=f"{PREVIEWS} test pictures: clean, noisy, and denoised after each epoch",
        play=True,
    )


@st.cache_data(show_spinner=False, max_entries=64)
def _stacked(paths: tuple[str, ...]) -> bytes:
    """Picture strips of one size, stacked downwards, as one PNG."""
    strips = [Image.open(Path(path)) for path in paths]
    sheet = Image.new(strips[0].mode, (strips[0].width, strips[0].height * len(strips)))
    for place, strip in enumerate(strips):
        sheet.paste(strip, (0, place * strip.height))
    return to_png(sheet)
