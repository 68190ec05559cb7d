"""The first screen of Compare: a headline, a bar chart of the gains, and images through every denoiser."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from dae.evaluation import IDENTITY, counted_psnr_db
from dae.ui import selectors
from dae.ui.compare.comparison import Comparison
from dae.ui.compare.selection import Selection
from dae.ui.compare.side_by_side import image_rows, rank_images, render_side_by_side
from dae.ui.components.live_chart import live_chart
from dae.utils.text import counted
from dae.viz.comparison_plots import gain_figure
from dae.viz.html_report import ReportImage

_NUM_IMAGES = 8
# CSS pixels of the chart.
_BAR_HEIGHT, _AXIS_HEIGHT = 50, 80


def render_headline(sentences: Sequence[str], is_complete: bool) -> None:
    """Draw the ranking as a headline and a line of text."""
    st.header(sentences[0] if is_complete else f"Still measuring: {sentences[0]}", anchor=False)
    st.markdown(" ".join(sentences[1:]))


def render_gain_chart(selection: Selection, table: pd.DataFrame, draws: int) -> None:
    """Draw a bar per measured denoiser.

    Args:
        table: from `summary_table`.
        draws: number of noise draws that the table averages.
    """
    colors = {option.name: option.color for option in selection.options}
    bars = table[table["run"] != IDENTITY].assign(color=lambda rows: rows["run"].map(colors))
    live_chart(
        gain_figure(bars),
        key="gains",
        alt="PSNR gain over the noisy input, a bar for each model and filter with its 95% confidence interval",
        height=_AXIS_HEIGHT + _BAR_HEIGHT * max(len(bars), 1),
    )
    st.caption(
        f"Mean over {counted(len(selection.images), 'test image')} and {counted(draws, 'noise draw')}, with the 95% "
        "confidence interval."
    )


def render_images(selection: Selection, comparison: Comparison) -> None:
    """Draw one image through every measured denoiser: the first one, or an extreme of the best denoiser."""
    psnr_db = {name: float(counted_psnr_db(metrics).mean()) for name, metrics in comparison.scores.items()}
    identity, *others = selection.options
    ranked = sorted((option for option in others if option.name in psnr_db), key=lambda option: -psnr_db[option.name])
    best = (ranked or [identity])[0]
    ranks = {"First": (0,), **rank_images(comparison.shown_scores[best.name])}
    help_text = f"Best, typical and worst are ranked by the PSNR of {best.label}."
    rank = selectors.url_choice("Image", list(ranks), key="rank", help=help_text, label_visibility="collapsed")
    rows = image_rows(selection, comparison.shown_scores, [identity, *ranked], ranks[rank][:1], unit=" dB")
    figures = [ReportImage(row.title, row.sheet, row.numbers[0][0] if row.numbers else "") for row in rows]
    st.html(f'<div class="image-grid">{"".join(figure.html() for figure in figures)}</div>')


def render_more_images(selection: Selection, scores: Mapping[str, pd.DataFrame]) -> None:
    """Draw the first images through every denoiser, in a section that is folded at first."""
    section = st.expander("More images", icon=":material/photo_library:", key="more_images", on_change="rerun")
    if section.open:
        with section:
            indices = tuple(range(min(_NUM_IMAGES, len(selection.images))))
            render_side_by_side(selection, scores, selection.options, indices, key="side_by_side")
