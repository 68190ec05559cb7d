"""Button callbacks and the session state that they update.

A browser sends the values of all widgets with each message. A timer of a fragment can send one between a press and its
own message, so a press can arrive twice; and the browser can send old widget values once more before it receives what
the press changed. A press therefore counts once, and its changes appear in widgets with new keys, for which the browser
has no values yet. Streamlit also ends a callback that reads `st.session_state` if another rerun is requested, so
callbacks write to an object that the session state holds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import streamlit as st

from dae.errors import DaeError
from dae.ui.shell import auth, messages


@dataclass
class PageState:
    """State of a session that is no value of a widget.

    Attributes:
        problem: error message of the last button pressed, on `page`.
        runs: runs to watch from now on; None if unchanged.
        shows: how often callbacks changed the watched runs; part of a widget key.
        dialog: key of the open dialog, empty for none.
        default_runs: runs watched by default, which the URL leaves out.
        watched: the runs that the page showed last, for when it is opened again.
    """

    problem: str = ""
    page: str = ""
    runs: list[str] | None = None
    shows: int = 0
    dialog: str = ""
    default_runs: list[str] | None = None
    watched: list[str] = field(default_factory=list)

    def show(self, runs: Sequence[str]) -> None:
        """Select the runs to watch."""
        self.runs, self.shows = list(runs), self.shows + 1

    @property
    def runs_key(self) -> str:
        """Return the key of the widget that selects the watched runs."""
        return f"runs:{self.shows}"


def page_state() -> PageState:
    """Return the state of this session. Pages call this; callbacks receive the object."""
    state: PageState = st.session_state.setdefault("page_state", PageState())
    return state


def presenter_callback(act: Callable[..., object]) -> Callable[..., None]:
    """Return an `on_click` callback that only a presenter may use, and that runs `act` at most once.

    A `DaeError` raised by `act` is shown on the page until the next press of a button.
    """
    state, authorization, is_done = page_state(), auth.authorization(), False

    def on_click(*args: object) -> None:
        nonlocal is_done
        if is_done:
            return
        problem = ""
        try:
            authorization.require_presenter()
            act(*args)
        except DaeError as error:
            problem = str(error)
        is_done, state.problem = True, problem

    return on_click


def show_last_error(page: str) -> None:
    """Show the error of the last button pressed on this page."""
    state = page_state()
    if state.page != page:
        state.page, state.problem, state.dialog = page, "", ""
    # An open dialog shows the error next to its button.
    if state.problem and not state.dialog:
        messages.show_error(state.problem)
