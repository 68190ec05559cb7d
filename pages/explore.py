"""Explore: drag a noise and see what each model makes of it, or look at what the models have learnt."""

import streamlit as st

from dae.ui import page
from dae.ui.knows import knows
from dae.ui.noisy_pictures import noisy_pictures

PICTURES, CODE = "Pictures", "What the code knows"

LEADS = {
    PICTURES: "Every model gets the same noisy pictures. Choose a noise, drag its strength, and compare the rows.",
    CODE: "A model squeezes each picture into a few numbers, its code. See what these numbers know of the picture.",
}

shown = st.session_state.get("view") or st.query_params.get("view", PICTURES)
page.begin("pages/explore.py", "Explore", LEADS.get(shown, LEADS[PICTURES]))

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
