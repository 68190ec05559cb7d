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
    row = st.container(horizontal=True, vertical_alignment="bottom")
    view = row.segmented_control(
        "View", [PICTURES, CODE], default=PICTURES, required=True, key="view", bind="query-params"
    )
    if view == CODE:
        knows(row)
    else:  # an empty name in the address chooses none
        noisy_pictures(row)
