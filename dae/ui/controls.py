"""What may be done to a run: pause, stop, resume, rename, delete, explore."""

import streamlit as st

from dae.runs import RunDirectory, find_run
from dae.status import ACTIVE
from dae.ui import presenter, shared
from dae.ui.actions import Wanted, action, wanted


def controls(run: RunDirectory, state: str) -> None:
    """Draw the buttons that the state allows, and the link to what the run has learnt."""
    if not presenter.may_act():
        if state not in ACTIVE:
            _links(run)
        return
    lab = shared.lab()
    jobs = lab.jobs()
    ours = any(run.name in job for job in jobs)
    if ours and run.name in jobs[0] and state in ("running", "paused"):
        _hold(run.name, paused=state == "paused")
    if ours and state in ACTIVE:
        word = "Stop the race" if any(run.name in job and len(job) > 1 for job in jobs) else "Stop"
        st.button(word, icon=":material/stop:", key=f"stop-{run.name}", on_click=action(lab.stop), args=(run.name,))
    elif state in ACTIVE:
        _elsewhere(run)
    if state in ("stopped", "interrupted", "failed"):
        st.button(
            "Resume", icon=":material/play_arrow:", key=f"resume-{run.name}", on_click=action(_resume), args=(run.name,)
        )
    if state not in ACTIVE:
        _links(run)
        _housekeeping(run)


def _hold(name: str, paused: bool) -> None:
    """One button for both, so that it stands still under the pointer while its word changes."""
    lab = shared.lab()
    word, icon, act = ("Go on", "play_arrow", lab.resume) if paused else ("Pause", "pause", lab.pause)
    st.button(word, icon=f":material/{icon}:", key=f"hold-{name}", on_click=action(act), args=(name,))


def _elsewhere(run: RunDirectory) -> None:
    """A run that another program trains, here or on another machine: it can be asked to stop."""
    if run.status.stop_requested:
        st.caption("asked to stop", width="content")
        return
    st.caption("trained by another program", width="content")
    st.button("Stop", icon=":material/stop:", key=f"stop-{run.name}", on_click=action(_request_stop), args=(run.name,))


def _links(run: RunDirectory) -> None:
    if run.has_model and run.dataset in shared.available_datasets():
        link = {"data": shared.option(run.dataset), "models": run.name, "compared": run.name}
        st.page_link("pages/explore.py", label="Explore", icon=":material/search:", query_params=link)
        st.page_link("pages/compare.py", label="Compare", icon=":material/leaderboard:", query_params=link)


def _housekeeping(run: RunDirectory) -> None:
    with st.popover("More", icon=":material/more_horiz:", key=f"more-{run.name}"):
        st.text_input("New name", run.name, key=f"name-{run.name}", max_chars=64)
        st.button("Rename", key=f"rename-{run.name}", on_click=action(_rename), args=(wanted(), run.name))
        sure = st.checkbox("Yes, remove this run and its model", key=f"sure-{run.name}")
        st.button(
            "Delete",
            icon=":material/delete:",
            key=f"delete-{run.name}",
            on_click=action(_delete),
            args=(wanted(), run.name),
            disabled=not sure,
        )


def _resume(name: str) -> None:
    shared.lab().start(find_run(name))


def _request_stop(name: str) -> None:
    find_run(name).status.request_stop()


def _rename(wish: Wanted, name: str) -> None:
    shown, new = st.session_state.get(wish.runs_key, []), st.session_state[f"name-{name}"].strip()
    renamed = find_run(name).rename(new).name
    wish.show([renamed if other == name else other for other in shown])


def _delete(wish: Wanted, name: str) -> None:
    shown = st.session_state.get(wish.runs_key, [])
    find_run(name).delete()
    wish.show([other for other in shown if other != name])
