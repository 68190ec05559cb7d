"""What buttons do, and what that leaves for the page, which is drawn afterwards.

A browser tells Streamlit with every message what all of its widgets say. The timer of a part of the page may send one
between a press and the message that is meant for it, with the press in it as well; and one more before it has heard
what the press has changed, with the widgets as they were. So a press counts once, and what it changes are new widgets,
of which the browser cannot have spoken yet. And a callback that looks into its session ends there if the page is to be
drawn anew already, so what a press leaves is in an object that the session holds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from dae.errors import DaeError
from dae.ui import presenter


@dataclass
class Wanted:
    """What buttons have left for the page, and what it goes by beside its widgets.

    Attributes:
        problem: what went wrong with the last button, until the next.
        page: where that was.
        runs: to watch from now on; None where nothing has changed.
        shows, launches: how often other runs were to be watched, and runs were started; part of the keys of widgets.
        curve_y: what the curves are to show from now on.
        usual: the runs that a visit without any in its address began with; the address leaves them out.
    """

    problem: str = ""
    page: str = ""
    runs: list[str] | None = None
    shows: int = 0
    launches: int = 0
    curve_y: str = "loss"
    usual: list[str] | None = None

    def show(self, runs: Sequence[str]) -> None:
        """Have these runs watched."""
        self.runs, self.shows = list(runs), self.shows + 1

    @property
    def runs_key(self) -> str:
        """Of the widget that says which runs are watched."""
        return f"runs:{self.shows}"


def wanted() -> Wanted:
    """That of this session; for buttons as they are drawn, not as they are pressed."""
    wish: Wanted = st.session_state.setdefault("wanted", Wanted())
    return wish


def action(act: Callable[..., object]) -> Callable[..., None]:
    """What a button does that only the presenter may press, as its `on_click`.

    Args:
        act: called once, however often the press arrives; what it needs of the session it asks for before it does
            anything. An error of ours stands on the page until the next press of a button.
    """
    leaves, is_done = wanted(), False

    def on_click(*args: object) -> None:
        nonlocal is_done
        if is_done:
            return
        problem = ""
        try:
            presenter.demand()
            act(*args)
        except DaeError as error:
            problem = str(error)
        is_done, leaves.problem = True, problem

    return on_click


def draw_problem(page: str) -> None:
    """Say what went wrong with the last press on this page."""
    told = wanted()
    if told.page != page:
        told.page, told.problem = page, ""
    if told.problem:
        st.error(told.problem, icon=":material/error:")
