"""Runs in one chart: their curves, how far each has come, and who leads."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dae import plots, words
from dae.config import geometric_mean_mse
from dae.errors import SpecError
from dae.facts import Facts
from dae.runs import RunDirectory
from dae.training import Scores
from dae.ui import shared
from dae.ui.actions import wanted
from dae.ui.chart import Bar, live_chart
from dae.ui.playback import color

Progress = Mapping[str, list[dict[str, Any]]]


def curve_controls() -> dict[str, Any]:
    """Let the user choose how curves are drawn; the arguments of `plots.loss_figure`."""
    wish = wanted()
    y = st.segmented_control(
        "Show",
        plots.Y_AXES,
        format_func=lambda name: "Loss" if name == "loss" else "PSNR",
        default=wish.curve_y,
        required=True,
        key=f"curve_y:{wish.launches}",
        help="**Loss** is the error that training makes smaller; **PSNR** how clear the pictures are, in decibels.",
    )
    x = st.segmented_control(
        "Against",
        plots.X_AXES,
        format_func=str.capitalize,
        default="epoch",
        required=True,
        key="curve_x",
        persist_state="session",
        help="An **epoch** is one pass over all training pictures; a **step** is one batch of them.",
    )
    smoothing = st.slider(
        "Smoothing",
        0.0,
        0.95,
        0.0,
        0.05,
        key="curve_smoothing",
        persist_state="session",
        width=140,
        help="Averages the jumpy training loss; the validation curve stays as measured.",
    )
    log = st.toggle(
        "Log scale", key="curve_log", persist_state="session", help="Shows small differences late in the training."
    )
    wish.curve_y = y or "loss"  # also when the user comes back to the page
    return {"x": x or "epoch", "y": wish.curve_y, "log": log, "smoothing": smoothing}


def draw_curves(runs: Sequence[RunDirectory], progress: Progress, drawn: Mapping[str, Any]) -> None:
    """Draw the curves of runs over each other.

    Args:
        runs: at least one.
        progress: of each run.
        drawn: how they are, from `curve_controls`.
    """
    used: dict[str, int] = {}
    curves = []
    for run in runs:
        dash = plots.DASHES[used.get(run.model, 0) % len(plots.DASHES)]  # a second run of a model shares its colour
        used[run.model] = used.get(run.model, 0) + 1
        curves.append(plots.Curve(run.name, color(run.model), progress[run.name], dash, **training_line(run)))
    names = words.listing([run.name for run in runs])
    live_chart(
        plots.loss_figure(curves, **drawn, references=_references(runs)),
        key="loss-chart",
        height=360,
        alt=f"{plots.Y_AXES[drawn['y']]} of {names} against the {plots.X_AXES[drawn['x']]}",
        bars=[_bar(run, progress) for run in runs],
        words=_verdict(progress) if len({(run.dataset, run.noise) for run in runs}) == 1 else "",
    )


def _bar(run: RunDirectory, progress: Progress) -> Bar:
    lines = progress[run.name]
    done = min(lines[-1]["step"] / max(lines[-1]["steps"], 1), 1.0) if lines else 0.0
    facts = _facts(run, lines, _left(run, progress))
    return Bar(done, f"{run.name} · {facts}" if len(progress) > 1 else facts, color(run.model))


def _left(run: RunDirectory, progress: Progress) -> str:
    """How long its job takes still; empty where one of its runs has not begun, or is not among those watched."""
    job = next((job for job in shared.lab().jobs() if run.name in job), (run.name,))
    lasts = [progress[name][-1] for name in job if progress.get(name)]
    if len(lasts) < len(job) or not all(last["step"] for last in lasts):
        return ""
    seconds = sum(last["seconds"] / last["step"] * (last["steps"] - last["step"]) for last in lasts)
    return f"{words.duration(seconds)} left" + (" for the race" if len(job) > 1 else "")


def _facts(run: RunDirectory, lines: list[dict[str, Any]], left: str) -> str:
    """Where a run stands, in one line."""
    state = run.state
    if not lines:
        return "Opening the images …" if state == "running" else "Not begun yet."
    last = lines[-1]
    epoch = math.ceil(last["step"] / last["steps"] * last["epochs"])
    facts = [f"epoch {max(epoch, 1)} of {last['epochs']}"]
    if state == "running" and last["step"]:
        facts += [left] if left else []
        speed = next((line["images_per_second"] for line in reversed(lines) if line.get("images_per_second")), None)
        facts += [f"{speed:,.0f} images a second"] if speed else []
        facts += [_where(known)] if (known := run.facts()) else []
    else:
        facts.append(f"{words.duration(last['seconds'])} of training")
    scored = [line for line in lines if line.get("scores")]
    if scored:
        psnr_db, noisy_db = scored[-1]["scores"]["psnr_db"], scored[-1]["noisy_scores"]["psnr_db"]
        best = max(line["scores"]["psnr_db"] for line in scored)
        against = " against the noisy input" if math.isfinite(noisy_db) else ""
        facts.append(f"now {psnr_db:.1f} dB, best {best:.1f} dB: {words.gain(best - noisy_db)}{against}")
    facts += [f"began with the weights of {run.pretrained}"] if run.pretrained else []
    return " · ".join(facts)


def _where(known: Facts) -> str:
    """What a run trains on: "CPU, 1 thread, 2 processes", and what is to be known of its images."""
    together = f", {known.processes} processes" if known.processes > 1 else ""
    return known.device + together + (f" · {known.note.rstrip('.')}" if known.note else "")


def _verdict(progress: Progress) -> str:
    """One sentence on who leads a race, after the last epoch that all have finished; empty where there is none."""
    scored = {
        name: {line["epoch"]: line["scores"]["psnr_db"] for line in lines if line.get("scores")}
        for name, lines in progress.items()
    }
    common = set.intersection(*map(set, scored.values())) if len(scored) > 1 else set()
    if max(common, default=0) == 0:
        return ""
    epoch = max(common)
    first, second = sorted(scored, key=lambda name: -scored[name][epoch])[:2]
    lead = scored[first][epoch] - scored[second][epoch]
    if lead < 0.05:
        return f"After epoch {epoch} {first} and {second} are level at {scored[first][epoch]:.1f} dB."
    return f"After epoch {epoch} {first} leads {second} by {lead:.1f} dB ({scored[first][epoch]:.1f} dB)."


def training_line(run: RunDirectory) -> dict[str, Any]:
    """What the run's training loss is, in words and in squared errors, as `plots.Curve` takes it."""
    try:
        config = run.config
    except SpecError:  # of a version that knows more losses
        return {}
    told = ["target: noisy pictures"] if config.target == "noisy" else []
    if config.teacher and config.distillation:
        told = ["target: its teacher" if config.distillation == 1 else "target: clean pictures and its teacher"]
    if config.loss == "psnr":
        told.append("geometric mean")
    training = "training" + (f" ({', '.join(told)})" if told else "")
    return {"training": training} | ({"as_mse": geometric_mean_mse} if config.loss == "psnr" else {})


def _references(runs: Sequence[RunDirectory]) -> dict[str, Scores]:
    """What needs no training, where all the runs have the same: they then share data and noise."""
    known = [facts.references for run in runs if (facts := run.facts())]
    return known[0] if known and all(other == known[0] for other in known) else {}
