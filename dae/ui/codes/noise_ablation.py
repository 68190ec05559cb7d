"""Effect of noise: linear probes of the same autoencoder, trained without noise and with weak or strong noise."""

from dataclasses import replace

import streamlit as st

from dae.representation import ranking_sentence
from dae.training import RECIPES
from dae.training.recipes import NOISE_ABLATION_RECIPES
from dae.ui import model_options, resources, selectors
from dae.ui.codes.linear_probe import collect_probes, probe_cache, render_linear_probes
from dae.ui.model_options import ModelOption
from dae.utils import text

LABEL_COUNTS = (10, 100, 1_000)
# All models share one architecture and so one color, which would not distinguish them.
_COLORS = ("#56B4E9", "#0072B2", "#D55E00", "#CC79A7")


def render_noise_ablation() -> None:
    """Draw the comparison of the runs of the noise ablation, one per recipe."""
    st.markdown(
        "Four identical U-Nets, trained with different noise. Without noise, the network can simply copy its input, so "
        "its code contains little information."
    )
    dataset = selectors.select_dataset()
    models = ablation_models(dataset)
    missing = [name for name in NOISE_ABLATION_RECIPES if name not in {model.recipe for model in models}]
    if missing and resources.images(dataset, "test", 1).shape != model_options.DIGIT_SHAPE:
        st.info("These models take gray images of 28 × 28 pixels. Choose MNIST or Drawn digits.")
    elif missing:
        labels = text.join_words([RECIPES[name].label for name in missing])
        st.info(f"Not trained yet: {labels}. Start them under **More recipes** on the Train page.")
        selectors.link_to_train()
    if not models:
        return
    linear, _ = collect_probes(models, probe_cache(dataset), LABEL_COUNTS)
    render_linear_probes(linear, "ablation", ranking_sentence)
    names = [model.name for model in models]
    with st.container(horizontal=True):
        st.page_link(
            "pages/compare.py",
            label="Compare how they denoise",
            icon=":material/leaderboard:",
            query_params={"data": selectors.dataset_option(dataset), "compared": names, "models": names},
        )


def ablation_models(dataset: str) -> list[ModelOption]:
    """Return the first compatible run of each recipe of the noise ablation, labeled by its noise."""
    options = model_options.model_options(resources.images(dataset, "test", 1)).values()
    models = []
    for recipe, color in zip(NOISE_ABLATION_RECIPES, _COLORS, strict=True):
        if model := next((option for option in options if option.recipe == recipe), None):
            noise = RECIPES[recipe].label.removeprefix("Code, ")
            models.append(replace(model, label=f"{model.label}, {noise}", color=color))
    return models
