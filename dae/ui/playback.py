"""The same test pictures after every epoch, to drag or play back."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image

from dae import plots, words
from dae.errors import RunError
from dae.models import MODELS
from dae.pictures import to_png
from dae.runs import RunDirectory
from dae.status import ACTIVE
from dae.ui.slider import FrameRow, frame_slider

_FRAMES = 61  # at the most


def color(model: str) -> str:
    """The colour of an architecture on every page."""
    return MODELS[model].color if model in MODELS else plots.NEUTRAL


def playback(runs: Sequence[RunDirectory], progress: Mapping[str, list[dict[str, Any]]]) -> None:
    """Draw the pictures, not those of runs on others than the first's; while a run trains, the newest stand there."""
    others = words.listing([run.name for run in runs if _pictures(run) != _pictures(runs[0])])
    runs = [run for run in runs if _pictures(run) == _pictures(runs[0])]
    scored = {run.name: [line for line in progress[run.name] if line.get("scores")] for run in runs}
    epochs = [line["epoch"] for line in min(scored.values(), key=len)] if scored else []
    epochs = [epoch for epoch in epochs if all(run.preview_path(epoch).is_file() for run in runs)]
    if not epochs:
        return
    if any(run.state in ACTIVE for run in runs):
        shown = epochs[-1:]  # what an update sends does not grow with the run
    else:
        places = np.linspace(0, len(epochs) - 1, min(len(epochs), _FRAMES)).round().astype(int)
        shown = [epochs[place] for place in places]
    rows = []
    for which, note in (("clean", "what it should find again"), ("noisy", "what the model is given")):
        path = runs[0].preview_path(which)
        rows.append(FrameRow(which.capitalize(), _stacked(((str(path), path.stat().st_mtime_ns),)), words=(note,)))
    for run in runs:
        psnr_db = {
            line["epoch"]: line["scores"]["psnr_db"] - line["noisy_scores"]["psnr_db"] for line in scored[run.name]
        }
        paths = [run.preview_path(epoch) for epoch in shown]
        sheet = _stacked(tuple((str(path), path.stat().st_mtime_ns) for path in paths))
        lines = tuple(words.gain(psnr_db[epoch]) for epoch in shown)
        rows.append(
            FrameRow(
                run.name,
                sheet,
                color=color(run.model),
                words=lines,
            )
        )
    with Image.open(runs[0].preview_path("clean")) as strip:
        width, height = strip.size
    columns = max(width // height, 1)  # square pictures side by side
    frame_slider(
        rows,
        steps=[f"{epoch}" for epoch in shown],
        columns=columns,
        value=len(shown) - 1,
        label="Watch it learn: after epoch",
        key="playback",
        alt=f"{columns} test pictures: clean, noisy, and denoised after each epoch",
        caption=f"Not beside them, since their pictures or noise are others: {others}." if others else "",
        play=True,
    )


def _pictures(run: RunDirectory) -> tuple[object, ...]:
    """What decides which pictures, with which noise, the run was previewed on."""
    return run.dataset, run.noise, run.seed


@st.cache_data(show_spinner=False, max_entries=64)
def _stacked(paths: tuple[tuple[str, int], ...]) -> bytes:
    """Picture strips of one size, given with the time of their last change, stacked downwards, as one PNG."""
    try:
        strips = [Image.open(Path(path)) for path, _ in paths]
        sheet = Image.new(strips[0].mode, (strips[0].width, strips[0].height * len(strips)))
        for place, strip in enumerate(strips):
            sheet.paste(strip, (0, place * strip.height))
    except (OSError, ValueError, SyntaxError) as error:
        raise RunError("The pictures of this run are damaged; its curve and its model are not.") from error
    return to_png(sheet)
