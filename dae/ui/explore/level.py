"""The noise level of the view Images: in the address, and kept while other pages are open."""

import streamlit as st

from dae.errors import SpecError
from dae.noise import NOISES, NoiseSpec
from dae.ui import address


def load_level(kind: str) -> float:
    """Return the noise level that the view opened with; the default level once another kind is selected."""
    # Only this view has a seed, so without one it has just been opened.
    if "seed" not in st.session_state:
        is_back = address.is_history_navigation()
        last_kind, last_level = ("", "") if is_back else st.session_state.get("left", ("", ""))
        level = st.query_params.get("level", "")
        # Streamlit drops the query parameter on a page switch; a link to another level wins over the last one.
        st.session_state["opened"] = (last_kind, last_level) if level in ("", last_level) else (kind, level)
    opened_kind, level = st.session_state["opened"]
    return parse_level(kind, level if opened_kind == kind else "")


def save_level(noise: NoiseSpec) -> None:
    """Write the noise level into the address, and keep it for when the view is opened again."""
    level = f"{noise.level:g}"
    address.write_param("level", [level])
    st.session_state["left"] = noise.kind, level


def parse_level(kind: str, level: str) -> float:
    """Return a noise level from a query parameter, or the default level of the kind if it is invalid."""
    try:
        return NoiseSpec(kind, float(level)).level
    except (ValueError, SpecError):
        return NOISES[kind].default_level
