"""The Imagine view: dreams, plausible answers, completions and the filters of models."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dae.ui import selectors
from dae.ui.imagine import subject
from dae.ui.imagine.alternatives import render_alternatives
from dae.ui.imagine.completion import render_completion
from dae.ui.imagine.dream import render_dream
from dae.ui.imagine.pixel_filters import render_pixel_filters
from dae.ui.imagine.prior import find_prior
from dae.utils.text import describe_terms

DREAM, ALTERNATIVES, COMPLETION, FILTERS = "Dream", "What else could it be?", "Complete it", "Why this pixel?"
_HELP = {
    DREAM: "digits that emerge from pure noise",
    ALTERNATIVES: "eight plausible answers to one noisy digit",
    COMPLETION: "eight ways to complete a digit of which a part is hidden",
    FILTERS: "which input pixels decide an output pixel, for up to four models",
}


def render_imagine(row: DeltaGenerator) -> None:
    """Draw one part of the view, with the choice of the part in `row`.

    Raises:
        DaeError: a run or the data set cannot be read.
    """
    with row:
        part = selectors.url_choice("Part", list(_HELP), key="imagine", help=describe_terms(_HELP))
    images = subject.test_digits()
    controls = st.container(horizontal=True, vertical_alignment="bottom")
    model = find_prior(images)
    if model is None:
        selectors.show_no_compatible_model(images.name)
    elif part == FILTERS:
        render_pixel_filters(images, controls)
    elif part == ALTERNATIVES:
        render_alternatives(model, images, controls)
    elif part == COMPLETION:
        render_completion(model, images, controls)
    else:
        render_dream(model, images.shape, row)
