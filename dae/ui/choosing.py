"""What several pages let the user choose: the kind of noise, and some models."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dae.data import label
from dae.noise import NOISES
from dae.ui import page, shared
from dae.ui.shared import Choice

AT_ONCE = 4
_FAMILIES = ("linear", "convolutional", "modern")
_NAMED: dict[str, Any] = {
    "format_func": lambda name: NOISES[name].label,
    "key": "noise",
    "bind": "query-params",
}


def noise_kind(small: bool = False) -> str:
    """A key of NOISES; it is in the address. A small control keeps the names of the others to itself."""
    about = "\n".join(f"- **{entry.label}**: {entry.help}" for entry in NOISES.values())
    if small:
        return str(st.selectbox("Noise", list(NOISES), **_NAMED, help=about, width=200))
    kind = st.pills("Noise", list(NOISES), **_NAMED, default="gaussian", required=True, help=about)
    return kind or "gaussian"  # an empty name in the address chooses none


def models(found: Mapping[str, Choice], dataset: str) -> list[Choice]:
    """Some of the runs that were found, told apart; they are in the address."""
    chosen = page.several(
        "Models",
        list(found),
        shared.usual(dict(found), _FAMILIES),
        key="models",
        of=dataset,
        help="One to four trained runs. The colour of a model is the same on every page.",
        most=AT_ONCE,
        named=lambda name: shared.in_full(found[name]),
    )
    return shared.told_apart([found[name] for name in chosen])


def none_fits(dataset: str) -> None:
    """Say that there is no model for the data set, and where to get one."""
    st.info(f"No trained model fits {label(dataset)} yet. Train one, then come back.")
    to_train()


def to_train() -> None:
    """Draw the link to the page that trains."""
    st.page_link("pages/train.py", label="Train a model", icon=page.PAGES["pages/train.py"][1])
