"""Explore: choose a noise, drag its strength, see what each model makes of it."""

import streamlit as st

from dae import data, frames, words
from dae.errors import SpecError
from dae.noise import NOISES, NoiseSpec
from dae.ui import page, shared
from dae.ui.gallery import gallery

COLUMNS = 8
MODELS_AT_ONCE = 4
SEEDS = 10_000
FAMILIES = ("linear", "convolutional", "modern")

page.begin(
    "pages/explore.py",
    "Explore",
    "Every model gets the same noisy pictures. Choose a noise, drag its strength, and compare the rows.",
)


def new_noise() -> None:
    st.session_state["seed"] = (st.session_state["seed"] + 1) % SEEDS


def asked_level(kind: str) -> float:
    """The strength in the address when the page was opened, else the kind's usual one."""
    opened = st.session_state.setdefault("opened_level", st.query_params.get("level", ""))
    try:
        return NoiseSpec(kind, float(opened)).low
    except (ValueError, SpecError):
        return NOISES[kind].typical


with page.told():
    datasets = shared.available_datasets()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        dataset = st.selectbox(
            "Pictures",
            datasets,
            format_func=lambda name: data.DATASETS[name].label,
            key="data",
            bind="query-params",
            help="Where the test pictures come from. The models have never seen these pictures.",
            width=200,
        )
        kind = st.pills(
            "Noise",
            list(NOISES),
            format_func=lambda name: NOISES[name].label,
            default="gaussian",
            key="noise",
            bind="query-params",
            required=True,
            help="\n".join(f"- **{entry.label}**: {entry.help}" for entry in NOISES.values()),
        )
        kind = kind or "gaussian"  # an empty name in the address chooses none
    test = shared.images(dataset, "test")
    found = shared.choices(test)
    pages = -(-len(test) // COLUMNS)
    pictures = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = page.several(
            "Models",
            list(found),
            shared.usual(found, FAMILIES),
            key="models",
            help="One to four trained runs. The colour of a model is the same on every page.",
            most=MODELS_AT_ONCE,
        )
        batch = page.whole_number(
            "Page of pictures", 1, pages, key="page", help=f"{len(test):,} test pictures, {COLUMNS} a page.", width=150
        )
        seed = page.whole_number(
            "Noise seed",
            0,
            SEEDS - 1,
            key="seed",
            help="The same number gives the same noise again, for every model.",
            width=140,
        )
        st.button("New noise", icon=":material/casino:", on_click=new_noise, key="new_noise")

    if not found:
        st.info(f"No trained model fits {data.DATASETS[dataset].label} yet. Train one, then come back.")
        st.page_link("pages/train.py", label="Train a model", icon=page.PAGES["pages/train.py"][1])

    first = (batch - 1) * COLUMNS
    places = tuple(range(first, min(first + COLUMNS, len(test))))
    runs = shared.told_apart([found[name] for name in chosen])
    spec = NoiseSpec(kind, asked_level(kind))
    with pictures:
        step, sheets = gallery(runs, dataset, places, spec, seed, key="strength")
        if runs and step:
            best = max(runs, key=lambda run: sheets[run.name].mean_psnr_db[step])
            gain = sheets[best.name].mean_psnr_db[step] - sheets["noisy"].mean_psnr_db[step]
            st.markdown(f"**{best.label}** is the clearest here: {words.gain(gain)}, compared with the noisy pictures.")
    st.query_params["level"] = f"{frames.levels(spec)[step]:g}"
