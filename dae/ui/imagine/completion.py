"""Complete it: a part of a digit is hidden, and the model completes it in eight ways."""

import streamlit as st
import torch
from streamlit.delta_generator import DeltaGenerator

from dae.data import ImageSet
from dae.imagination import complete
from dae.ui import address, selectors
from dae.ui.components.wiping_board import GRID, from_hex, last_wipe, to_hex, wiping_board
from dae.ui.imagine import answers, subject
from dae.ui.imagine.prior import PriorModel, render_prior_note
from dae.utils.random import make_generator
from dae.viz.images import hstack

# Number of the test image that is shown first.
_DEFAULT = 1
# Hidden rows and columns of cells: first and last + 1.
_HIDDEN = {
    "Bottom": (7, 14, 0, 14),
    "Top": (0, 7, 0, 14),
    "Left": (0, 14, 0, 7),
    "Right": (0, 14, 7, 14),
    "Center": (4, 10, 4, 10),
}
_OWN = "Your own"
_BOARD = "completion_board"
_PARAM = "imagine_wiped"
# Keys of the session state: the cells that the user has wiped away, and the turn of the last stroke.
_CELLS, _TURN = "imagine_cells", "imagine_turn"


def render_completion(model: PriorModel, images: ImageSet, controls: DeltaGenerator) -> None:
    """Draw eight completions, with the choice of the digit and the hidden part in `controls`."""
    _load_wipe()
    with controls:
        digit = subject.select_subject(images, default=_DEFAULT)
        part = selectors.url_choice(
            "Hide",
            [*_HIDDEN, _OWN],
            key="imagine_hidden",
            help="A fixed part, or what you wipe away with the pointer. Your first stroke replaces a fixed part.",
        )
        seed = subject.select_seed("New completions")
    wiped = st.session_state[_CELLS]
    address.write_param(_PARAM, [to_hex(wiped)] if part == _OWN and "1" in wiped else [])
    if digit is None:
        return
    cells = wiped if part == _OWN else hidden_cells(part)
    clean, prior = digit.clean(), model.prior
    left, right = st.columns([1, 2], gap="medium")
    with left:
        wiping_board(
            hstack(clean),
            cells,
            turn=st.session_state[_TURN],
            is_new=part != _OWN,
            labels=(digit.name, "wipe a part away"),
            key=_BOARD,
            alt=f"What the model sees of {digit.name}. Wipe a part away with the pointer, or choose one under Hide.",
        )
    with right:
        if "1" in cells:
            known, repeated = known_pixels(cells, digit.shape), clean.expand(answers.NUM_ANSWERS, *digit.shape)
            answers.render_answers(
                "completion",
                "Possible completions",
                (*model.key, digit, cells, seed),
                lambda: complete(prior, repeated, known, make_generator(seed, 1), num_steps=answers.NUM_STEPS),
            )
        else:
            st.info("Wipe away a part of the digit with the pointer. The model completes it.")
    st.markdown(
        "A part of the digit is hidden from the model, which invents it eight times. The pixels that it sees stay "
        "exactly as they are. What it adds is not the truth, but something that fits."
    )
    render_prior_note(model)


def _load_wipe() -> None:
    """Load the wiped cells into the session state: those of the last stroke, else those in the address."""
    state = st.session_state
    if _CELLS not in state or address.is_history_navigation():
        state[_CELLS], state[_TURN] = from_hex(st.query_params.get(_PARAM, "")) or "0" * GRID**2, 0
    wipe = last_wipe(_BOARD)
    if wipe and wipe.turn != state[_TURN]:
        state[_CELLS], state[_TURN] = wipe
        state["imagine_hidden"] = _OWN


def hidden_cells(part: str) -> str:
    """Return the cells of a part, row by row, "1" for each hidden one."""
    top, bottom, left, right = _HIDDEN[part]
    return "".join(
        str(int(top <= row < bottom and left <= column < right)) for row in range(GRID) for column in range(GRID)
    )


def known_pixels(cells: str, shape: tuple[int, int, int]) -> torch.Tensor:
    """Return which pixels of an image stay visible, booleans (1, 1, H, W)."""
    _, height, width = shape
    hidden = torch.tensor([cell == "1" for cell in cells]).view(GRID, GRID)
    rows, columns = torch.arange(height) * GRID // height, torch.arange(width) * GRID // width
    return ~hidden[rows[:, None], columns][None, None]
