"""Watching runs: their progress, curves and pictures, drawn from their directories alone."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from dae import plots, words
from dae.data import DATASETS
from dae.errors import DaeError
from dae.runs import RunDirectory, find_run, list_runs
from dae.status import ACTIVE
from dae.training import Scores
from dae.ui import page, shared
from dae.ui.components import live_chart
from dae.ui.playback import color, playback

POLL_S = 0.5
STATES = {
    "queued": ":gray-badge[:material/hourglass: waiting]",
    "running": ":blue-badge[:material/play_arrow: training]",
    "paused": ":orange-badge[:material/pause: paused]",
    "finished": ":green-badge[:material/check: finished]",
    "stopped": ":gray-badge[:material/stop: stopped]",
    "interrupted": ":orange-badge[:material/power_off: interrupted]",
    "failed": ":red-badge[:material/error: failed]",
}


def watch(names: Sequence[str]) -> None:
    """Draw the runs, twice a second as long as one of them is active, and the whole page once when that ends."""
    st.session_state.pop("acted", None)  # the whole page is being drawn
    active = any(find_run(name).state in ACTIVE for name in names)

    @st.fragment(run_every=POLL_S if active else None)
    def view() -> None:
        if st.session_state.pop("acted", False):
            st.rerun()  # a click in here draws this part alone; what it changed concerns the whole page
        known = {run.name for run in list_runs()}
        if not known.issuperset(names):
            st.rerun()  # deleted or renamed elsewhere: the page chooses anew
        with page.told():
            runs = [find_run(name) for name in names]
            progress = {run.name: run.progress() for run in runs}
            still_active = [_progress_row(run, progress[run.name]) in ACTIVE for run in runs]
            _queue(names)
            _verdict(runs, progress)
            _curves(runs, progress)
            with page.told():
                playback(runs, progress)
            if active and not any(still_active):
                st.rerun()

    view()


def _queue(names: Sequence[str]) -> None:
    """Who waits for whom."""
    current, *waiting = shared.lab().jobs() or [()]
    if waiting:
        paused = any(name not in names and find_run(name).state == "paused" for name in current)
        hint = f" {words.listing(list(current))} is paused; go on with it, or stop it." if paused else ""
        queue = words.listing([name for job in waiting for name in job])
        st.caption(f"Waiting for {words.listing(list(current))}: {queue}.{hint}")


def _progress_row(run: RunDirectory, lines: list[dict[str, Any]]) -> str:
    """The run's name, state, progress and controls; returns the state."""
    state = run.state
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{run.name}** &nbsp; {STATES.get(state, state)}", width="stretch")
            _controls(run, state)
        st.progress(
            min(lines[-1]["step"] / max(lines[-1]["steps"], 1), 1.0) if lines else 0.0, _facts(run, state, lines)
        )
        if message := run.status.message:
            (st.error if state == "failed" else st.caption)(message)
    return state


def _facts(run: RunDirectory, state: str, lines: list[dict[str, Any]]) -> str:
    """Where a run stands, in one line."""
    if not lines:
        return "Opening the images …" if state == "running" else "Not begun yet."
    last = lines[-1]
    epoch = math.ceil(last["step"] / last["steps"] * last["epochs"])
    facts = [f"epoch {max(epoch, 1)} of {last['epochs']}"]
    if state == "running" and last["step"]:
        facts.append(f"{words.duration(last['seconds'] / last['step'] * (last['steps'] - last['step']))} left")
        speed = next((line["images_per_second"] for line in reversed(lines) if line.get("images_per_second")), None)
        facts += [f"{speed:,.0f} images a second"] if speed else []
        facts += [known.device] if (known := run.facts()) else []
    else:
        facts.append(f"{words.duration(last['seconds'])} of training")
    scored = [line for line in lines if line.get("scores")]
    if scored:
        psnr_db, noisy_db = scored[-1]["scores"]["psnr_db"], scored[-1]["noisy_scores"]["psnr_db"]
        best = max(line["scores"]["psnr_db"] for line in scored)
        facts.append(
            f"now {psnr_db:.1f} dB, best {best:.1f} dB ({words.gain(best - noisy_db)}, compared with the noisy input)"
        )
    return " · ".join(facts)


def _controls(run: RunDirectory, state: str) -> None:
    lab = shared.lab()
    jobs = lab.jobs()
    ours = any(run.name in job for job in jobs)
    if ours and jobs and run.name in jobs[0] and state == "running":
        st.button("Pause", icon=":material/pause:", key=f"pause-{run.name}", on_click=lab.pause, args=(run.name,))
    if ours and state == "paused":
        st.button("Go on", icon=":material/play_arrow:", key=f"goon-{run.name}", on_click=lab.resume, args=(run.name,))
    if ours and state in ACTIVE:
        word = "Stop the race" if any(run.name in job and len(job) > 1 for job in jobs) else "Stop"
        st.button(word, icon=":material/stop:", key=f"stop-{run.name}", on_click=lab.stop, args=(run.name,))
    elif state in ACTIVE:
        st.caption("trained by another process")
    if state in ("stopped", "interrupted", "failed"):
        again = (_resume, run.name)
        st.button("Resume", icon=":material/play_arrow:", key=f"resume-{run.name}", on_click=_act, args=again)
    if state not in ACTIVE:
        if run.has_model and run.dataset in shared.available_datasets():
            link = {"data": dataset_label(run.dataset), "models": run.name}
            st.page_link("pages/explore.py", label="Explore it", icon=":material/search:", query_params=link)
        with st.popover("More", icon=":material/more_horiz:", key=f"more-{run.name}"):
            st.text_input("New name", run.name, key=f"name-{run.name}", max_chars=64)
            st.button("Rename", key=f"rename-{run.name}", on_click=_act, args=(_rename, run.name))
            sure = st.checkbox("Yes, remove this run and its model", key=f"sure-{run.name}")
            st.button(
                "Delete",
                icon=":material/delete:",
                key=f"delete-{run.name}",
                on_click=_act,
                args=(_delete, run.name),
                disabled=not sure,
            )


def tell(problem: str) -> None:
    """Leave a sentence for the next drawing of the page; callbacks draw before it."""
    st.session_state["problem"] = problem


def _act(action: Callable[[str], None], name: str) -> None:
    """Do something to a run from a button, and have the whole page drawn anew."""
    try:
        action(name)
    except DaeError as error:
        tell(str(error))
    st.session_state["acted"] = True


def _resume(name: str) -> None:
    shared.lab().start(find_run(name))


def _rename(name: str) -> None:
    renamed = find_run(name).rename(st.session_state[f"name-{name}"].strip()).name
    _show([renamed if shown == name else shown for shown in st.session_state.get("runs", [])])


def _delete(name: str) -> None:
    find_run(name).delete()
    _show([shown for shown in st.session_state.get("runs", []) if shown != name])


def _show(names: list[str]) -> None:
    """Choose what the page shows from its next drawing on."""
    st.session_state["runs"] = names


def _verdict(runs: Sequence[RunDirectory], progress: dict[str, list[dict[str, Any]]]) -> None:
    """One sentence on who leads a race, after the last epoch that all have finished."""
    scored = {
        run.name: {line["epoch"]: line["scores"]["psnr_db"] for line in progress[run.name] if line.get("scores")}
        for run in runs
    }
    common = set.intersection(*map(set, scored.values())) if len(runs) > 1 else set()
    if len(runs) < 2 or max(common, default=0) == 0:
        return
    epoch = max(common)
    first, second = sorted(scored, key=lambda name: -scored[name][epoch])[:2]
    lead = scored[first][epoch] - scored[second][epoch]
    if lead < 0.05:
        st.markdown(f"After epoch {epoch} **{first}** and **{second}** are level at {scored[first][epoch]:.1f} dB.")
    else:
        st.markdown(
            f"After epoch {epoch} **{first}** leads **{second}** by {lead:.1f} dB ({scored[first][epoch]:.1f} dB)."
        )


def _curves(runs: Sequence[RunDirectory], progress: dict[str, list[dict[str, Any]]]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        y = st.segmented_control(
            "Show",
            plots.Y_AXES,
            format_func=lambda name: "Loss" if name == "loss" else "PSNR",
            default="loss",
            required=True,
            key="curve_y",
            help="**Loss** is the error that training makes smaller; **PSNR** how clear the pictures are, in decibels.",
        )
        x = st.segmented_control(
            "Against",
            plots.X_AXES,
            format_func=str.capitalize,
            default="epoch",
            required=True,
            key="curve_x",
            help="An **epoch** is one pass over all training pictures; a **step** is one batch of them.",
        )
        log = st.toggle("Log scale", key="curve_log", help="Shows small differences late in the training.")
        smoothing = st.slider(
            "Smoothing",
            0.0,
            0.95,
            0.0,
            0.05,
            key="curve_smoothing",
            width=180,
            help="Averages the jumpy training loss; the validation curve stays as measured.",
        )
    used: dict[str, int] = {}
    curves = []
    for run in runs:
        model = run.model
        dash = plots.DASHES[used.get(model, 0) % len(plots.DASHES)]  # a second run of a model shares its colour
        used[model] = used.get(model, 0) + 1
        curves.append(plots.Curve(run.name, color(model), progress[run.name], dash))
    if x and y and any(progress.values()):
        live_chart(
            plots.loss_figure(curves, x, y, log, smoothing, _references(runs)),
            key="loss-chart",
            alt=f"{plots.Y_AXES[y]} of {words.listing([run.name for run in runs])} against the {plots.X_AXES[x]}",
        )


def _references(runs: Sequence[RunDirectory]) -> dict[str, Scores]:
    """What needs no training, where all the runs have the same: they then share data and noise."""
    known = [facts.references for run in runs if (facts := run.facts())]
    return known[0] if known and all(other == known[0] for other in known) else {}


def dataset_label(name: str) -> str:
    """What pages call a data set, in their addresses too."""
    return DATASETS[name].label if name in DATASETS else name
