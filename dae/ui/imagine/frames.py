"""Draw the frames of a sampler under a slider, while they are computed and afterwards."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import streamlit as st
import torch
from torch import Tensor

from dae.imagination import Frame
from dae.ui import resources
from dae.ui.components.frame_slider import SpriteRow, frame_slider
from dae.ui.imagine.streams import Sampler, Stream, streams
from dae.ui.shell import page
from dae.viz.images import make_grid, to_png

# The browser computes, too, on the cores of a training if it is on the same machine.
_POLL_S, _TRAINING_POLL_S = 0.4, 1.0
# Key of the session state: the sampling that the user has stopped.
_STOPPED = "imagine_stopped"


class Summary(NamedTuple):
    """Texts about the result of a sampler: a sentence, a text under each image, and a line below."""

    sentence: str = ""
    captions: Sequence[str] = ()
    footnote: str = ""


@dataclass(frozen=True)
class Sampling:
    """A sampling and how its frames are drawn.

    Attributes:
        name: of the slider and the buttons.
        key: hashable values that determine the frames.
        create: creates the sampler.
        num_frames: in all.
        titles: of the rows of images.
        alt: one sentence that describes the images, for a screen reader.
        summarize: describes the sampler's result.
    """

    name: str
    key: tuple[object, ...]
    create: Callable[[], Sampler]
    num_frames: int
    titles: tuple[str, ...]
    alt: str
    summarize: Callable[[Any], Summary]


def to_uint8(frame: Frame) -> Tensor:
    """Return the images of a frame, clipped, as uint8 (B, C, H, W)."""
    return frame.images.clamp(0, 1).mul(255).round().byte().cpu()


def render_sampling(sampling: Sampling) -> None:
    """Draw progress, a sentence and the images, and draw them again while frames arrive."""
    is_stopped = st.session_state.get(_STOPPED) == sampling.key
    is_running = not (is_stopped or _poll(sampling, is_stopped).has_ended)
    poll_s = _TRAINING_POLL_S if resources.training_queue().jobs() else _POLL_S

    @st.fragment(run_every=poll_s if is_running else None)
    def render() -> None:
        stream = _poll(sampling, is_stopped)
        if is_running and stream.has_ended:
            st.rerun()
        summary = sampling.summarize(stream.result) if stream.is_done else Summary()
        _render_status(sampling, stream, is_stopped, summary.sentence)
        if stream.frames:
            _render_frames(sampling, stream, summary)

    with st.container(key=f"{sampling.name}_frames"):
        render()


def _poll(sampling: Sampling, is_stopped: bool) -> Stream:
    """Return the stream, which continues unless the user has stopped it."""
    if is_stopped and (stream := streams().peek(sampling.key)):
        return stream
    return streams().poll(sampling.key, sampling.create)


def _render_status(sampling: Sampling, stream: Stream, is_stopped: bool, sentence: str) -> None:
    """Draw the progress and a button to stop, or the sentence on the result, or the error.

    Args:
        sentence: "" without a result.
    """
    if stream.error:
        with page.show_errors():
            raise stream.error
        st.button("Try again", key=f"{sampling.name}_again", on_click=streams().forget, args=(sampling.key,))
        return
    done = len(stream.frames)
    # The first frame is step 0.
    step = f"{max(done - 1, 0)} of {sampling.num_frames - 1}"
    with st.container(horizontal=True, vertical_alignment="center", height=48, border=False):
        if sentence:
            st.markdown(f"#### {sentence}")
        elif is_stopped:
            st.markdown(f"Stopped: {step} steps done.")
            st.button("Continue", key=f"{sampling.name}_continue", on_click=_resume)
        else:
            text = f"Step {step}" if done < sampling.num_frames else "Reading the images …"
            text = "Waiting for another computation …" if stream.is_waiting else text
            st.progress(min(done / sampling.num_frames, 1.0), text)
            st.button("Stop", key=f"{sampling.name}_stop", on_click=_stop, args=(sampling.key,))


def _stop(key: tuple[object, ...]) -> None:
    st.session_state[_STOPPED] = key


def _resume() -> None:
    st.session_state.pop(_STOPPED, None)


def _render_frames(sampling: Sampling, stream: Stream, summary: Summary) -> None:
    steps, sheets = _sheets(stream, len(sampling.titles))
    columns = len(stream.frames[0]) // len(sampling.titles)
    rows = []
    for index, (title, sheet) in enumerate(zip(sampling.titles, sheets, strict=True)):
        captions = tuple(summary.captions[index * columns : (index + 1) * columns])
        # A text per step: it belongs to the last one.
        numbers = (*((("",) * columns,) * (steps - 1)), captions) if captions else ()
        rows.append(SpriteRow(title, sheet, numbers=numbers))
    frame_slider(
        rows,
        steps=[f"{step} of {sampling.num_frames - 1}" for step in range(steps)],
        columns=columns,
        label="Step",
        key=f"{sampling.name}_slider",
        alt=sampling.alt,
        caption=summary.footnote,
        fold=True,
        follow=str(hash(sampling.key)),
    )


def _sheets(stream: Stream, num_rows: int) -> tuple[int, tuple[bytes, ...]]:
    """Return the number of frames so far, and a PNG per row of images with the frames from top to bottom."""
    if stream.sheets[0] != len(stream.frames):
        frames = torch.stack(list(stream.frames))  # (steps, B, C, H, W)
        rows = frames.chunk(num_rows, dim=1)
        stream.sheets = len(frames), tuple(to_png(make_grid(row.flatten(0, 1), row.shape[1])) for row in rows)
    return stream.sheets
