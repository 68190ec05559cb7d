"""Which test pictures Explore shows first: as they come, the hardest, or where two models differ most."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dae.contenders import as_denoiser
from dae.evaluation import measure
from dae.noise import NoiseSpec
from dae.packed import ImageSet
from dae.ui import shared
from dae.ui.shared import Choice

EVERY, AS_THEY_COME = "All of them", "As they come"
_MEASURED = 1_000  # pictures: the first so many are put in order


def filtered(images: ImageSet) -> tuple[int, ...]:
    """Let the user choose a class; the places of its pictures."""
    wanted = st.selectbox(
        "Show", [EVERY, *images.classes], key="class", bind="query-params", width=140, help="One class, or all of them."
    )
    if wanted not in images.classes:
        return tuple(range(len(images)))
    return tuple((images.labels == images.classes.index(wanted)).nonzero().flatten().tolist())


def ordered(images: ImageSet, places: tuple[int, ...], runs: Sequence[Choice], noise: NoiseSpec) -> tuple[int, ...]:
    """Let the user choose what comes first; the same places in that order.

    Args:
        noise: its kind counts, at its usual strength: the order does not change while the strength is dragged.
    """
    pairs: dict[str, tuple[Choice, ...]] = {f"Hardest for {run.label}": (run,) for run in runs}
    if len(runs) > 1:
        pairs |= {f"{runs[0].label} and {other.label} differ most": (runs[0], other) for other in runs[1:]}
    wanted = st.selectbox(
        "Order",
        [AS_THEY_COME, *pairs],
        key="order",
        bind="query-params",
        width=240,
        help=f"Put in order are the first {_MEASURED:,} test pictures, by their PSNR at the noise's usual strength.",
    )
    if wanted not in pairs:
        return places
    usual = str(noise.at(noise.noise.typical))
    first, *second = (_psnr_db(run.name, shared.version(run.name), images.name, usual) for run in pairs[wanted])
    key = -(first - second[0]).abs() if second else first
    kept = set(places)
    return tuple(place for place in key.sort_values(kind="stable").index if place in kept)


@st.cache_data(show_spinner="Looking through the pictures …", max_entries=16)
def _psnr_db(run: str, version: int, dataset: str, noise: str) -> pd.Series:
    """The PSNR of each of the first test pictures; `version` is part of the key alone."""
    images = shared.images(dataset, "test").head(_MEASURED)
    with shared.turn(lambda: None):
        return measure(as_denoiser(shared.checkpoint(run), images), images, NoiseSpec.parse(noise))["psnr_db"]
