"""Explore: choose a noise, drag its strength, see what each model makes of it."""

import streamlit as st

from dae import data, frames, words
from dae.noise import NOISES, NoiseSpec
from dae.ui import page, shared
from dae.ui.gallery import gallery

COLUMNS = 8
MODELS_AT_ONCE = 4
SEEDS = 10_000

page.begin(
    "pages/explore.py",
    "Explore",
    "Every model gets the same noisy pictures. Choose a noise, drag its strength, and compare the rows.",
)


def new_noise() -> None:
    st.session_state["seed"] = (st.session_state["seed"] + 1) % SEEDS


def choose_images() -> tuple[str, int]:
    """The data set and the page of test images."""
    datasets = shared.available_datasets()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        dataset = st.selectbox(
            "Pictures",
            datasets,
            format_func=lambda name: data.DATASETS[name].label,
            key="data",
            bind="query-params",
            help="Where the test pictures come from. The models have never seen these pictures.",
            width=220,
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
    return dataset, kind


with page.told():
    dataset, kind = choose_images()
    test = shared.images(dataset, "test")
    found = shared.choices(test)
    pages = -(-len(test) // COLUMNS)

    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.multiselect(
            "Models",
            list(found),
            default=shared.usual(found, ("linear", "convolutional", "modern")),
            format_func=lambda name: f"{found[name].label} ({name})" if name in found else name,
            key="models",
            bind="query-params",
            max_selections=MODELS_AT_ONCE,
            help="One to four trained runs. The colour of a model is the same on every page.",
            width=560,
        )
        batch = st.number_input(
            "Page of pictures",
            1,
            pages,
            key="page",
            bind="query-params",
            help=f"{len(test):,} test pictures, {COLUMNS} a page.",
            width=150,
        )
        seed = st.number_input(
            "Noise seed",
            0,
            SEEDS - 1,
            key="seed",
            bind="query-params",
            help="The same number gives the same noise again, for every model.",
            width=130,
        )
        st.button("New noise", icon=":material/casino:", on_click=new_noise, key="new_noise")

    if not found:
        st.info(f"No trained model fits {data.DATASETS[dataset].label} yet. Train one, then come back.")
        st.page_link("pages/train.py", label="Train a model", icon=page.PAGES["pages/train.py"][1])

    level = st.query_params.get("level", "")
    try:
        spec = NoiseSpec(kind, float(level) if level else NOISES[kind].typical)
    except ValueError:
        spec = NoiseSpec(kind, NOISES[kind].typical)
    first = (int(batch) - 1) * COLUMNS
    places = tuple(range(first, min(first + COLUMNS, len(test))))
    runs = [found[name] for name in chosen if name in found]
    step, sheets = gallery(runs, dataset, places, spec, int(seed), key="strength")
    st.query_params["level"] = f"{frames.levels(spec)[step]:g}"

    if runs and step:
        best = max(runs, key=lambda run: sheets[run.name].mean_psnr_db(step))
        gain = sheets[best.name].mean_psnr_db(step) - sheets["noisy"].mean_psnr_db(step)
        st.markdown(f"**{best.label}** is the clearest here: {words.gain(gain)} than the noisy pictures.")
