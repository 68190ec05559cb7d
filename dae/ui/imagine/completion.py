"""Complete it: a part of a digit is hidden, and the model completes it in eight ways."""

import streamlit as st
import torch
from streamlit.delta_generator import DeltaGenerator

from dae.data import ImageSet
from dae.imagination import complete
from dae.ui.imagine import answers, subject
from dae.ui.imagine.prior import PriorModel, render_prior_note
from dae.ui.imagine.subject import DrawDigit
from dae.utils.random import make_generator

# Number of the test digit that is shown first.
_DEFAULT = 1
# Fractions of height and width: upper, lower, left and right edge.
_HIDDEN = {
    "Bottom": (0.5, 1.0, 0.0, 1.0),
    "Top": (0.0, 0.5, 0.0, 1.0),
    "Left": (0.0, 1.0, 0.0, 0.5),
    "Right": (0.0, 1.0, 0.5, 1.0),
    "Center": (0.3, 0.7, 0.3, 0.7),
}
_GRAY = 0.35


def render_completion(model: PriorModel, images: ImageSet, controls: DeltaGenerator, draw_digit: DrawDigit) -> None:
    """Draw eight completions, with the choice of the digit and the hidden part in `controls`."""
    with controls:
        digit = subject.select_subject(images, draw_digit, default=_DEFAULT)
        part = st.segmented_control(
            "Hide", list(_HIDDEN), default="Bottom", required=True, key="imagine_hidden", bind="query-params"
        )
        seed = subject.select_seed("New completions")
    if digit is None:
        return
    clean, prior = digit.clean(), model.prior
    known = known_pixels(part or "", digit.shape)
    covered = torch.where(known, clean, torch.tensor(_GRAY))
    question, answer = st.columns([1, 2], gap="medium")
    with question:
        answers.render_strip(digit.name, [clean, covered], ("the original", "what the model sees"), "completion")
    repeated = clean.expand(answers.NUM_ANSWERS, *digit.shape)
    with answer:
        answers.render_answers(
            "completion",
            "Could be completed to",
            (*model.key, digit, part, seed),
            lambda: complete(prior, repeated, known, make_generator(seed, 1), num_steps=answers.NUM_STEPS),
        )
    st.markdown(
        "A part of the digit is hidden from the model, which invents it eight times. The pixels that it sees stay "
        "exactly as they are. What it adds is not the truth, but something that fits."
    )
    render_prior_note(model)


def known_pixels(part: str, shape: tuple[int, int, int]) -> torch.Tensor:
    """Return which pixels of an image stay visible, booleans (1, 1, H, W); an unknown part hides the lower half."""
    _, height, width = shape
    top, bottom, left, right = _HIDDEN.get(part, _HIDDEN["Bottom"])
    known = torch.ones(1, 1, height, width, dtype=torch.bool)
    known[..., round(top * height) : round(bottom * height), round(left * width) : round(right * width)] = False
    return known
