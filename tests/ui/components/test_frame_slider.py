"""Test the Python side of the slider. `tests/browser` tests it in a browser."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from dae.ui.components import frame_slider
from dae.ui.components.base import ASSETS, pack_message
from dae.ui.components.frame_slider import (
    SpriteRow,
    _describe,
    _desired_step,
    _Move,
    _parse_move,
    _reconcile,
    _SliderState,
)

STEPS = ("0.0", "0.5", "1.0")
COLUMNS = 4


def sheet(steps: int = len(STEPS), columns: int = COLUMNS, size: tuple[int, int] = (5, 3)) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (steps * size[1], columns * size[0]), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


def unpack(message: bytes) -> tuple[dict[str, Any], bytes]:
    length = int.from_bytes(message[:4])
    return json.loads(message[4 : 4 + length]), message[4 + length :]


def test_a_message_contains_the_header_and_the_unchanged_pngs() -> None:
    rows = [SpriteRow("Clean", sheet(1)), SpriteRow("Noisy", sheet(), words=("a", "b", "c"), color="#d55e00")]
    header, rest = unpack(pack_message(_describe(rows, STEPS, COLUMNS), [row.sheet for row in rows]))
    assert header["picture"] == [5, 3]
    assert [row["still"] for row in header["rows"]] == [True, False]
    assert [row["bytes"] for row in header["rows"]] == [len(row.sheet) for row in rows]
    assert rest == rows[0].sheet + rows[1].sheet


def test_equal_sheets_have_equal_ids() -> None:
    rows = [SpriteRow("A", sheet()), SpriteRow("B", sheet()), SpriteRow("C", sheet(1))]
    ids = [row["id"] for row in _describe(rows, STEPS, COLUMNS)["rows"]]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize("count", [0, 1, len(STEPS)])
def test_words_and_numbers_can_be_absent_shared_or_one_per_step(count: int) -> None:
    row = SpriteRow("Noisy", sheet(), words=("+7.9 dB",) * count, numbers=(("19.8",) * COLUMNS,) * count)
    described = _describe([row], STEPS, COLUMNS)["rows"][0]
    assert len(described["words"]) == len(described["numbers"]) == count


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (SpriteRow("R", b"GIF89a"), "'R' is not a PNG"),
        (SpriteRow("R", sheet(2)), "'R' is 20 x 6"),
        (SpriteRow("R", sheet(columns=3)), "'R' is 15 x 9"),
        (SpriteRow("R", sheet(), words=("one", "two")), "'R' has 2 words for 3 steps"),
        (SpriteRow("R", sheet(), numbers=(("1",) * COLUMNS,) * 2), "'R' has 2 numbers for 3 steps"),
        (SpriteRow("R", sheet(), numbers=(("1",),)), "numbers of 'R' are not 4 per step"),
    ],
)
def test_an_invalid_row_is_named_in_the_error(row: SpriteRow, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _describe([SpriteRow("Clean", sheet()), row], STEPS, COLUMNS)


@pytest.mark.parametrize(("rows", "steps", "columns"), [([], STEPS, 4), (["row"], (), 4), (["row"], STEPS, 0)])
def test_a_slider_without_rows_steps_or_columns_raises(rows: list[str], steps: tuple[str, ...], columns: int) -> None:
    with pytest.raises(ValueError, match="Too few rows, steps or columns"):
        _describe([SpriteRow(title, sheet()) for title in rows], steps, columns)


@pytest.mark.parametrize("state", [None, {}, {"move": None}, {"move": {"step": "9", "turn": 1}}, {"move": [1, 2]}])
def test_a_malformed_component_state_is_parsed_as_no_move(state: Any) -> None:
    assert _parse_move(state) is None


class Slider:
    """State of a slider over several runs of the script, as in `frame_slider`."""

    def __init__(self) -> None:
        self.state: _SliderState | None = None

    def run(self, value: int, move: _Move | None) -> int:
        self.request = _desired_step(self.state, value, move)
        self.state = _reconcile(self.state, self.request, move, last=9)
        return self.state.step


def test_a_move_of_the_user_does_not_change_the_message() -> None:
    slider = Slider()
    assert slider.run(5, None) == 5
    first = slider.request
    assert slider.run(5, _Move(7, 100)) == 7
    assert slider.run(5, _Move(7, 100)) == 7
    assert slider.request == first


def test_the_slider_follows_a_new_value() -> None:
    slider = Slider()
    slider.run(5, _Move(7, 100))
    assert slider.run(2, _Move(7, 100)) == 2
    assert slider.request == _Move(2, 100)
    assert slider.run(2, _Move(7, 100)) == 2
    assert slider.run(2, _Move(7, 101)) == 7


def test_an_outdated_value_does_not_undo_a_newer_move() -> None:
    slider = Slider()
    slider.run(5, _Move(7, 100))
    assert slider.run(7, _Move(9, 101)) == 9
    # Older than the browser's 101, so the browser ignores it, too.
    assert slider.request.turn == 100


def test_the_slider_starts_at_its_value_on_the_next_visit() -> None:
    slider = Slider()
    slider.run(5, _Move(7, 100))
    assert slider.run(5, None) == 5
    assert slider.request == _Move(5, 100)


def test_a_step_beyond_the_end_is_clamped() -> None:
    assert Slider().run(5, _Move(99, 100)) == 9


def test_the_slider_returns_its_initial_value_on_a_page() -> None:
    def page(png: bytes) -> None:
        import streamlit as st

        from dae.ui.components.frame_slider import SpriteRow, frame_slider

        step = frame_slider(
            [SpriteRow("Noisy", png)],
            steps=("0", "1", "2"),
            columns=4,
            value=1,
            label="Noise",
            key="noise",
            alt="Digits",
        )
        st.text(step)

    app = AppTest.from_function(page, args=(sheet(),), default_timeout=30).run()
    assert not app.exception
    assert app.text[0].value == "1"


@pytest.mark.parametrize("index", [{"value": 3}, {"value": 0, "trained": (0, 3)}, {"value": -1}])
def test_an_index_outside_the_steps_raises(index: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="outside the steps 0 to 2"):
        frame_slider.frame_slider(
            [SpriteRow("R", sheet())], steps=STEPS, columns=COLUMNS, label="Noise", key="k", alt="a", **index
        )


@pytest.mark.parametrize("path", sorted([*ASSETS.glob("*.js"), *ASSETS.glob("*.css")]), ids=lambda path: path.name)
def test_assets_access_no_network_and_write_no_markup(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for forbidden in ("http:", "https:", "innerHTML", "insertAdjacentHTML", "eval("):
        assert forbidden not in text
