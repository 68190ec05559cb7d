"""Draw on the projector: each drawing noisy, denoised and read by a model, with a button that takes it down."""

from collections.abc import Sequence

import streamlit as st

from dae.imagination.nearest import UNREADABLE
from dae.ui.room import readings
from dae.ui.room.projector.contestants import load_reader
from dae.ui.room.projector.guess import figure_html
from dae.ui.room.room import Room
from dae.ui.room.snapshot import Snapshot
from dae.ui.room.wall import Drawing, WallImage
from dae.ui.shell.actions import presenter_callback
from dae.utils import text

_COLUMNS, NUM_SLOTS = 4, 12
_LARGE_COLUMNS, _NUM_LARGE = 2, 4
# Drawings that are computed between two updates of the page.
_BATCH_SIZE = 32
_SLOTS_KEY = "room_slots"


def render_wall(game: Room, shown: Snapshot) -> None:
    """Compute the drawings that wait, and draw the newest ones, each at the same place until it leaves."""
    contestant, nearest = load_reader()
    if pending := game.pending_drawings(_BATCH_SIZE):
        game.finish_drawings(readings.read_drawings(pending, contestant, nearest))
        shown = game.snapshot()
    number, each = text.counted(len(shown.drawings), "drawing"), ", each" if len(shown.drawings) > 1 else ""
    title = f"{number}{each} under noise and denoised by {contestant.label}"
    st.header(title if shown.drawings else "Draw a digit on your phone. It appears here.", anchor=False)
    newest = {drawing.id: drawing for drawing in shown.drawings[:NUM_SLOTS]}
    slots = st.session_state[_SLOTS_KEY] = place(st.session_state.get(_SLOTS_KEY, ()), tuple(newest))
    # A few drawings are larger.
    columns = _COLUMNS if any(slots[_NUM_LARGE:]) else _LARGE_COLUMNS
    for start in range(0, NUM_SLOTS, columns):
        for column, drawing_id in zip(st.columns(columns), slots[start : start + columns], strict=True):
            if drawing := newest.get(drawing_id):
                with column:
                    _render_drawing(game, drawing)


def place(slots: Sequence[int], newest: Sequence[int]) -> tuple[int, ...]:
    """Return the ids of drawings at each slot, 0 for none: those that stay keep their slot, new ones fill the others.

    Args:
        newest: ids of at most NUM_SLOTS drawings, the newest first.
    """
    kept = [drawing_id if drawing_id in newest else 0 for drawing_id in slots] or [0] * NUM_SLOTS
    arrived = [drawing_id for drawing_id in newest if drawing_id not in kept]
    return tuple(drawing_id or (arrived.pop() if arrived else 0) for drawing_id in kept)


def _render_drawing(game: Room, drawing: Drawing) -> None:
    if drawing.result is None:
        return
    st.html(drawing_html(drawing.result))
    st.button(
        "Take down",
        key=f"room_down:{drawing.id}",
        icon=":material/delete:",
        type="tertiary",
        help="Removes the drawing and blocks this phone.",
        on_click=presenter_callback(game.take_down),
        args=(drawing.id,),
    )


def drawing_html(image: WallImage) -> str:
    """Return the noisy and the denoised digit, and what that reads as."""
    verb = "sees" if image.reading == UNREADABLE else "reads"
    return (
        "<div class='room-stage room-drawing'>"
        f"{figure_html(image.noisy, 'noisy drawing', 'noisy')}"
        f"{figure_html(image.denoised, 'denoised drawing', f'{verb} {image.reading}')}</div>"
    )
