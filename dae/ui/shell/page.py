"""The frame of every page: settings, style sheet, navigation and error messages."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from dae.errors import DaeError
from dae.ui import address, server_tuning
from dae.ui.components.base import ASSETS
from dae.ui.shell import actions, auth, messages, page_help, presentation
from dae.ui.tour.view import render_tour

PAGES = {  # path: (name, icon)
    "dashboard.py": ("Start", ":material/home:"),
    "pages/train.py": ("Train", ":material/school:"),
    "pages/explore.py": ("Explore", ":material/search:"),
    "pages/compare.py": ("Compare", ":material/leaderboard:"),
}


def setup_page(path: str, title: str, lead: str) -> None:
    """Draw the header of a page. Pages call this first, once.

    Args:
        path: key of PAGES.
        title: heading.
        lead: one sentence on what the page is for.
    """
    # Streamlit runs each script in a thread of its own.
    server_tuning.lower_priority()
    address.begin_run()
    name, _ = PAGES[path]
    st.set_page_config(
        page_title=f"{name} · Denoising autoencoders",
        # A named icon would be fetched from the network.
        page_icon=str(ASSETS / "icon.png"),
        layout="wide",
        initial_sidebar_state="collapsed",
    )
    st.html(ASSETS / "page.css")
    presentation.apply_presentation_mode()
    with st.container(key="header", horizontal=True, vertical_alignment="center", gap="small"):
        for target, (label, icon) in PAGES.items():
            with st.container(key=f"to_{label}", width="content"):
                st.page_link(target, label=f"**{label}**" if target == path else label, icon=icon)
        page_help.render_help(path)
        presentation.presentation_button()
        auth.sign_in()
        presentation.register_shortcuts(f"to_{label}" for label, _ in PAGES.values())
    with st.container(key="title", gap="small"):
        is_presenter, is_large = auth.is_presenter(), presentation.in_presentation_mode()
        if not render_tour(path, is_presenter, is_large):
            st.title(title, anchor=False)
            st.container(key="lead").markdown(lead)
    # One element with or without messages, so that elements below keep their position and so their state.
    with st.container():
        actions.show_last_error(path)
        auth.warning()


@contextmanager
def show_errors() -> Iterator[None]:
    """Show a `DaeError` or an `OSError` raised in the block as a message; the page continues after the block."""
    try:
        yield
    except DaeError as error:
        messages.show_error(str(error))
    except OSError as error:
        messages.show_error(f"Cannot read a file: {error.strerror or error}. Try again.")
