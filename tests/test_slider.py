"""The Python side of the slider; tests/browser looks at them in a browser."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from dae.ui import slider
from dae.ui.modules import ASSETS
from dae.ui.slider import FrameRow, _ask, _describe, _Move, _move, _pack, _Place, _settle

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


def test_a_message_is_the_header_and_the_untouched_pngs() -> None:
    rows = [FrameRow("Clean", sheet(1)), FrameRow("Noisy", sheet(), words=("a", "b", "c"), color="#d55e00")]
    header, rest = unpack(_pack(_describe(rows, STEPS, COLUMNS), rows))
    assert header["picture"] == [5, 3]
    assert [row["still"] for row in header["rows"]] == [True, False]
    assert [row["bytes"] for row in header["rows"]] == [len(row.sheet) for row in rows]
    assert rest == rows[0].sheet + rows[1].sheet


def test_the_same_sheet_has_the_same_id_and_another_one_another() -> None:
    rows = [FrameRow("A", sheet()), FrameRow("B", sheet()), FrameRow("C", sheet(1))]
    ids = [row["id"] for row in _describe(rows, STEPS, COLUMNS)["rows"]]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize("count", [0, 1, len(STEPS)])
def test_words_and_numbers_may_be_none_one_for_all_or_one_a_step(count: int) -> None:
    row = FrameRow("Noisy", sheet(), words=("+7.9 dB",) * count, numbers=(("19.8",) * COLUMNS,) * count)
    described = _describe([row], STEPS, COLUMNS)["rows"][0]
    assert len(described["words"]) == len(described["numbers"]) == count


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (FrameRow("R", b"GIF89a"), "'R' is not a PNG"),
        (FrameRow("R", sheet(2)), "'R' is 20 x 6"),
        (FrameRow("R", sheet(columns=3)), "'R' is 15 x 9"),
        (FrameRow("R", sheet(), words=("one", "two")), "'R' has 2 words for 3 steps"),
        (FrameRow("R", sheet(), numbers=(("1",) * COLUMNS,) * 2), "'R' has 2 numbers for 3 steps"),
        (FrameRow("R", sheet(), numbers=(("1",),)), "numbers of 'R' are not 4 a step"),
    ],
)
def test_a_row_that_does_not_fit_is_named(row: FrameRow, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _describe([FrameRow("Clean", sheet()), row], STEPS, COLUMNS)


@pytest.mark.parametrize(("rows", "steps", "columns"), [([], STEPS, 4), (["row"], (), 4), (["row"], STEPS, 0)])
def test_nothing_to_show_is_refused(rows: list[str], steps: tuple[str, ...], columns: int) -> None:
    with pytest.raises(ValueError, match="are needed"):
        _describe([FrameRow(title, sheet()) for title in rows], steps, columns)


@pytest.mark.parametrize("state", [None, {}, {"move": None}, {"move": {"step": "9", "turn": 1}}, {"move": [1, 2]}])
def test_a_report_of_another_shape_is_no_move(state: Any) -> None:
    assert _move(state) is None


class Slider:
    """A slider's life, run by run, as `frame_slider` leads it."""

    def __init__(self) -> None:
        self.place: _Place | None = None

    def run(self, value: int, move: _Move | None) -> int:
        self.asked = _ask(self.place, value, move)
        self.place = _settle(self.place, self.asked, move, last=9)
        return self.place.step


def test_the_user_moves_and_the_message_stays_the_same() -> None:
    slider = Slider()
    assert slider.run(5, None) == 5
    first = slider.asked
    assert slider.run(5, _Move(7, 100)) == 7
    assert slider.run(5, _Move(7, 100)) == 7
    assert slider.asked == first


def test_python_changes_its_value_and_the_slider_follows() -> None:
    slider = Slider()
    slider.run(5, _Move(7, 100))
    assert slider.run(2, _Move(7, 100)) == 2
    assert slider.asked == _Move(2, 100)
    assert slider.run(2, _Move(7, 100)) == 2
    assert slider.run(2, _Move(7, 101)) == 7


def test_a_late_echo_of_the_page_does_not_undo_a_newer_move() -> None:
    slider = Slider()
    slider.run(5, _Move(7, 100))
    assert slider.run(7, _Move(9, 101)) == 9
    assert slider.asked.turn == 100  # older than the browser's 101, so the browser ignores it too


def test_a_page_left_and_visited_again_starts_from_its_value() -> None:
    slider = Slider()
    slider.run(5, _Move(7, 100))
    assert slider.run(5, None) == 5
    assert slider.asked == _Move(5, 100)


def test_a_step_beyond_the_end_is_the_last_one() -> None:
    assert Slider().run(5, _Move(99, 100)) == 9


def test_the_slider_returns_its_value_on_a_page() -> None:
    def page(png: bytes) -> None:
        import streamlit as st

        from dae.ui.slider import FrameRow, frame_slider

        step = frame_slider(
            [FrameRow("Noisy", png)],
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
def test_an_index_outside_the_steps_is_refused(index: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="outside the steps 0 to 2"):
        slider.frame_slider(
            [FrameRow("R", sheet())], steps=STEPS, columns=COLUMNS, label="Noise", key="k", alt="a", **index
        )


@pytest.mark.parametrize("path", sorted([*ASSETS.glob("*.js"), *ASSETS.glob("*.css")]), ids=lambda path: path.name)
def test_assets_reach_no_network_and_write_no_markup(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for forbidden in ("http:", "https:", "innerHTML", "insertAdjacentHTML", "eval("):
        assert forbidden not in text
