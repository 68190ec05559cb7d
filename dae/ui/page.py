"""What every page begins with: its settings, its style and the way to the others."""

import gc
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import streamlit as st

from dae.errors import DaeError
from dae.ui import actions, guide, presenter, shared, stage
from dae.ui.modules import ASSETS

PAGES = {  # path: (word in the header, icon)
    "dashboard.py": ("Start", ":material/home:"),
    "pages/train.py": ("Train", ":material/school:"),
    "pages/explore.py": ("Explore", ":material/search:"),
    "pages/compare.py": ("Compare", ":material/leaderboard:"),
}


def begin(path: str, title: str, lead: str) -> None:
    """Open the page: call it first, once.

    Args:
        path: the page's place in PAGES.
        title: its heading.
        lead: one plain sentence on what can be done here.
    """
    _settle()
    shared.step_aside()
    word, _ = PAGES[path]
    st.set_page_config(
        page_title=f"{word} · Denoising autoencoders",
        page_icon=str(ASSETS / "icon.png"),  # a named icon would be fetched from the network
        layout="wide",
        initial_sidebar_state="collapsed",
    )
    st.html(ASSETS / "page.css")
    stage.open_large()
    with st.container(key="header", horizontal=True, vertical_alignment="center", gap="small"):
        for target, (name, icon) in PAGES.items():
            with st.container(key=f"to_{name}", width="content"):
                st.page_link(target, label=f"**{name}**" if target == path else name, icon=icon)
        guide.offer(path)
        stage.large_button()
        presenter.entrance()
        stage.listen(f"to_{name}" for name, _ in PAGES.values())
    st.title(title, anchor=False)
    st.container(key="lead").markdown(lead)
    with st.container():  # one element, whatever is in it: what stands below keeps its place
        actions.draw_problem(path)
        presenter.warning()


@st.cache_resource(show_spinner=False)
def _settle() -> None:
    """Once a server: what stays for good is not searched for garbage again, and the laboratory opens.

    With the million objects of the libraries among them, Python looks through everything so seldom that the garbage
    of hundreds of drawn pages piles up, pictures and all. The laboratory is opened by a thread that has not stepped
    aside yet, since its own would do so, too, for good.
    """
    gc.freeze()
    shared.lab()


def whole_number(label: str, low: int, high: int, *, key: str, help: str, width: int, usual: int | None = None) -> int:
    """A number input whose value is in the address; `bind` breaks on addresses that name 1e999.

    Args:
        usual: what it begins with, and what the address leaves out; None: the lowest.
    """
    usual = low if usual is None else usual
    if key not in st.session_state:
        asked = (_remembered(key) or [""])[-1]
        st.session_state[key] = int(asked) if re.fullmatch(r"[0-9]{1,9}", asked) else usual
    st.session_state[key] = min(max(int(st.session_state[key]), low), high)  # the limits may have changed meanwhile
    value = int(st.number_input(label, low, high, key=key, help=help, width=width))
    _remember(key, [str(value)] if value != usual else [])
    return value


def several(
    label: str,
    options: Sequence[str],
    usual: Sequence[str],
    *,
    key: str,
    help: str,
    most: int,
    of: str,
    named: Callable[[str], str],
) -> list[str]:
    """A choice of several names that is always in the address; `bind` leaves out a default that depends on others.

    Names in the address that are no options are passed over; where none is left, the usual ones are chosen, and so
    they are when `of`, what all of them belong to, changes.
    """
    before, st.session_state[f"{key}:of"] = st.session_state.get(f"{key}:of", of), of
    if before != of:
        st.session_state.pop(_kept(key), None)
        if key in st.session_state:  # and not where a link has come from another page
            st.session_state[key] = list(usual)
    asked = st.session_state[key] if key in st.session_state else _remembered(key)
    known = [name for name in dict.fromkeys(asked) if name in options][:most]
    if key not in st.session_state or (asked and not known):
        st.session_state[key] = known or list(usual)
    else:
        st.session_state[key] = known
    chosen = list(st.multiselect(label, options, key=key, help=help, max_selections=most, format_func=named))
    _remember(key, chosen)
    return chosen


def _remembered(key: str) -> list[str]:
    """What the address says of a widget that has just come onto the page, else what it said when it was last there.

    Streamlit forgets a widget's value, and its part of the address, when the user goes to another page.
    """
    return st.query_params.get_all(key) or st.session_state.get(_kept(key), [])


def _remember(key: str, values: list[str]) -> None:
    """Put the value of a widget into the address, and keep it for when the user comes back to the page."""
    st.session_state[_kept(key)] = values
    if values:
        st.query_params[key] = values
    elif key in st.query_params:
        del st.query_params[key]


def _kept(key: str) -> str:
    return f"{key}:kept"


@contextmanager
def told() -> Iterator[None]:
    """Show an error of ours, or of the disk, as a sentence instead of a traceback; the page goes on after the block."""
    try:
        yield
    except DaeError as error:
        st.error(str(error), icon=":material/error:")
    except OSError as error:
        st.error(f"A file cannot be used: {error.strerror or error}. Try again.", icon=":material/error:")
