"""What both views of Explore let the user choose: the kind of noise, and some models."""

from collections.abc import Mapping

import streamlit as st

from dae.noise import NOISES
from dae.ui import page, shared
from dae.ui.shared import Choice

AT_ONCE = 4
_FAMILIES = ("linear", "convolutional", "modern")


def noise_kind() -> str:
    """A key of NOISES; it is in the address."""
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
    )
    return shared.told_apart([found[name] for name in chosen])
