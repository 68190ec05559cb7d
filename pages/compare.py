"""Compare: linear versus convolutional, on the same pictures and the same noise."""

import pandas as pd
import streamlit as st

from dae.data import DATASETS
from dae.noise import NOISES, NoiseSpec
from dae.ui import page, shared, tables

QUICK = 1_000
MODELS_AT_ONCE = 12

page.begin(
    "pages/compare.py",
    "Compare",
    "Linear against convolutional, measured on the same test pictures with the same noise.",
)

with page.told():
    with st.container(horizontal=True, vertical_alignment="bottom"):
        dataset = st.selectbox(
            "Pictures",
            shared.available_datasets(),
            format_func=lambda name: DATASETS[name].label,
            key="data",
            bind="query-params",
            help="Where the test pictures come from.",
            width=220,
        )
        kind = st.selectbox(
            "Noise",
            list(NOISES),
            format_func=lambda name: NOISES[name].label,
            key="noise",
            bind="query-params",
            help="\n".join(f"- **{entry.label}**: {entry.help}" for entry in NOISES.values()),
            width=200,
        )
        level = st.slider(
            "Noise strength",
            NOISES[kind].low,
            NOISES[kind].high,
            NOISES[kind].typical,
            NOISES[kind].step,
            key="strength",
            bind="query-params",
            help=f"The {NOISES[kind].unit}.",
            width=260,
        )
        full = st.toggle(
            "All test pictures",
            key="full",
            bind="query-params",
            help=f"Slower, and a little more exact than the first {QUICK:,}.",
        )
    test = shared.images(dataset, "test")
    found = shared.choices(test)
    chosen = page.several(
        "Models",
        list(found),
        shared.usual(found, ("linear", "convolutional", "modern")),
        key="models",
        help="Trained runs; doing nothing is always measured beside them.",
        most=MODELS_AT_ONCE,
    )
    if not found:
        st.info(f"No trained model fits {DATASETS[dataset].label} yet. Train one, then come back.")
        st.page_link("pages/train.py", label="Train a model", icon=page.PAGES["pages/train.py"][1])
    runs = shared.told_apart([found[name] for name in chosen])
    spec = NoiseSpec(kind, level)
    limit = None if full else min(QUICK, len(test))
    table: pd.DataFrame = tables.measured(runs, dataset, spec, limit)
    st.subheader(tables.sentence(table), anchor=False)
    tables.show(table)
    st.caption(
        f"Measured on the first {limit or len(test):,} test pictures of {DATASETS[dataset].label}, noise {spec}, one "
        f"noise draw (seed {tables.SEED}) for all; outputs clamped to 0 to 1; each number is the mean over pictures."
    )
    st.subheader("From no noise to the strongest", anchor=False)
    tables.robustness(runs, dataset, spec)
