"""The stage: a large view for a room, keys that work everywhere, and the way back to a fresh start."""

from collections.abc import Iterable

import streamlit as st

from dae.ui.modules import ASSETS, inline_component

_LARGE = "large"  # in the session, and in the address so that a link opens it


def open_large() -> None:
    """Style the page for a room where the large view is on, which `listen` tells the browser."""
    st.html(ASSETS / "large.css")
    if st.session_state.setdefault(_LARGE, st.query_params.get(_LARGE) == "true"):
        st.query_params[_LARGE] = "true"
    elif _LARGE in st.query_params:
        del st.query_params[_LARGE]


def is_large() -> bool:
    """Whether this session looks at the large view."""
    return bool(st.session_state.get(_LARGE))


def fine_print(words: str, *, key: str) -> None:
    """A caption for whoever wants to know exactly; the large view leaves it out, as it is nothing for a room."""
    with st.container(key=f"fine_{key}"):
        st.caption(words)


def large_button() -> None:
    """Draw what turns the large view on and off."""
    large = st.session_state[_LARGE]
    st.button(
        "Leave the large view" if large else "Large view",
        icon=":material/fullscreen_exit:" if large else ":material/fullscreen:",
        key="stage",
        type="tertiary",
        on_click=_turn,
        args=(not large,),  # and not the other way round from now: a press may arrive twice
    )


def listen(pages: Iterable[str]) -> None:
    """Let keys do what the header's buttons do, and tell the browser which view is on.

    Args:
        pages: the keys of the containers of the links to the pages, in order.
    """
    selectors = {str(place): f".st-key-{key} a" for place, key in enumerate(pages, 1)}
    selectors |= {"l": ".st-key-stage button", "h": ".st-key-guide button"}
    with st.container(key="keys"):
        inline_component("keys")(key="keys_component", data={"selectors": selectors, "large": is_large()})
        if is_large():
            st.html('<i class="large-view"></i>')  # before the component has come, so that nothing is drawn small


def reset_link() -> None:
    """Draw what makes everything as it was on the first visit: a load of the first page, which opens a new session."""
    st.html('<a href="./" target="_self">Reset the demo</a>')
    st.caption("The first page, with every control as on a first visit. Runs are kept, and trainings go on.")


def _turn(large: bool) -> None:
    st.session_state[_LARGE] = large
