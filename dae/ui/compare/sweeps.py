"""Compare beyond the selected noise: PSNR at every noise level, and a table of every kind of noise."""

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dae.evaluation import IDENTITY, DenoiserInfo, crossover_sentences
from dae.noise import NOISES, NoiseSpec
from dae.ui import measuring
from dae.ui.compare import tables
from dae.ui.compare.selection import Selection
from dae.ui.components.live_chart import live_chart
from dae.ui.shell import presentation
from dae.viz.comparison_plots import psnr_vs_level_figure

# Test images at each noise level and kind.
NUM_SWEEP_IMAGES = 200
_NUM_LEVELS = 11
# Seconds after which the chart is redrawn with new points: the first ones soon.
_FIRST_REDRAW_S, _REDRAW_EVERY_S = 0.25, 2.0
# Multiples of the default level of a kind.
_GRID_LEVELS = (0.5, 1.0, 1.5)
_GRID_METRICS = {"gain_db": "Gain over the noisy input", "psnr_db": "PSNR"}


def measured_rows(selection: Selection, noises: Sequence[NoiseSpec]) -> pd.DataFrame:
    """Return the measurements so far, a row of `summary_row` per noise and denoiser."""
    cache = measuring.metrics_cache(selection.dataset, NUM_SWEEP_IMAGES)
    denoisers = [measuring.denoiser_for(option, selection.dataset) for option in selection.options]
    rows = [cache.summary_row(denoiser, noise) for noise in noises for denoiser in denoisers]
    return pd.DataFrame([row for row in rows if row])


def sweep_levels(noise: NoiseSpec) -> list[NoiseSpec]:
    """Return the noise at every level of the chart, without 0: there the PSNR of the noisy input is infinite."""
    return [noise.with_level(level) for level in noise.levels(_NUM_LEVELS)[1:]]


def render_level_sweep(selection: Selection, infos: Mapping[str, DenoiserInfo]) -> go.Figure:
    """Draw PSNR against the noise level in a section that is folded at first; if it is open, measure missing points.

    Returns:
        The figure, empty while the section is folded.
    """
    section = st.expander("Every noise level", icon=":material/show_chart:", key="every_level", on_change="rerun")
    if not section.open:
        return go.Figure()
    with section:
        return _render_open_sweep(selection, infos)


def _render_open_sweep(selection: Selection, infos: Mapping[str, DenoiserInfo]) -> go.Figure:
    noises = sweep_levels(selection.noise)
    rows = measured_rows(selection, noises)
    figure = _level_figure(selection, rows)
    crossovers = st.empty()
    if not rows.empty:
        live_chart(figure, key="level_sweep", alt="PSNR against the noise level, a line for each model and filter")
    progress = st.empty()
    presentation.footnote(
        f"First {NUM_SWEEP_IMAGES} test images at each noise level; higher is better.", key="level_sweep"
    )
    # Models come first: a filter takes longer, as it is tuned at each level.
    ordered = sorted(selection.options, key=lambda option: not option.is_model)
    jobs = [
        job
        for option in ordered
        for job in measuring.metric_jobs([option], selection.dataset, NUM_SWEEP_IMAGES, noises)
    ]
    redraw_s = _FIRST_REDRAW_S if rows.empty else _REDRAW_EVERY_S
    if measuring.run_jobs_and_rerun(jobs, progress, selection.key, "curves", redraw_s):
        crossovers.markdown(" ".join(crossover_sentences(rows, infos)))
    return figure


def _level_figure(selection: Selection, rows: pd.DataFrame) -> go.Figure:
    labels = {option.name: option.label for option in selection.options} | {IDENTITY: IDENTITY}
    named = pd.DataFrame(columns=["run"]) if rows.empty else rows.assign(run=rows["run"].map(labels))
    colors = {option.label: option.color for option in selection.models}
    trained = {option.label: option.noise.component(selection.noise.kind) for option in selection.models}
    ranges = {label: noise.level_range for label, noise in trained.items() if noise}
    return psnr_vs_level_figure(named, colors, ranges)


def render_noise_kind_grid(selection: Selection) -> pd.DataFrame:
    """Draw every denoiser at three levels of every kind of noise, in a section that is folded at first.

    Returns:
        The gains in dB as text, one row per denoiser and one column per noise; empty while the section is folded.
    """
    section = st.expander("Every kind of noise", icon=":material/grid_on:", key="every_noise", on_change="rerun")
    if not section.open:
        return pd.DataFrame()
    with section:
        metric = st.segmented_control(
            "Metric",
            list(_GRID_METRICS),
            format_func=_GRID_METRICS.__getitem__,
            default="gain_db",
            required=True,
            key="grid_metric",
        )
        progress, slot = st.empty(), st.empty()
        headings = _grid_headings()

        def update() -> pd.DataFrame:
            rows = measured_rows(selection, list(headings))
            if rows.empty:
                return rows
            labels = {option.name: option.label for option in selection.options}
            columns = {str(noise): heading for noise, heading in headings.items()}
            named = rows.assign(label=rows["run"].map(labels), heading=rows["noise"].map(columns))
            tables.render_grid(slot, named, metric or "gain_db")
            return tables.grid_to_text(named, "gain_db")

        jobs = measuring.metric_jobs(selection.options, selection.dataset, NUM_SWEEP_IMAGES, list(headings))
        measuring.run_jobs(jobs, progress, selection.key, "grid", update)
        gains = update()
        scale = "Darker blue is better." if metric == "psnr_db" else "Blue: better than the noisy input. Orange: worse."
        st.caption(f"dB, first {NUM_SWEEP_IMAGES} test images. {scale}")
    return gains


def _grid_headings() -> dict[NoiseSpec, str]:
    """Return the noises of the grid and their headings: "Gaussian 0.25"."""
    levels = {
        NoiseSpec(kind, min(round(info.default_level * multiple, 6), info.high)): info.label
        for kind, info in NOISES.items()
        for multiple in _GRID_LEVELS
    }
    return {noise: f"{label} {noise.low:g}" for noise, label in levels.items()}
