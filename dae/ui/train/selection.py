"""The selection of the Train page: runs to watch and axes of their curves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from dae.runs import Run
from dae.training.recipes import NOISE_ABLATION_RECIPES
from dae.ui import address, model_options, resources
from dae.ui.shell.actions import page_state
from dae.ui.train.previews import run_frames
from dae.viz import plots

MAX_RUNS = 4
# Trainings that make sense side by side only: they compare noises or targets.
_STUDIES = frozenset({*NOISE_ABLATION_RECIPES, "clean-targets", "noisy-targets"})
# Y axes of the curves: label -> (name, logarithmic).
_Y_AXES = {"PSNR": ("psnr_db", False), "Loss": ("loss", False), "Loss, log scale": ("loss", True)}


@dataclass(frozen=True)
class CurveAxes:
    """Axes and smoothing of the curves; see `loss_figure`."""

    x: str
    y: str
    log: bool
    smoothing: float


@dataclass(frozen=True)
class Selection:
    """The runs to watch, by name, and the axes of their curves."""

    runs: tuple[str, ...]
    axes: CurveAxes


def select() -> Selection:
    """Draw the controls above the curves and return what they select."""
    return Selection(select_runs(resources.usable_runs()), select_axes())


def select_runs(available: Sequence[Run]) -> tuple[str, ...]:
    """Let the user select runs; the URL has the selection unless it is the default."""
    state, models = page_state(), {run.name: run for run in available}
    key = state.runs_key
    kept = st.session_state.get(key)
    # Not an empty selection from before the first training, and not runs that are all gone.
    if kept is not None and (set(kept) & set(models) if kept else state.default_runs != []):
        selected = kept
    elif state.runs is not None:
        selected, state.runs = state.runs, None
    else:
        selected = st.query_params.get_all("runs")
        if not set(selected) & set(models):
            selected = state.default_runs = default_runs(available)
            if not address.is_history_navigation() and _stays(state.watched, models):
                selected = state.watched
    # A selected run may have been deleted.
    st.session_state[key] = [name for name in dict.fromkeys(selected) if name in models][:MAX_RUNS]
    shown = st.multiselect(
        "Trainings",
        list(models),
        key=key,
        max_selections=MAX_RUNS,
        format_func=lambda name: f"{next(iter(model_options.run_labels([models[name]]).values()))} · {name}",
        placeholder="Choose up to four trainings to compare",
        label_visibility="collapsed",
    )
    # The default changes when another training ends.
    is_default = shown == state.default_runs and shown == default_runs(available)
    address.write_param("runs", [] if is_default else shown)
    state.watched = shown
    return tuple(shown)


def _stays(watched: Sequence[str], models: Mapping[str, Run]) -> bool:
    """Return whether a page that is opened again shows the same runs: unless they are gone, or others train."""
    jobs = resources.training_queue().jobs()
    return bool(set(watched) & set(models)) and (not jobs or bool(set(watched) & set(jobs[0])))


def default_runs(available: Sequence[Run]) -> list[str]:
    """Return the names of the runs to watch at first: those that train, else the last finished ones with frames.

    They are the runs of the last training of this server; after its start, the last finished run.
    """
    queue = resources.training_queue()
    if jobs := queue.jobs():
        return list(jobs[0])
    finished = {run.name: run for run in available if run.state == "finished"}
    if last := [name for name in queue.last_job() if name in finished and _has_frames(finished[name])]:
        return last
    for run in finished.values():
        is_typical = not (run.recipe and run.pretrained) and run.recipe not in _STUDIES
        if is_typical and not run.recipe.startswith("cifar10") and _has_frames(run):
            return [run.name]
    return []


def _has_frames(run: Run) -> bool:
    return len(run_frames(run, run.progress())) > 1


def select_axes() -> CurveAxes:
    """Let the user select the axes of the curves."""
    with st.popover("Chart", icon=":material/tune:", key="details"):
        y = st.segmented_control(
            "Y axis",
            list(_Y_AXES),
            default="PSNR",
            required=True,
            key="curve_y",
            persist_state="session",
            help="**PSNR**: image quality in dB, higher is better. **Loss**: the error being minimized; a logarithmic "
            "scale reveals small differences late in training.",
        )
        x = st.segmented_control(
            "X axis",
            plots.X_AXES,
            format_func=str.capitalize,
            default="epoch",
            required=True,
            key="curve_x",
            persist_state="session",
            help="An **epoch** is one pass over the training images; a **step** is one batch of them.",
        )
        smoothing = st.slider(
            "Smoothing",
            0.0,
            0.95,
            0.0,
            0.05,
            key="curve_smoothing",
            persist_state="session",
            help="Smooths the training loss. Validation is unchanged.",
        )
    name, log = _Y_AXES.get(y or "", ("psnr_db", False))
    return CurveAxes(x or "epoch", name, log, smoothing)
