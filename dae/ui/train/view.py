"""The Train page: launcher, selection, monitor."""

import streamlit as st

from dae.runs import find_run
from dae.ui import resources
from dae.ui.shell import auth, messages, page
from dae.ui.train.launcher import render_launcher
from dae.ui.train.monitor import page_snapshot, render_monitor, render_queue, render_waiting
from dae.ui.train.run_controls import render_controls
from dae.ui.train.selection import select
from dae.utils.text import counted

_MAX_NAMED_RUNS = 3


def render_train() -> None:
    """Draw the page below its header."""
    render_launcher()
    render_unusable_runs()
    with page.show_errors():
        # One element, however many buttons it has: Streamlit identifies what follows by its position.
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="watching"):
            selection = select()
            # Before the buttons are drawn: they depend on it, and a timer compares with it.
            snapshot = page_snapshot(selection.runs)
            render_queue(selection.runs)
            render_controls([find_run(name) for name in selection.runs])
        if selection.runs:
            render_monitor(selection, snapshot)
        else:
            render_waiting(snapshot)


def render_unusable_runs() -> None:
    """Show presenters the names of unusable runs and the reasons."""
    problems = resources.unusable_runs()
    if not problems or not auth.is_presenter():
        return
    listed = list(problems.items())[:_MAX_NAMED_RUNS]
    number = f"{counted(len(problems), 'run')} cannot be used"
    reasons = " ".join(f"{name}: {reason}" for name, reason in listed)
    others = f" And {len(problems) - len(listed)} more." if len(problems) > len(listed) else ""
    st.caption(f":material/warning: {number}. {messages.for_viewer(reasons)}{others}")
