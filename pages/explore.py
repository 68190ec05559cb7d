"""Explore: drag a noise and see what each model makes of it, or look at what the models have learnt."""

import streamlit as st

from dae.ui import page
from dae.ui.knows import knows
from dae.ui.noisy_pictures import noisy_pictures

PICTURES, CODE = "Pictures", "What the code knows"

page.begin(
    "pages/explore.py",
    "Explore",
    "Every model gets the same noisy pictures. Choose a noise, drag its strength, and compare the rows. Or see what a "
    "model keeps of a picture.",
)

with page.told():
    with st.container(key="views"):  # beside the heading, where there is room
        view = st.segmented_control(
            "View",
            [PICTURES, CODE],
            default=PICTURES,
            required=True,
            key="view",
            bind="query-params",
            label_visibility="collapsed",
        )
    row = st.container(horizontal=True, vertical_alignment="bottom")
    if view == CODE:
        knows(row)
    else:  # an empty name in the address chooses none
        noisy_pictures(row)
