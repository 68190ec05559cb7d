"""Tables of Compare: all metrics under one noise, and one metric under every kind of noise."""

from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dae.evaluation import FORMATS, HEADINGS, best_value, format_with_interval
from dae.ui.shell import presentation

_BEST_STYLE = "font-weight: 700; background-color: rgba(0, 158, 115, 0.2)"
# The two sides of the diverging color scale of gains.
_BETTER_RGB, _WORSE_RGB = "0, 114, 178", "213, 94, 0"
_HELP = {
    "psnr_db": "Closeness to the clean image; higher is better. ± is the 95% confidence interval of the mean.",
    "gain_db": "PSNR improvement over the noisy input. Negative means worse.",
    "ssim": "Structural similarity; 1 = identical.",
    "mse": "Mean squared error per pixel; lower is better.",
    "l2": "Euclidean distance per image; lower is better.",
    "parameters": "Trainable weights.",
    "kilobytes": "File size of the weights.",
    "training_s": "Seconds of training.",
    "ms_one": "Milliseconds for a single image on one CPU core of this machine.",
    "ms_batch": "Milliseconds per image in a batch of 256 on one CPU core of this machine.",
    "curve": "Validation error after each epoch.",
}
# Pixels, enough for the best value, which is bold. Presentation mode shows only the columns of its own widths.
_WIDTHS = {"psnr_db": 104, "gain_db": 112, "ssim": 124, "mse": 140, "l2": 108}
_PRESENTATION_WIDTHS = {"psnr_db": 160, "gain_db": 165, "ssim": 190, "parameters": 150}
_SHORT_HEADINGS = {"ms_batch": "ms (batch)", "ms_one": "ms (single)"}
# Pixels per character of a label. Without a width, the column would keep that of the
# first label while further rows come in.
_CHARACTER_WIDTH, _PRESENTATION_CHARACTER_WIDTH = 7, 10
_NUMBER_FORMATS = {
    "parameters": "localized",
    "kilobytes": "%.0f",
    "training_s": "%.0f",
    "ms_one": "%.2f",
    "ms_batch": "%.3f",
}


def render_table(table: pd.DataFrame) -> str:
    """Draw a summary table with the best value of each metric marked; its rows can be clicked.

    Args:
        table: from `summary_table`.

    Returns:
        The name of the denoiser whose row is selected, or "".
    """
    is_large = presentation.in_presentation_mode()
    options: dict[str, Any] = {
        "column_config": _column_config(table, is_large),
        "column_order": ["label", *_PRESENTATION_WIDTHS] if is_large else list(HEADINGS),
        "hide_index": True,
        "height": "content",
        "placeholder": "–",
        "alt": "Metrics of every model and filter on the same images and noise; the best of each column is marked.",
    }
    key = f"table {is_large} {list(table['run'])}"
    event = st.dataframe(_style(table), **options, key=key, on_select="rerun", selection_mode="single-cell")
    cells = event["selection"]["cells"]
    return str(table["run"].iloc[cells[0][0]]) if cells and cells[0][0] < len(table) else ""


def _style(table: pd.DataFrame) -> Any:
    """Return the table with intervals next to the metrics, and the best values marked."""

    def mark_best(column: pd.Series) -> list[str]:
        return [_BEST_STYLE if value == best_value(column) else "" for value in column]

    rows = table.to_dict("records")
    styled = table.style.apply(mark_best, subset=list(FORMATS))
    for metric in FORMATS:
        styled = styled.format(
            _replace_values(_with_minus(format_with_interval(row, metric)) for row in rows), subset=[metric]
        )
    return styled


def _replace_values(texts: Iterable[str]) -> Callable[[object], str]:
    """Return a formatter that ignores the values of its column, which pandas passes from top to bottom."""
    iterator = iter(list(texts))
    return lambda value: next(iterator)


def _column_config(table: pd.DataFrame, is_large: bool) -> dict[str, Any]:
    widths = _PRESENTATION_WIDTHS if is_large else _WIDTHS
    columns: dict[str, Any] = {
        name: st.column_config.Column(heading, help=_HELP.get(name), width=widths.get(name))
        for name, heading in HEADINGS.items()
    }
    for name, number_format in _NUMBER_FORMATS.items():
        heading = _SHORT_HEADINGS.get(name, HEADINGS[name])
        columns[name] = st.column_config.NumberColumn(heading, format=number_format, help=_HELP[name])
    columns["curve"] = st.column_config.LineChartColumn(HEADINGS["curve"], width="small", help=_HELP["curve"])
    character_width = _PRESENTATION_CHARACTER_WIDTH if is_large else _CHARACTER_WIDTH
    label_width = 16 + character_width * int(table["label"].str.len().max())
    columns["label"] = st.column_config.Column(HEADINGS["label"], width=label_width, pinned=True)
    return columns


def render_grid(slot: DeltaGenerator, rows: pd.DataFrame, metric: str) -> None:
    """Draw denoisers down and noises across, on one color scale.

    Args:
        rows: with columns label, heading (of the noise) and the metric.
        metric: "gain_db" or "psnr_db".
    """
    grid = _pivot(rows, metric)
    center = 0.0 if metric == "gain_db" else float(grid.min().min())
    reach = max(float((grid - center).abs().max().max()), 1e-9)

    def color(value: Any) -> str:
        share = (value - center) / reach
        if pd.isna(share):
            return ""
        return f"background-color: rgba({_BETTER_RGB if share >= 0 else _WORSE_RGB}, {0.6 * abs(share):.2f})"

    styled: Any = grid.style.map(color).format(lambda value: _format(value, metric))
    alt = "Each model and filter at three levels of every kind of noise, on one color scale."
    slot.dataframe(styled, height="content", alt=alt, placeholder="…")


def grid_to_text(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Format the grid for a document, with the labels as its first column; for `rows` see `render_grid`."""
    texts = _pivot(rows, metric).map(lambda value: _format(value, metric))
    return texts.reset_index().rename_axis(columns=None)


def _pivot(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return denoisers down and noises across, both in the order of the rows."""
    labels, headings = rows["label"].unique(), rows["heading"].unique()
    grid = rows.pivot(index="label", columns="heading", values=metric).loc[labels, headings]
    grid.index.name = HEADINGS["label"]
    return grid


def _format(value: Any, metric: str) -> str:
    return "–" if pd.isna(value) else _with_minus(FORMATS[metric].format(value))


def _with_minus(number: str) -> str:
    """Replace the hyphen of a negative number by a minus sign."""
    return number.replace("-", "−")
