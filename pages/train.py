"""Train: start a run in two clicks, then everybody sees it learn."""

import streamlit as st

from dae.runs import list_runs
from dae.ui import page, shared
from dae.ui.curves import curve_controls
from dae.ui.launch import launcher
from dae.ui.live import choose, watch

page.begin(
    "pages/train.py",
    "Train",
    "Start with a card. The model sees pictures with noise and learns, step by step, to give back the clean ones.",
)

watching = "runs" in st.query_params or bool(shared.lab().jobs())
launcher(expanded=not watching)

with page.told():
    with st.container(horizontal=True, vertical_alignment="bottom"):
        shown = choose(list_runs())
        with st.container(horizontal=True, vertical_alignment="bottom", width="content", key="details"):
            drawn = curve_controls()
    if shown:
        watch(shown, drawn)
    else:
        st.info("No run is chosen. Start one with a card above.")
