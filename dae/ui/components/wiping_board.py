"""A Streamlit component: an image of which the pointer wipes parts away, `assets/wiping_board.js`."""

import re
from typing import NamedTuple

import streamlit as st
from PIL import Image

from dae.ui.components.base import draw_component, inline_component, png_url
from dae.viz.images import to_png

# Cells of the grid per side: small enough to follow a stroke, few enough for an address.
GRID = 14
_HEX_DIGITS = GRID * GRID // 4


class Wipe(NamedTuple):
    """Cells that the user has wiped away, row by row, "1" for each hidden one; `turn` grows with every stroke."""

    cells: str
    turn: int


def last_wipe(key: str) -> Wipe | None:
    """Return the cells after the last stroke on the board with this key, None before the first."""
    # A client can send any value.
    match st.session_state.get(key):
        case {"wipe": {"cells": str(cells), "turn": int(turn)}} if re.fullmatch(f"[01]{{{GRID * GRID}}}", cells):
            return Wipe(cells, turn)
    return None


def to_hex(cells: str) -> str:
    """Return cells as hexadecimal digits for an address."""
    return f"{int(cells, 2):0{_HEX_DIGITS}x}"


def from_hex(text: str) -> str:
    """Return the cells of an address; empty if it is not from `to_hex`."""
    is_valid = re.fullmatch(f"[0-9a-f]{{{_HEX_DIGITS}}}", text)
    return f"{int(text, 16):0{GRID * GRID}b}" if is_valid else ""


def wiping_board(
    image: Image.Image, cells: str, *, turn: int, is_new: bool, labels: tuple[str, str], key: str, alt: str
) -> None:
    """Draw an image, and beside it a copy to wipe on; the script runs again after each stroke.

    Args:
        cells: hidden cells of the copy.
        turn: of the last stroke that the cells contain, or that came before them.
        is_new: whether the next stroke starts with no hidden cells.
        labels: texts under the image and the copy.
        key: identifies the board on its page; for `last_wipe`.
        alt: one sentence that describes the copy, for a screen reader.
    """
    data = {"image": png_url(to_png(image)), "cells": cells, "grid": GRID, "turn": turn, "is_new": is_new}
    draw_component(
        inline_component("wiping_board"),
        key=key,
        data={**data, "labels": list(labels), "alt": alt},
        on_wipe_change=lambda: None,
    )
