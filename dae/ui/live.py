"""Watching runs: their progress, curves and pictures, drawn from their directories alone.

A browser spends most of its work on the number of elements that a tick redraws, and trains slower for it where the
two share a processor. So what may be clicked is drawn with the page, once; a tick redraws the rest, and has the page
drawn again when a run changes its state, or a control of the page says something else.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dae import words
from dae.recipes import CODE_FAMILY
from dae.runs import RunDirectory, find_run, list_runs
from dae.status import ACTIVE
from dae.ui import page, shared
from dae.ui.actions import wanted
from dae.ui.controls import controls
from dae.ui.curves import draw_curves
from dae.ui.playback import playback

POLL_S = 0.5
QUIET_POLL_S = 3.0  # nothing trains: for what other browsers and programs begin
MOST = 4  # runs watched at once
STATES = {
    "queued": ":gray-badge[:material/hourglass: waiting]",
    "running": ":blue-badge[:material/play_arrow: training]",
    "paused": ":orange-badge[:material/pause: paused]",
    "finished": ":green-badge[:material/check: finished]",
    "stopped": ":gray-badge[:material/stop: stopped]",
    "interrupted": ":orange-badge[:material/power_off: interrupted]",
    "failed": ":red-badge[:material/error: failed]",
}


def choose(known: Sequence[RunDirectory]) -> list[str]:
    """Let the user choose which of the known runs are watched; the choice is in the address."""
    wish, names = wanted(), [run.name for run in known]
    key = wish.runs_key
    if key in st.session_state:
        chosen = st.session_state[key]
    elif wish.runs is not None:
        chosen, wish.runs = wish.runs, None
    else:
        chosen = st.query_params.get_all("runs")
        if not set(chosen) & set(names):
            chosen = wish.usual = _usual(known)
    # A run that was deleted meanwhile is no longer a choice.
    st.session_state[key] = [name for name in dict.fromkeys(chosen) if name in names][:MOST]
    shown = st.multiselect(
        "Runs shown",
        names,
        key=key,
        max_selections=MOST,
        placeholder="Choose runs to watch, or to lay over each other",
        help="Every training is kept as a run. Choose several to compare their curves.",
    )
    if shown and shown != wish.usual:
        st.query_params["runs"] = shown
    elif "runs" in st.query_params:
        del st.query_params["runs"]
    return shown


def _usual(known: Sequence[RunDirectory]) -> list[str]:
    """What trains, else the newest run that is worth watching: not a recipe's that had learnt before it began."""
    if jobs := shared.lab().jobs():
        return list(jobs[0])
    curves = [run for run in known if not (run.recipe and run.pretrained) and run.recipe not in CODE_FAMILY]
    return [run.name for run in curves if not run.recipe.startswith("cifar10")][:1]


def watch(names: Sequence[str], drawn: Mapping[str, Any]) -> None:
    """Draw the runs, twice a second as long as one of them is active.

    Args:
        names: of the runs, at least one.
        drawn: how their curves are, from `curve_controls`.
    """
    before = _situation(names)
    with st.container():  # one element, whatever is in it: Streamlit knows a fragment by its place on the page
        groups = _grouped(names)
        for first in range(0, len(groups), 2):
            for column, runs in zip(st.columns(min(len(groups), 2)), groups[first : first + 2], strict=False):
                with column:
                    _header(runs)
        _queue(names)
    said = _said()

    @st.fragment(run_every=POLL_S if any(find_run(name).state in ACTIVE for name in names) else QUIET_POLL_S)
    def view() -> None:
        if _situation(names) != before or not _said().items() <= said.items():
            st.rerun()
        with page.told():
            runs = [find_run(name) for name in names]
            progress = {run.name: run.progress() for run in runs}
            draw_curves(runs, progress, drawn)
            with page.told():
                playback(runs, progress)

    with st.container(key="live"):  # its two parts stand side by side by style: columns would be four more elements
        view()


def _situation(names: Sequence[str]) -> tuple[object, ...]:
    """What the page around the curves shows: which runs there are, how these ones stand, and who waits."""
    known = list_runs()
    return [run.name for run in known], [run.state for run in known if run.name in names], shared.lab().jobs()


def _said() -> dict[str | int, object]:
    """What the controls of the page say; components say more than one word.

    A browser sends what happens in one moment as one message, and Streamlit answers it by drawing what spoke first.
    Where that was the chart, which confirms its points, the chart alone is drawn anew, though a click came with it.
    """
    return {key: value for key, value in st.session_state.items() if isinstance(value, str | int | float | list)}


def _grouped(names: Sequence[str]) -> list[list[RunDirectory]]:
    """The runs, those together that race: they are paused and stopped as one."""
    groups: dict[object, list[RunDirectory]] = {}
    for name in names:
        job = next((job for job in shared.lab().jobs() if name in job and find_run(name).state in ACTIVE), name)
        groups.setdefault(job, []).append(find_run(name))
    return list(groups.values())


def _header(runs: Sequence[RunDirectory]) -> None:
    """The names, states and controls of runs that are one job."""
    titles = [f"**{run.name}**&nbsp;&nbsp;{STATES.get(state := run.state, state)}" for run in runs]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(" &emsp; ".join(titles), width="stretch")
        controls(runs[0], runs[0].state)
    for run in runs:
        if message := run.status.message:
            (st.error if run.state == "failed" else st.caption)(message)


def _queue(names: Sequence[str]) -> None:
    """Who waits for whom."""
    current, *waiting = shared.lab().jobs() or [()]
    if waiting:
        paused = any(name not in names and find_run(name).state == "paused" for name in current)
        hint = f" {words.listing(list(current))} is paused; go on with it, or stop it." if paused else ""
        queue = words.listing([name for job in waiting for name in job])
        st.caption(f"Waiting for {words.listing(list(current))}: {queue}.{hint}")
