"""Train: start a run in two clicks, then everybody sees it learn."""

import streamlit as st

from dae.recipes import CODE_FAMILY
from dae.runs import list_runs
from dae.ui import page, shared
from dae.ui.curves import curve_controls
from dae.ui.launch import launcher
from dae.ui.live import watch

page.begin(
    "pages/train.py",
    "Train",
    "Start with a card. The model sees pictures with noise and learns, step by step, to give back the clean ones.",
)

watching = "runs" in st.query_params or bool(shared.lab().jobs())
launcher(expanded=not watching)

with page.told():
    known = list_runs()
    names = [run.name for run in known]
    jobs = shared.lab().jobs()
    first = None
    if "runs" in st.session_state:  # a run that was deleted meanwhile is no longer a choice
        st.session_state["runs"] = [name for name in st.session_state["runs"] if name in names]
    else:
        # Not a recipe's that had learnt before it began: its curve is flat.
        curves = [run for run in known if not (run.recipe and run.pretrained) and run.recipe not in CODE_FAMILY]
        usual = [run.name for run in curves if not run.recipe.startswith("cifar10")]
        first = [name for name in (jobs[0] if jobs else usual[:1]) if name in names]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        shown = st.multiselect(
            "Runs shown",
            names,
            default=first,
            key="runs",
            bind="query-params",
            max_selections=4,
            placeholder="Choose runs to watch, or to lay over each other",
            help="Every training is kept as a run. Choose several to compare their curves.",
        )
        with st.container(horizontal=True, vertical_alignment="bottom", width="content", key="details"):
            drawn = curve_controls()
    if shown:
        watch(shown, drawn)
    else:
        st.info("No run is chosen. Start one with a card above.")
