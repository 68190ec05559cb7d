"""Dream: digits emerge from pure noise."""

from collections.abc import Iterator
from itertools import islice

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dae.imagination import Frame, dream
from dae.imagination.nearest import UNREADABLE
from dae.imagination.sampling import Prior
from dae.models import Shape
from dae.ui.imagine import subject
from dae.ui.imagine.answers import Readings, read_at_the_end
from dae.ui.imagine.frames import Sampling, Summary, render_sampling
from dae.ui.imagine.prior import PriorModel, render_prior_note
from dae.utils.random import make_generator

NUM_DIGITS = 24
_ROWS = 3
# Every second step is kept, so that the images reach the browser fast.
_STRIDE = 2
NUM_STEPS = 60


def render_dream(model: PriorModel, shape: Shape, controls: DeltaGenerator) -> None:
    """Draw the dream of a model, with the choice of the seed in `controls`."""
    with controls:
        seed = subject.select_seed("Another dream")
    prior, (train, validation) = model.prior, subject.load_training_digits()
    render_sampling(
        Sampling(
            name="dream",
            key=("dream", *model.key, seed),
            create=lambda: read_at_the_end(sample_dream(prior, shape, seed), train, validation),
            num_frames=NUM_STEPS // _STRIDE + 1,
            titles=("Dreamed digits", *("",) * (_ROWS - 1)),
            alt=f"{NUM_DIGITS} digits that emerge from noise, step by step",
            summarize=_summarize,
        )
    )
    st.markdown(
        "The model starts from pure noise and removes a little of it, again and again. Nobody drew these digits: "
        "they come from what the model has learned about digits. Drag the slider to go back to the noise."
    )
    render_prior_note(model)


def sample_dream(prior: Prior, shape: Shape, seed: int) -> Iterator[Frame]:
    """Yield every second frame of a dream."""
    return islice(dream(prior, NUM_DIGITS, make_generator(seed), shape=shape, num_steps=NUM_STEPS), 0, None, _STRIDE)


def _summarize(result: Readings) -> Summary:
    readable = NUM_DIGITS - result.readings.count(UNREADABLE)
    return Summary(f"{readable} of {NUM_DIGITS} read as a digit.", result.readings, result.footnote)
