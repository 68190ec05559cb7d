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
    """The component of `assets/NAME.js` and `.css`, which travel in its messages and so need no installed package.

    Its module begins with `common.js`; further parts of a long one are `NAME_*.js`.
    """
    parts = [ASSETS / "common.js", *sorted(ASSETS.glob(f"{name}_*.js")), ASSETS / f"{name}.js"]
    css = ASSETS / f"{name}.css"
    return st.components.v2.component(
        f"dae_{name}",
        js="\n".join(part.read_text(encoding="utf-8") for part in parts),
        css=css.read_text(encoding="utf-8") if css.is_file() else None,
    )
