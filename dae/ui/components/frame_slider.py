"""A Streamlit component: a slider over images computed in advance, `assets/frame_slider.js`."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import streamlit as st

from dae.ui.components.base import draw_component, inline_component, pack_message


@dataclass(frozen=True)
class SpriteRow:
    """One row under a frame slider: the same images at every step.

    Attributes:
        title: name of the row: "Clean", "Noisy", "Linear".
        sheet: PNG with the steps from top to bottom, each a strip of images side by side without gaps. A sheet that is
            one strip high belongs to a row that never changes.
        color: CSS color of the model, empty for none.
        words: one line per step ("7.9 dB clearer"), a single one for all steps, or none.
        numbers: `numbers[step][column]`, a text under each image; a single step for all, or none.
        below: whether the row may lie below the window if the slider has to fit it.
    """

    title: str
    sheet: bytes
    color: str = ""
    words: tuple[str, ...] = ()
    numbers: tuple[tuple[str, ...], ...] = ()
    below: bool = False


@dataclass(frozen=True)
class LiveNoise:
    """Settings for the images that the browser computes while a digit is drawn.

    Attributes:
        kind: of noise.
        unit: of the PSNR under each image, written after it.
        invented_below: PSNR in dB below which an output counts as partly invented.
    """

    kind: str
    unit: str
    invented_below: float


class _Move(NamedTuple):
    """A step and its turn: a number that grows with every move of the user."""

    step: int
    turn: int


class _SliderState(NamedTuple):
    """State of a slider between two runs of the script."""

    requested: _Move  # step that Python last requested, and the latest turn it knew then
    turn: int  # latest turn seen; 0 before the user's first move
    step: int


def frame_slider(
    rows: Sequence[SpriteRow],
    *,
    columns: int,
    key: str,
    alt: str,
    steps: Sequence[str] = ("",),
    value: int = 0,
    label: str = "",
    trained: tuple[int, int] | None = None,
    caption: str = "",
    follow: str = "",
    fold: bool = False,
    side_by_side: bool = False,
    live: LiveNoise | None = None,
) -> int:
    """Draw a slider over frames computed in advance and return its step.

    During a drag the browser draws images, words and numbers. The script runs again when the pointer is released, after
    a key press, or when playing stops. A button plays 8 steps a second, over and over.

    Args:
        rows: drawn from top to bottom, at one scale.
        columns: number of images in a row.
        key: identifies the slider on its page.
        alt: one sentence that describes the images, for a screen reader.
        steps: label of each step, "0.30". A single step has no slider.
        value: initial step. The slider follows a change of it, unless the user has moved the slider meanwhile.
        label: what the slider changes, "Noise level".
        trained: first and last step that the model was trained on, marked on the track.
        caption: a line under the images: what the numbers are, their unit.
        follow: name of what is shown, if steps are added while it is shown. The slider starts at the last one and moves
            to a new one, unless the user has moved it to an earlier step, where it stays. `value` has no effect.
        fold: make the images as large as the window has room below the position of the slider, with a line of text
            below them, so that nothing has to be scrolled into view, except rows that may lie below.
        side_by_side: draw the rows as columns, from left to right, each with its images below or beside each other.
        live: with it, the browser computes the first image of each row while a digit is drawn, if it has the models:
            see `assets/live_answer.js`.

    Raises:
        ValueError: a row does not fit the steps and columns, or an index is outside the steps.
    """
    header = _describe(rows, steps, columns)
    if not all(0 <= index < len(steps) for index in (value, *(trained or ()))):
        raise ValueError(f"value {value} or trained {trained} is outside the steps 0 to {len(steps) - 1}.")
    state_key = f"{key}:place"
    state: _SliderState | None = st.session_state.get(state_key)
    request = _desired_step(state, value, _parse_move(st.session_state.get(key)))
    header |= {"key": key, "label": label, "alt": alt, "caption": caption}
    header |= {"trained": trained, "follow": follow, "fold": fold, "side_by_side": side_by_side}
    header["live"] = live and asdict(live)
    header |= {"value": request.step, "turn": request.turn}
    data = pack_message(header, (row.sheet for row in rows))
    # Streamlit includes a state in the result only if there is a callback for it.
    result = draw_component(inline_component("frame_slider"), key=key, data=data, on_move_change=lambda: None)
    state = st.session_state[state_key] = _reconcile(state, request, _parse_move(result), last=len(steps) - 1)
    return state.step


def selected_frame(key: str, value: int, num_steps: int) -> int:
    """Return the step that a slider is about to show: what `frame_slider` with this key and value returns next."""
    state: _SliderState | None = st.session_state.get(f"{key}:place")
    move = _parse_move(st.session_state.get(key))
    return _reconcile(state, _desired_step(state, value, move), move, last=num_steps - 1).step


def _describe(rows: Sequence[SpriteRow], steps: Sequence[str], columns: int) -> dict[str, Any]:
    """Validate the rows and return their part of the header of the message to the browser."""
    if not rows or not steps or columns < 1:
        raise ValueError(
            f"Too few rows, steps or columns: {len(rows)}, {len(steps)}, {columns}. Pass at least 1 of each."
        )
    sizes = [_png_size(row) for row in rows]
    width, height = sizes[0][0] // columns, max(size[1] for size in sizes) // len(steps)
    described = []
    for row, size in zip(rows, sizes, strict=True):
        if size not in ((width * columns, height), (width * columns, height * len(steps))):
            raise ValueError(
                f"The sheet of {row.title!r} is {size[0]} x {size[1]}. {columns} images of {width} x {height} need "
                f"{width * columns} x {height * len(steps)}, or x {height} for a row that never changes."
            )
        for name, lines in (("words", row.words), ("numbers", row.numbers)):
            if len(lines) not in (0, 1, len(steps)):
                raise ValueError(f"{row.title!r} has {len(lines)} {name} for {len(steps)} steps.")
        if any(len(line) != columns for line in row.numbers):
            raise ValueError(f"The numbers of {row.title!r} are not {columns} per step.")
        entry: dict[str, Any] = {"title": row.title, "color": row.color, "words": row.words}
        entry |= {"numbers": row.numbers, "bytes": len(row.sheet), "still": size[1] == height, "below": row.below}
        described.append(entry | {"id": hashlib.blake2b(row.sheet, digest_size=12).hexdigest()})
    return {"steps": list(steps), "columns": columns, "picture": (width, height), "rows": described}


def _png_size(row: SpriteRow) -> tuple[int, int]:
    if row.sheet[:8] != b"\x89PNG\r\n\x1a\n" or len(row.sheet) < 24:
        raise ValueError(f"The sheet of {row.title!r} is not a PNG.")
    return int.from_bytes(row.sheet[16:20]), int.from_bytes(row.sheet[20:24])


def _parse_move(value: Any) -> _Move | None:
    """Return the move that the browser reports, None if there is none. A client can send any value."""
    match value:
        case {"move": {"step": int(step), "turn": int(turn)}}:
            return _Move(step, turn)
    return None


def _desired_step(state: _SliderState | None, value: int, move: _Move | None) -> _Move:
    """Return the step to request from the browser.

    The request stays the same, and the message need not be sent again, unless `value` has changed or the user has left
    the page, which makes Streamlit drop the user's move.
    """
    if state is None or move is None or value != state.requested.step:
        return _Move(value, state.turn if state else 0)
    return state.requested


def _reconcile(state: _SliderState | None, request: _Move, move: _Move | None, last: int) -> _SliderState:
    """Return the new state: at a new move of the user, else at a new request, else unchanged.

    The browser follows the same rule: it follows a new request only if Python knew the latest move.
    """
    turn = state.turn if state else 0
    if move is not None and move.turn != turn:
        return _SliderState(request, move.turn, min(max(move.step, 0), last))
    if state is None or request != state.requested:
        return _SliderState(request, turn, request.step)
    return state._replace(step=min(state.step, last))
