"""Controls of the watched runs: pause, stop, resume, rename, delete, and links to the pages that use their models."""

from collections.abc import Mapping, Sequence

import streamlit as st

from dae.runs import ACTIVE_STATES, Run, find_run, to_run_name
from dae.ui import model_options, resources, selectors
from dae.ui.shell import auth, messages
from dae.ui.shell.actions import PageState, page_state, presenter_callback

_BADGES = {
    "queued": ":gray-badge[:material/hourglass: waiting]",
    "running": ":blue-badge[:material/play_arrow: training]",
    "paused": ":orange-badge[:material/pause: paused]",
    "finished": ":green-badge[:material/check: finished]",
    "stopped": ":gray-badge[:material/stop: stopped]",
    "interrupted": ":orange-badge[:material/power_off: interrupted]",
    "failed": ":red-badge[:material/error: failed]",
}


def render_controls(runs: Sequence[Run]) -> None:
    """Draw states and the buttons that apply to the runs, and links to their models, side by side."""
    states, labels = {run.name: run.state for run in runs}, model_options.run_labels(runs)
    st.markdown(" &ensp; ".join(badges(states, labels)), width="content")
    ended = [run for run in runs if states[run.name] not in ACTIVE_STATES]
    unfinished = [run for run in ended if states[run.name] != "finished"]
    if auth.is_presenter():
        jobs = resources.training_queue().jobs()
        watched = [job for job in jobs if set(job) & set(states)]
        for job in watched:
            _render_job_controls(job, states, is_current=job is jobs[0])
        queued = {name for job in watched for name in job}
        for run in runs:
            # A run that has ended since its state was read is in no job, either.
            if run.name not in queued and run.state in ACTIVE_STATES:
                _render_remote_controls(run)
        is_race = len({(run.dataset, run.noise) for run in unfinished}) == 1
        for group in [unfinished] if is_race else [[run] for run in unfinished]:
            _render_resume_button(group, labels[group[0].name] if len(runs) > 1 else "training")
    _render_links(ended)
    if auth.is_presenter():
        _render_more(ended, labels)


def badges(states: Mapping[str, str], labels: Mapping[str, str]) -> list[str]:
    """Return the states of runs as badges, with the labels of the runs if the states differ.

    Models of a race that have not had their first turn need no badge: their lines of progress say that they wait.
    """
    shown = {name: _BADGES.get(state, state) for name, state in states.items()}
    if set(states.values()) == {"running", "queued"}:
        return [_BADGES["running"]]
    if len(set(shown.values())) < 2:
        return list(dict.fromkeys(shown.values()))
    return [f"{labels[name]} {badge}" for name, badge in shown.items()]


def render_messages(runs: Sequence[Run]) -> None:
    """Draw the reasons why runs failed or stopped."""
    labels = model_options.run_labels(runs)
    for run in runs:
        if message := messages.for_viewer(run.status.message):
            text = f"{labels[run.name]}: {message}" if len(runs) > 1 else message
            (st.error if run.state == "failed" else st.caption)(text)


def _render_job_controls(job: tuple[str, ...], states: Mapping[str, str], is_current: bool) -> None:
    """Draw the buttons that pause and stop a job of this process.

    They act on all its runs, as the first of them may end before the press.
    """
    queue, name = resources.training_queue(), next(name for name in job if name in states)
    if is_current and states[name] in ("running", "paused"):
        # One button for both actions, so that it stays in place while its label changes.
        is_paused = states[name] == "paused"
        label, icon, act = ("Resume", "play_arrow", queue.resume) if is_paused else ("Pause", "pause", queue.pause)
        st.button(label, icon=f":material/{icon}:", key=f"hold-{name}", on_click=presenter_callback(act), args=job)
    st.button(
        "Stop the race" if len(job) > 1 else "Stop",
        icon=":material/stop:",
        key=f"stop-{name}",
        on_click=presenter_callback(queue.stop),
        args=job,
    )


def _render_remote_controls(run: Run) -> None:
    """Draw the controls of a run that another process trains, here or on another machine: only a stop request."""
    if run.status.stop_requested:
        st.caption("Stopping …", width="content")
        return
    st.caption("Running elsewhere", width="content")
    st.button(
        "Stop",
        icon=":material/stop:",
        key=f"stop-{run.name}",
        on_click=presenter_callback(lambda: find_run(run.name).status.request_stop()),
    )


def _render_resume_button(runs: Sequence[Run], label: str) -> None:
    """Draw the button that continues a run with this label, or several runs as one job."""
    names = [run.name for run in runs]
    st.button(
        "Continue the race" if len(names) > 1 else f"Continue {label}",
        icon=":material/play_arrow:",
        key=f"resume-{'-'.join(names)}",
        on_click=presenter_callback(lambda: resources.training_queue().start(*map(find_run, names))),
    )


def _render_links(runs: Sequence[Run]) -> None:
    """Draw links to Explore and Compare with the models of the runs on the data set of the first one."""
    runs = [run for run in runs if run.has_model and run.dataset in resources.available_datasets()]
    names = [run.name for run in runs if run.dataset == runs[0].dataset]
    if names:
        params = {"data": selectors.dataset_option(runs[0].dataset), "models": names, "compared": names}
        st.page_link("pages/explore.py", label="Explore", icon=":material/search:", query_params=params)
        st.page_link("pages/compare.py", label="Compare", icon=":material/leaderboard:", query_params=params)


def _render_more(runs: Sequence[Run], labels: dict[str, str]) -> None:
    """Draw the menu that renames and deletes runs."""
    if not runs:
        return
    with st.popover("More", icon=":material/more_horiz:", key=f"more-{runs[0].name}"):
        for run in runs:
            if len(runs) > 1:
                st.markdown(f"**{labels[run.name]}**")
            st.text_input("New name", run.name, key=f"name-{run.name}", max_chars=64)
            st.button(
                "Rename", key=f"rename-{run.name}", on_click=presenter_callback(_rename), args=(page_state(), run.name)
            )
            is_sure = st.checkbox("Yes, delete this model permanently", key=f"sure-{run.name}")
            st.button(
                "Delete",
                icon=":material/delete:",
                key=f"delete-{run.name}",
                on_click=presenter_callback(_delete),
                args=(page_state(), run.name),
                disabled=not is_sure,
            )


def _rename(state: PageState, name: str) -> None:
    renamed = find_run(name).rename(to_run_name(st.session_state[f"name-{name}"].strip())).name
    state.show([renamed if other == name else other for other in state.watched])


def _delete(state: PageState, name: str) -> None:
    find_run(name).delete()
    state.show([other for other in state.watched if other != name])
