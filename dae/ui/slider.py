"""A Streamlit component: a slider over pictures computed ahead, `assets/frame_slider.js`."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import streamlit as st

from dae.ui.modules import inline_component


@dataclass(frozen=True)
class FrameRow:
    """One row of pictures under a frame slider: the same images at every step.

    Args:
        title: names the row: "Clean", "Noisy", "Linear 784-128-32".
        sheet: a PNG; steps stacked downwards, each one strip of `columns` pictures side by side without
            gaps. A sheet one strip high belongs to a row that never changes.
        color: a CSS colour, the one that marks the model everywhere; empty for none.
        words: one line a step ("+7.9 dB, much clearer"), a single line for all steps, or nothing.
        numbers: `numbers[step][column]`, written under each picture; a single step for all, or nothing.
    """

    title: str
    sheet: bytes
    color: str = ""
    words: tuple[str, ...] = ()
    numbers: tuple[tuple[str, ...], ...] = ()


class _Move(NamedTuple):
    """A step, and the turn it belongs to: every move of the user has its own, a growing number."""

    step: int
    turn: int


class _Place(NamedTuple):
    """Where a slider stands, kept from one run of the script to the next."""

    asked: _Move  # what Python last asked for, and the latest turn it knew when asking
    turn: int  # the latest turn seen; 0 before the user's first move
    step: int


def frame_slider(
    rows: Sequence[FrameRow],
    *,
    steps: Sequence[str],
    columns: int,
    value: int,
    label: str,
    key: str,
    alt: str,
    trained: tuple[int, int] | None = None,
    caption: str = "",
    play: bool = False,
) -> int:
    """Draw a slider over frames computed ahead and return the step it stands on.

    While the pointer drags, pictures, words and numbers follow in the browser; the script runs again
    when the pointer is let go, after a key press, or when playing stops.

    Args:
        rows: what is shown, from top to bottom, at one scale.
        steps: the label of each step, "0.30".
        columns: pictures in a row.
        value: the step to start on. When it differs from the run before, the slider follows it; a move
            that the user made meanwhile wins.
        label: what the slider changes, "Noise strength".
        key: names the slider on its page; its state lives as long as the page shows it.
        alt: one sentence that tells what the pictures show, for a screen reader.
        trained: first and last step the model was trained on, marked on the track.
        caption: a quiet line under the pictures: what the numbers are, their unit.
        play: whether there is a button that runs through the steps, 8 a second.

    Raises:
        ValueError: a row does not fit the steps and columns, or an index is outside the steps.
    """
    header = _describe(rows, steps, columns)
    if not all(0 <= index < len(steps) for index in (value, *(trained or ()))):
        raise ValueError(f"value {value} or trained {trained} is outside the steps 0 to {len(steps) - 1}.")
    memory = f"{key}:place"
    place: _Place | None = st.session_state.get(memory)
    asked = _ask(place, value, _move(st.session_state.get(key)))
    header |= {"key": key, "label": label, "alt": alt, "caption": caption}
    header |= {"trained": trained, "play": play, "value": asked.step, "turn": asked.turn}
    # Streamlit lists a state in the result only where a callback is given.
    result = inline_component("frame_slider")(key=key, data=_pack(header, rows), on_move_change=lambda: None)
    place = st.session_state[memory] = _settle(place, asked, _move(result), last=len(steps) - 1)
    return place.step


def _describe(rows: Sequence[FrameRow], steps: Sequence[str], columns: int) -> dict[str, Any]:
    """Check that the rows fit and return their part of the header of the message to the browser."""
    if not rows or not steps or columns < 1:
        raise ValueError(f"Rows, steps and columns are needed; got {len(rows)}, {len(steps)}, {columns}.")
    sizes = [_png_size(row) for row in rows]
    wide, tall = sizes[0][0] // columns, max(height for _, height in sizes) // len(steps)
    described = []
    for row, size in zip(rows, sizes, strict=True):
        if size not in ((wide * columns, tall), (wide * columns, tall * len(steps))):
            raise ValueError(
                f"The sheet of {row.title!r} is {size[0]} x {size[1]}; {columns} pictures of {wide} x {tall} "
                f"need {wide * columns} x {tall * len(steps)}, or x {tall} in a row that never changes."
            )
        for name, lines in (("words", row.words), ("numbers", row.numbers)):
            if len(lines) not in (0, 1, len(steps)):
                raise ValueError(f"{row.title!r} has {len(lines)} {name} for {len(steps)} steps.")
        if any(len(line) != columns for line in row.numbers):
            raise ValueError(f"The numbers of {row.title!r} are not {columns} a step.")
        entry: dict[str, Any] = {"title": row.title, "color": row.color, "words": row.words}
        entry |= {"numbers": row.numbers, "bytes": len(row.sheet), "still": size[1] == tall}
        described.append(entry | {"id": hashlib.blake2b(row.sheet, digest_size=12).hexdigest()})
    return {"steps": list(steps), "columns": columns, "picture": (wide, tall), "rows": described}


def _png_size(row: FrameRow) -> tuple[int, int]:
    if row.sheet[:8] != b"\x89PNG\r\n\x1a\n" or len(row.sheet) < 24:
        raise ValueError(f"The sheet of {row.title!r} is not a PNG.")
    return int.from_bytes(row.sheet[16:20]), int.from_bytes(row.sheet[20:24])


def _pack(header: Mapping[str, Any], rows: Sequence[FrameRow]) -> bytes:
    """Return one message of raw bytes: the length of the header, the header as JSON, the PNGs."""
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    return b"".join([len(text).to_bytes(4), text, *(row.sheet for row in rows)])


def _move(state: Any) -> _Move | None:
    """Read the browser's report, which anyone at the other end of the socket could have written."""
    match state:
        case {"move": {"step": int(step), "turn": int(turn)}}:
            return _Move(step, turn)
    return None


def _ask(place: _Place | None, value: int, move: _Move | None) -> _Move:
    """Return what to ask of the browser: the same as before, so that the message need not be sent again,
    unless Python's value has changed or the page was left (Streamlit has then dropped the user's move)."""
    if place is None or move is None or value != place.asked.step:
        return _Move(value, place.turn if place else 0)
    return place.asked


def _settle(place: _Place | None, asked: _Move, move: _Move | None, last: int) -> _Place:
    """Return where the slider stands: at a new move of the user, else at a new wish of Python, else unmoved.

    The browser decides by the same rule: it follows a new wish only if Python knew the latest move.
    """
    seen = place.turn if place else 0
    if move is not None and move.turn != seen:
        return _Place(asked, move.turn, min(max(move.step, 0), last))
    if place is None or asked != place.asked:
        return _Place(asked, seen, asked.step)
    return place._replace(step=min(place.step, last))
