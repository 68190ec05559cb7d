"""The files that browsers are given, and components whose module is plain text."""

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

ASSETS = Path(__file__).parent / "assets"


@functools.cache  # registered at the first call, not at import: there must be a server
def inline_component(name: str) -> "ComponentRenderer":
    """The component of `assets/NAME.js` and `.css`, which travel in its messages and so need no installed package."""
    js, css = ((ASSETS / f"{name}.{kind}").read_text(encoding="utf-8") for kind in ("js", "css"))
    return st.components.v2.component(f"dae_{name}", js=js, css=css)
