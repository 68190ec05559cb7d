"""Measured tables and curves for Compare."""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dae import evaluation, plots, words
from dae.models import count_parameters
from dae.noise import NoiseSpec
from dae.runs import find_run
from dae.ui import shared
from dae.ui.chart import live_chart
from dae.ui.shared import Choice

SEED = 0
CURVE_IMAGES = 200
CURVE_STEPS = 11

_COLUMNS: dict[str, Any] = {
    "run": st.column_config.TextColumn("Run"),
    "model": st.column_config.TextColumn("Model"),
    "family": st.column_config.TextColumn("Family"),
    "parameters": st.column_config.NumberColumn("Parameters", format="localized", help="Numbers the model has learnt."),
    "training_s": st.column_config.NumberColumn("Training, s", format="%.0f", help="Seconds of training."),
    "mse": st.column_config.NumberColumn("MSE", format="%.5f", help="Mean squared error; lower is better."),
    "psnr_db": st.column_config.NumberColumn(
        "PSNR, dB", format="%.2f", help="Closeness to the clean picture; higher is better."
    ),
    "ssim": st.column_config.NumberColumn("SSIM", format="%.4f", help="Likeness of structure, 1 is identical."),
    "l2": st.column_config.NumberColumn(
        "L2 distance", format="%.3f", help="Euclidean distance an image; lower is better."
    ),
    "gain_db": st.column_config.NumberColumn("Gain, dB", format="%+.2f", help="PSNR above the noisy input's."),
}
_HIGHER_IS_BETTER = {"mse": False, "psnr_db": True, "ssim": True, "l2": False, "gain_db": True}


@st.cache_data(show_spinner=False, max_entries=256)
def _row(run: str, version: int, dataset: str, noise: str, limit: int | None) -> dict[str, Any]:
    """One run's line of the table, as `dae evaluate` gives it; an empty run is doing nothing."""
    images = shared.images(dataset, "test", limit)
    if run:
        loaded = shared.checkpoint(run)
        denoisers = {run: (loaded.name, evaluation.as_denoiser(loaded, images))}
    else:
        denoisers = {"noisy": ("nothing", evaluation.nothing)}
    (row,) = evaluation.evaluate(denoisers, images, [NoiseSpec.parse(noise)], SEED)
    return row


def measured(runs: Sequence[Choice], dataset: str, noise: NoiseSpec, limit: int | None) -> pd.DataFrame:
    """Doing nothing and every run, a line each, the first column families and costs beside the metrics."""
    lines = []
    bar = st.progress(0.0, "Measuring …") if runs else None
    for place, run in enumerate((None, *runs)):
        if bar:
            bar.progress(place / (len(runs) + 1), f"Measuring {run.label if run else 'the noisy pictures'} …")
        name = run.name if run else ""
        line = _row(name, shared.version(name) if run else 0, dataset, str(noise), limit)
        progress = find_run(name).progress() if run else []
        lines.append(
            line
            | {
                "model": run.label if run else "doing nothing",
                "family": run.family if run else "–",
                "parameters": count_parameters(shared.checkpoint(name).model) if run else 0,
                "training_s": progress[-1]["seconds"] if progress else None,
            }
        )
    if bar:
        bar.empty()
    table = pd.DataFrame(lines)
    table["gain_db"] = table["psnr_db"] - table["psnr_db"].iloc[0]
    return table[list(_COLUMNS)]


def sentence(table: pd.DataFrame) -> str:
    """Who is best, by how much, at what cost; computed from the table."""
    ranked = table.sort_values("psnr_db", ascending=False)
    best = ranked.iloc[0]
    if len(table) == 1:
        return f"Doing nothing gives {best['psnr_db']:.1f} dB. Choose a model to compare with."
    second = ranked.iloc[1]
    if best["run"] == "noisy" and not math.isfinite(best["psnr_db"]):
        return "Without noise doing nothing is perfect, and a model can only lose."
    if best["run"] == "noisy":
        return (
            f"At this noise doing nothing is best: every model makes the pictures worse ({second['gain_db']:+.1f} dB)."
        )
    lead = best["psnr_db"] - second["psnr_db"]
    if lead < 0.05 and second["run"] != "noisy":
        return f"{best['model']} and {second['model']} are level at {best['psnr_db']:.1f} dB."
    times = best["parameters"] / max(second["parameters"], 1)
    cost = f"with {times:.1f} times as many parameters" if times >= 1 else f"with {times:.0%} of the parameters"
    if second["run"] == "noisy":
        return f"{best['model']} makes the pictures clearer by {best['gain_db']:.1f} dB."
    return f"{best['model']} is best, {lead:.1f} dB ahead of {second['model']}, {cost}."


def show(table: pd.DataFrame) -> None:
    """The table, the best of each metric marked."""

    def mark(column: pd.Series) -> list[str]:
        best = column.max() if _HIGHER_IS_BETTER[str(column.name)] else column.min()
        return [
            "font-weight: 700; background-color: rgba(0, 158, 115, 0.18)" if value == best else "" for value in column
        ]

    st.dataframe(
        table.style.apply(mark, subset=list(_HIGHER_IS_BETTER)),
        column_config=_COLUMNS,
        hide_index=True,
        key="table",
        alt="Metrics of every model on the same pictures and noise; the best of each column is marked.",
    )
    st.download_button(
        "Table as CSV",
        table.to_csv(index=False),
        "comparison.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def robustness(runs: Sequence[Choice], dataset: str, noise: NoiseSpec) -> None:
    """PSNR against the level of the noise, for every run and for doing nothing."""
    kind = noise.noise
    levels = [round(kind.low + (kind.high - kind.low) * step / (CURVE_STEPS - 1), 6) for step in range(CURVE_STEPS)]
    rows = []
    with st.spinner("Measuring at every strength …"):
        for level in levels[1:]:  # at level 0 doing nothing is infinitely good
            at = str(noise.at(level))
            rows.append(_row("", 0, dataset, at, CURVE_IMAGES))
            rows += [_row(run.name, shared.version(run.name), dataset, at, CURVE_IMAGES) for run in runs]
    trained = {run.name: (run.noise.low, run.noise.high) for run in runs if run.noise.kind == noise.kind}
    figure = plots.robustness_figure(pd.DataFrame(rows), {run.name: run.color for run in runs}, trained)
    live_chart(
        figure,
        key="robustness",
        alt=f"PSNR against noise strength of {words.listing([run.label for run in runs] or ['doing nothing'])}",
    )
    st.caption(f"The first {CURVE_IMAGES} test pictures at each strength; higher is clearer.")
