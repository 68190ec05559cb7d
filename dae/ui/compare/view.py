"""The Compare page in three steps: select, compute, render."""

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dae.ui import measuring
from dae.ui.compare.comparison import Comparison, compute
from dae.ui.compare.exports import render_exports
from dae.ui.compare.overview import render_gain_chart, render_headline, render_images, render_more_images
from dae.ui.compare.seeds import render_seed_table
from dae.ui.compare.selection import Selection, select
from dae.ui.compare.side_by_side import rank_images, render_side_by_side
from dae.ui.compare.sweeps import render_level_sweep, render_noise_kind_grid
from dae.ui.compare.tables import render_table
from dae.ui.shell import presentation

# Seconds after which the page is drawn again with new measurements: the first ones soon.
_FIRST_REDRAW_S, _REDRAW_EVERY_S = 0.25, 1.0


def render_compare() -> None:
    """Draw the page below its header.

    Raises:
        DaeError: a model or the data set cannot be read.
    """
    selection = select()
    progress, more_progress = st.empty(), st.empty()
    comparison = compute(selection)
    if comparison:
        _render_overview(selection, comparison)
    redraw_s = _REDRAW_EVERY_S if comparison else _FIRST_REDRAW_S
    jobs = measuring.metric_jobs(selection.options, selection.dataset, selection.limit, [selection.noise])
    is_done = measuring.run_jobs_and_rerun(jobs, progress, selection.key, "table", redraw_s)
    if comparison and is_done and comparison.is_complete:
        sections, downloads = st.container(), st.empty()
        with sections:
            figure, gains = _render_details(selection, comparison)
        measuring.run_jobs_and_rerun(_more_jobs(selection), more_progress, selection.key, "table")
        # A click on a button that the next run of the page replaces would be lost, so there is none while it measures.
        with downloads.container():
            render_exports(selection, comparison, figure, gains)


def _more_jobs(selection: Selection) -> list[measuring.Job]:
    """Return the jobs that measure the latencies, and every denoiser under the other noise draws."""
    options, dataset, noise = selection.options, selection.dataset, selection.noise
    jobs = measuring.latency_jobs(options, dataset, noise)
    for draw in range(1, measuring.NUM_DRAWS):
        jobs += measuring.metric_jobs(options, dataset, selection.limit, [noise], draw)
    return jobs


def _render_overview(selection: Selection, comparison: Comparison) -> None:
    """Draw what fits on one screen: the headline, the gains, and images through every denoiser."""
    render_headline(comparison.sentences, comparison.is_complete)
    chart, images = st.columns([3, 2], gap="medium")
    with chart:
        render_gain_chart(selection, comparison.table, comparison.draws)
    with images:
        render_images(selection, comparison)


def _render_details(selection: Selection, comparison: Comparison) -> tuple[go.Figure, pd.DataFrame]:
    """Draw the folded sections; an open one measures what it needs. Return the arguments of `render_exports`."""
    render_more_images(selection, comparison.shown_scores)
    with st.expander("All metrics", icon=":material/table:", key="all_metrics"):
        name = render_table(comparison.table)
        presentation.footnote(selection.protocol(comparison.draws), key="note")
        _render_selected_row(selection, comparison, name)
    figure = render_level_sweep(selection, comparison.infos)
    gains = render_noise_kind_grid(selection)
    render_seed_table(selection.models)
    return figure, gains


def _render_selected_row(selection: Selection, comparison: Comparison, name: str) -> None:
    """Draw the best and worst images of the denoiser whose row is selected, or how to select one."""
    identity, *others = selection.options
    option = next((option for option in others if option.name == name), None)
    if option:
        st.header(f"Best, typical and worst results of {option.label}", anchor=False)
        ranks = rank_images(comparison.shown_scores[name])
        indices = tuple(dict.fromkeys(index for rank in ranks.values() for index in rank))
        render_side_by_side(selection, comparison.shown_scores, [identity, option], indices, key="best_and_worst")
    elif others and not name:
        st.caption("Click a row to see its best, typical and worst images.")
