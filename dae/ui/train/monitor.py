"""Watch runs: their state, curves and preview images, read from the run directories.

Each redrawn element takes time in the browser and slows down a training on the same processor. So buttons are drawn
once with the page, and a timer redraws only headline, curves and images. It reruns the page if the state of a run or
the value of a widget changes.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import streamlit as st

from dae.errors import RunError
from dae.runs import ACTIVE_STATES, Run, find_run, run_names
from dae.ui import model_options, resources
from dae.ui.shell import auth, page
from dae.ui.shell.actions import page_state
from dae.ui.train.curves import remaining_seconds, render_curves
from dae.ui.train.headline import collapsed_output, headline
from dae.ui.train.previews import latest_pixel_ranges, render_previews
from dae.ui.train.run_controls import render_messages
from dae.ui.train.selection import Selection
from dae.utils import text

_POLL_S = 0.5
# While nothing trains, the timer only looks for runs of other browsers and programs.
_IDLE_POLL_S = 3.0


@dataclass(frozen=True)
class RunsProgress:
    """Runs, the lines of progress of each, and the headline over them.

    Attributes:
        labels: display names by name of the run.
    """

    runs: tuple[Run, ...]
    progress: Mapping[str, list[dict[str, Any]]]
    labels: Mapping[str, str]
    headline: str


def compute(names: Sequence[str]) -> RunsProgress:
    """Read the progress of runs.

    Raises:
        RunError: a run was deleted.
    """
    runs = tuple(find_run(name) for name in names)
    progress = {run.name: run.progress() for run in runs}
    labels = model_options.run_labels(runs)
    words = headline(
        labels,
        {run.name: run.state for run in runs},
        progress,
        remaining_s=remaining_seconds([run.name for run in runs if run.state in ACTIVE_STATES], progress),
        comparable=len({(run.dataset, run.noise) for run in runs}) == 1,
        collapsed={run.name: collapsed_output(latest_pixel_ranges(run, progress[run.name])) for run in runs},
    )
    return RunsProgress(runs, progress, labels, words)


def render_monitor(selection: Selection, snapshot: tuple[object, ...]) -> None:
    """Draw the selected runs, at least one, and redraw them while one of them is active.

    Args:
        snapshot: of `page_snapshot`, from before the page was drawn.
    """
    names, runs = selection.runs, [find_run(name) for name in selection.runs]
    with st.container():
        render_messages(runs)
    values = _widget_values()
    is_active = any(run.state in ACTIVE_STATES for run in runs)

    @st.fragment(run_every=_POLL_S if is_active else _IDLE_POLL_S)
    def render_progress() -> None:
        if page_snapshot(names) != snapshot or not _widget_values().items() <= values.items():
            st.rerun()
        with page.show_errors():
            watched = compute(names)
            st.markdown(watched.headline)
            render_curves(watched.runs, watched.progress, watched.labels, selection.axes)
            with page.show_errors():
                render_previews(watched.runs, watched.progress, watched.labels)

    # A style sheet puts the headline above the other two parts, which are side by side: columns would be more elements.
    has_images = is_active or any(run.preview_path("clean").is_file() for run in runs)
    with st.container(key="live" if has_images else "live_curves"):
        render_progress()


def render_waiting(snapshot: tuple[object, ...]) -> None:
    """Draw a hint while no run is selected, and rerun the page when one appears."""

    @st.fragment(run_every=_IDLE_POLL_S)
    def render_hint() -> None:
        if page_snapshot(()) != snapshot:
            st.rerun()
        if run_names():
            st.info("No training is selected. Choose one above.")
        elif auth.is_presenter():
            st.info("Nothing to show yet. Start a training above.")
        else:
            st.info("Nothing to show yet. The presenter starts trainings; they appear here.")

    render_hint()


def render_queue(names: Sequence[str]) -> None:
    """Draw a chip for each job in the queue that is not watched; a press watches it.

    Args:
        names: the watched runs.
    """
    jobs = resources.training_queue().jobs()
    for index, job in enumerate(jobs):
        if set(job) <= set(names):
            continue
        runs = [find_run(name) for name in job]
        label = text.join_words(list(model_options.run_labels(runs).values()))
        now = {"paused": "Paused", "running": "Training"}.get(runs[0].state, "Starting")
        st.button(
            f"{'Next' if index else now}: {label}",
            icon=":material/hourglass:" if index else ":material/school:",
            key=f"watch-{job[0]}",
            help="Show this training.",
            on_click=page_state().show,
            args=(list(job),),
        )


def page_snapshot(names: Sequence[str]) -> tuple[object, ...]:
    """Return what the page shows around the curves: all runs, the states of the watched ones, and the queue."""
    states = []
    for name in names:
        # A run may have been deleted, which changes the list of names.
        with suppress(RunError):
            states.append(find_run(name).state)
    return run_names(), states, resources.training_queue().jobs()


def _widget_values() -> dict[str | int, object]:
    """Return the values of the widgets, without the compound values of components.

    A browser sends simultaneous events as one message, and Streamlit reruns the page or the fragment of the first one.
    If that is a component in the fragment, only the fragment runs, although the message also contains a click on the
    page.
    """
    return {key: value for key, value in st.session_state.items() if isinstance(value, str | int | float | list)}
