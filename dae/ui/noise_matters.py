"""Noise matters: the same autoencoder trained with no noise, little and much; which code knows most?"""

from dataclasses import replace

import streamlit as st

from dae import words
from dae.data import label
from dae.findings import best_and_worst
from dae.recipes import CODE_FAMILY, RECIPES
from dae.ui import choosing, shared
from dae.ui.features import found, probe, probes
from dae.ui.shared import Choice

_LABELS = (10, 100, 1_000)
_COLORS = ("#56B4E9", "#0072B2", "#D55E00", "#CC79A7")  # all are one architecture, so its colour tells nothing


def noise_matters() -> None:
    """Draw the comparison of the runs of the family of recipes, one a recipe."""
    st.markdown(
        "The same U-Net, the same pictures, the same number of steps; only the noise differs that it learnt to take "
        "away. Without noise it may copy its input past the code, which then need not know anything."
    )
    dataset = shared.choose_dataset()
    runs = _family(dataset)
    missing = [name for name in CODE_FAMILY if name not in {run.recipe for run in runs}]
    if missing:
        st.info(
            f"Not trained yet, or not for pictures like those of {label(dataset)}: {words.listing(missing)}. "
            f"Each takes about a minute: dae train --recipe {missing[0]}, or its card on the Train page."
        )
        choosing.to_train()
    if not runs:
        return
    kept = probes(dataset)
    learners = [learner for learner in found(runs, kept) if learner.probes]
    probe(runs, kept, learners, dataset, "noise_matters", _LABELS, best_and_worst)
    names = [run.name for run in runs]
    with st.container(horizontal=True):
        link = {"data": shared.option(dataset), "compared": names, "models": names}
        st.page_link(
            "pages/compare.py", label="Compare how they denoise", icon=":material/leaderboard:", query_params=link
        )


def _family(dataset: str) -> list[Choice]:
    """The first run of each recipe, named by its noise."""
    choices = shared.choices(shared.images(dataset, "test", 1)).values()
    first = [next((choice for choice in choices if choice.recipe == name), None) for name in CODE_FAMILY]
    return [
        replace(choice, label=f"{choice.label}, {RECIPES[choice.recipe].label.removeprefix('Code, ')}", color=color)
        for choice, color in zip(first, _COLORS, strict=True)
        if choice
    ]
