"""The Explore page: compare denoised images, look inside the models, or let them imagine."""

import streamlit as st

from dae.ui import selectors
from dae.ui.codes.view import render_codes
from dae.ui.explore.denoising import is_cleaning, render_denoising
from dae.ui.explore.links import update_params
from dae.ui.imagine.view import render_imagine
from dae.ui.shell import page

_PAGE = "pages/explore.py"
_IMAGES, _INSIDE, _IMAGINE = "Images", "Inside the model", "Imagine"
_LEADS = {
    _IMAGES: "All models receive the same noisy images. Choose a noise, drag its level and compare.",
    _INSIDE: "A model compresses each image into a few numbers, its code. See what that code captures.",
    _IMAGINE: "A model that removes noise has learned what digits look like. Let it invent some.",
}
_CLEAN_LEAD = "A model removes the noise from your image. Drag the divider to compare."


def render_explore() -> None:
    """Draw the page."""
    params = {name: st.query_params.get_all(name) for name in st.query_params}
    if (updated := update_params(params)) != params:
        st.switch_page(_PAGE, query_params=updated)
    shown = st.session_state.get("view") or st.query_params.get("view", _IMAGES)
    lead = _CLEAN_LEAD if shown == _IMAGES and is_cleaning() else _LEADS.get(shown, _LEADS[_IMAGES])
    page.setup_page(_PAGE, "Explore", lead)
    with page.show_errors():
        # On wide screens the style sheet moves this container next to the title.
        with st.container(key="views"):
            view = selectors.url_choice("View", list(_LEADS), key="view", label_visibility="collapsed")
        if view == _IMAGES:
            render_denoising()
            return
        row = st.container(horizontal=True, vertical_alignment="bottom")
        if view == _INSIDE:
            render_codes(row)
        else:
            render_imagine(row)
