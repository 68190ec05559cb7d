"""Compare's curves over all strengths and its table over all kinds of noise."""

import time
from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dae import comparison, plots
from dae.comparison import About
from dae.contenders import NOISY
from dae.noise import NOISES, NoiseSpec
from dae.ui import contest, stage, tables
from dae.ui.chart import live_chart
from dae.ui.shared import Choice

IMAGES = 200  # of the test set, at each strength and kind
_CURVE_STEPS = 11
_FIRST_S, _GROW_EVERY_S = 0.25, 2.0  # when the curves are drawn while they are measured
_STRENGTHS = (0.5, 1.0, 1.5)  # times a kind's usual level


def rows(choices: Sequence[Choice], dataset: str, noises: Sequence[NoiseSpec]) -> pd.DataFrame:
    """What is measured so far, a row of `evaluation.row` each; nothing where doing nothing is not measured yet."""
    kept = contest.measurements(dataset, IMAGES)
    who = [contest.contender(choice, dataset) for choice in choices]
    found = [kept.row(contender, noise) for noise in noises for contender in who]
    return pd.DataFrame([row for row in found if row])


def levels(noise: NoiseSpec) -> list[NoiseSpec]:
    """The strengths of a curve, without 0: there doing nothing is infinitely good."""
    return [noise.at(level) for level in noise.levels(_CURVE_STEPS)[1:]]


def robustness(
    choices: Sequence[Choice], dataset: str, noise: NoiseSpec, about: Mapping[str, About], question: str
) -> tuple[list[str], go.Figure]:
    """Draw PSNR against strength as far as it is known, measure the rest; turning points in words, and the figure."""
    st.header("At every strength", anchor=False)
    noises = levels(noise)
    labels = {choice.name: choice.label for choice in choices} | {NOISY: NOISY}
    known_parts = {c.label: c.noise.part(noise.kind) for c in choices if c.family not in ("classical", "nothing")}
    trained = {label: (part.low, part.high) for label, part in known_parts.items() if part}
    colors = {choice.label: choice.color for choice in choices}
    known = rows(choices, dataset, noises)
    named = known.assign(run=known["run"].map(labels)) if len(known) else pd.DataFrame(columns=["run"])
    drawn = plots.robustness_figure(named, colors, trained)
    if len(known):
        live_chart(drawn, key="robustness", alt="PSNR against the strength of the noise, a line for each contender")
    slot = st.empty()
    stage.fine_print(f"The first {IMAGES} test pictures at each strength; higher is clearer.", key="robustness")

    # The curves of models first: those of filters, whose strength is looked for at each level, take longer.
    ordered = sorted(choices, key=lambda choice: choice.family == "classical")
    jobs = [job for choice in ordered for job in contest.measuring([choice], dataset, IMAGES, noises)]
    next_s = time.monotonic() + (_GROW_EVERY_S if len(known) else _FIRST_S)

    def grow() -> None:  # a run of the page draws a chart once
        if time.monotonic() > next_s or all(job.is_done() for job in jobs):
            st.rerun()

    whole = contest.work(jobs, slot, question, "curves", grow)
    points = list(comparison.turning_points(known, about)) if whole else []
    if points:
        points[0] = f"On the first {IMAGES} pictures at each strength: {points[0]}"
    return points, drawn


def grid(choices: Sequence[Choice], dataset: str, question: str) -> pd.DataFrame:
    """Draw every contender at three strengths of every kind of noise, in a part that is folded until it is wanted.

    Returns:
        The gains in dB as text, models down and noises across; empty while the part is folded.
    """
    folder = st.expander(
        "Every kind of noise", icon=":material/grid_on:", key="every_noise", on_change="rerun", width="stretch"
    )
    if not folder.open:
        return pd.DataFrame()
    with folder:
        metric = st.segmented_control(
            "Show",
            ["gain_db", "psnr_db"],
            format_func={"gain_db": "Gain over the noisy pictures", "psnr_db": "PSNR"}.__getitem__,
            default="gain_db",
            required=True,
            key="grid_metric",
        )
        bar, slot = st.empty(), st.empty()
        noises = {
            NoiseSpec(kind, min(round(entry.typical * share, 6), entry.high)): entry.label
            for kind, entry in NOISES.items()
            for share in _STRENGTHS
        }
        labels = {choice.name: choice.label for choice in choices}

        def draw() -> pd.DataFrame:
            known = rows(choices, dataset, list(noises))
            if known.empty:
                return known
            headings = {str(noise): f"{label} {noise.low:g}" for noise, label in noises.items()}
            named = known.assign(label=known["run"].map(labels), heading=known["noise"].map(headings))
            tables.grid(slot, named, str(metric or "gain_db"))
            return tables.as_text(named, "gain_db")

        contest.work(contest.measuring(choices, dataset, IMAGES, list(noises)), bar, question, "grid", draw)
        gains = draw()
        scale = (
            "blue is better than doing nothing, orange is worse" if metric != "psnr_db" else "the bluer, the clearer"
        )
        st.caption(f"dB, the first {IMAGES} test pictures; {scale}.")
    return gains
