"""The presenter's view of Draw: the drawings that wait, each with a button that shows it and one that dismisses it."""

import streamlit as st
from PIL import Image

from dae.ui.room.projector.guess import figure_html
from dae.ui.room.room import Room
from dae.ui.room.wall import SIDE, Drawing
from dae.ui.shell.actions import presenter_callback
from dae.utils import text
from dae.viz.images import to_png

# Value of the query parameter that shows the room.
VALUE = "review"
_COLUMNS, _NUM_SHOWN = 4, 12
_POLL_S = 1.0


def link_html(param: str, num_waiting: int) -> str:
    """Return the link that opens the view in a window of its own; `param` is the parameter that shows the room."""
    verb = "waits" if num_waiting == 1 else "wait"
    return (
        f"<p class='room-waiting'>{text.counted(num_waiting, 'drawing')} {verb}.<br>"
        f"<a href='./?{param}={VALUE}' target='_blank'>Review</a></p>"
    )


@st.fragment(run_every=_POLL_S)
def render_review(game: Room) -> None:
    """Draw the oldest drawings that wait, once a second."""
    shown = game.snapshot()
    if shown.activity != "draw":
        st.info("Drawings appear here while the room plays **Draw**.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(f"{text.counted(len(shown.waiting), 'drawing')} waiting", anchor=False, width="content")
        if len(shown.waiting) > 1:
            ids = [drawing.id for drawing in shown.waiting]
            st.button("Show all", key="room_show_all", on_click=presenter_callback(game.show_drawings), args=(ids,))
    waiting = shown.waiting[:_NUM_SHOWN]
    for start in range(0, len(waiting), _COLUMNS):
        for column, drawing in zip(st.columns(_COLUMNS), waiting[start:], strict=False):
            with column:
                _render_waiting(game, drawing)


def _render_waiting(game: Room, drawing: Drawing) -> None:
    image = to_png(Image.frombytes("L", (SIDE, SIDE), drawing.pixels))
    st.html(f"<div class='room-stage'>{figure_html(image, 'drawing that waits', '')}</div>")
    with st.container(horizontal=True):
        st.button(
            "Show",
            key=f"room_show:{drawing.id}",
            type="primary",
            on_click=presenter_callback(game.show_drawings),
            args=([drawing.id],),
        )
        st.button(
            "Dismiss",
            key=f"room_dismiss:{drawing.id}",
            help="The phone can send another drawing.",
            on_click=presenter_callback(game.dismiss_drawing),
            args=(drawing.id,),
        )
