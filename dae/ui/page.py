"""What every page begins with: its settings, its style and the way to the others."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from dae.errors import DaeError
from dae.ui.components import ASSETS

PAGES = {  # path: (word in the header, icon)
    "dashboard.py": ("Start", ":material/home:"),
    "pages/train.py": ("Train", ":material/school:"),
    "pages/explore.py": ("Explore", ":material/search:"),
    "pages/compare.py": ("Compare", ":material/leaderboard:"),
}

_STYLE = """<style>
.stMainBlockContainer { max-width: 88rem; padding-bottom: 4rem; }
.stMain h1 { font-size: 2rem; letter-spacing: -0.01em; padding: 0.25rem 0 0; }
.st-key-header { border-bottom: 1px solid var(--st-border-color); padding-bottom: 0.5rem; }
[data-testid="stHeader"] { background: transparent; }
.stMultiSelect [data-baseweb="tag"] {
  background: var(--st-background-color);
  border: 1px solid var(--st-border-color);
  color: var(--st-text-color);
}
[data-testid="stMetricValue"] { font-variant-numeric: tabular-nums; }
</style>"""


def begin(path: str, title: str, lead: str) -> None:
    """Open the page: call it first, once.

    Args:
        path: the page's place in PAGES.
        title: its heading.
        lead: one plain sentence on what can be done here.
    """
    word, _ = PAGES[path]
    st.set_page_config(
        page_title=f"{word} · Denoising autoencoders",
        page_icon=str(ASSETS / "icon.png"),  # a named icon would be fetched from the network
        layout="wide",
        initial_sidebar_state="collapsed",
    )
    st.html(_STYLE)
    with st.container(key="header", horizontal=True, vertical_alignment="center", gap="small"):
        for target, (name, icon) in PAGES.items():
            st.page_link(target, label=f"**{name}**" if target == path else name, icon=icon)
    st.title(title, anchor=False)
    st.markdown(lead)


def whole_number(label: str, low: int, high: int, *, key: str, help: str, width: int) -> int:
    """A number input whose value is in the address; `bind` breaks on addresses that name 1e999."""
    if key not in st.session_state:
        asked = st.query_params.get(key, "")
        known = re.fullmatch(r"[0-9]{1,9}", asked) is not None
        st.session_state[key] = min(max(int(asked), low), high) if known else low
    value = int(st.number_input(label, low, high, key=key, help=help, width=width))
    if value != low:
        st.query_params[key] = str(value)
    elif key in st.query_params:
        del st.query_params[key]
    return value


@contextmanager
def told() -> Iterator[None]:
    """Show a DaeError as its own sentence instead of a traceback; the page goes on after the block."""
    try:
        yield
    except DaeError as error:
        st.error(str(error), icon=":material/error:")
