"""Presentation mode (the large view) and keyboard shortcuts."""

from collections.abc import Iterable

import streamlit as st

from dae.ui import address
from dae.ui.components.base import ASSETS, draw_component, inline_component

# Key of the session state and query parameter.
_LARGE = "large"


def apply_presentation_mode() -> None:
    """Load the style sheet of presentation mode and keep the mode in the URL."""
    st.html(ASSETS / "large.css")
    is_large = st.session_state.setdefault(_LARGE, st.query_params.get(_LARGE) == "true")
    address.write_param(_LARGE, ["true"] if is_large else [])


def in_presentation_mode() -> bool:
    """Return whether presentation mode is on in this session."""
    return bool(st.session_state.get(_LARGE))


def footnote(text: str, *, key: str) -> None:
    """Draw a caption with details, which presentation mode hides."""
    with st.container(key=f"fine_{key}"):
        st.caption(text)


def presentation_button() -> None:
    """Draw the button that switches presentation mode on and off."""
    large = st.session_state[_LARGE]
    st.button(
        "Exit large view" if large else "Large view",
        icon=":material/fullscreen_exit:" if large else ":material/fullscreen:",
        key="presentation",
        type="tertiary",
        on_click=_set_presentation_mode,
        # The new value and not a toggle, as a press can arrive twice.
        args=(not large,),
    )


def register_shortcuts(page_keys: Iterable[str]) -> None:
    """Let keys press the buttons of the header, and send the current mode to the browser.

    Args:
        page_keys: keys of the containers of the page links, for the number keys in order.
    """
    selectors = {str(number): f".st-key-{key} a" for number, key in enumerate(page_keys, 1)}
    selectors |= {"l": ".st-key-presentation button", "h": ".st-key-guide button"}
    with st.container(key="keys"):
        draw_component(
            inline_component("keys"),
            key="keys_component",
            data={"selectors": selectors, "large": in_presentation_mode()},
        )
        if in_presentation_mode():
            # Matched by large.css until the component has loaded, so that nothing is drawn small first.
            st.html('<i class="large-view"></i>')


def _set_presentation_mode(large: bool) -> None:
    st.session_state[_LARGE] = large
