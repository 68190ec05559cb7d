"""The measured tables of Compare: who is best at this noise, and at every kind of noise."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dae.comparison import FORMATS, HEADINGS, best, in_words
from dae.ui import stage

_MARK = "font-weight: 700; background-color: rgba(0, 158, 115, 0.2)"
_ABOVE, _BELOW = "0, 114, 178", "213, 94, 0"  # of the colour scale: better and worse than doing nothing
_HELP = {
    "psnr_db": "Closeness to the clean picture; higher is better. ± is half the 95 % interval of the mean.",
    "gain_db": "PSNR above that of the noisy pictures; below 0 the model does harm.",
    "ssim": "Likeness of structure; 1 is identical.",
    "mse": "Mean squared error of a pixel; lower is better.",
    "l2": "Euclidean distance of a picture; lower is better.",
    "parameters": "Numbers that the model has learnt.",
    "kilobytes": "The weights on the disk.",
    "training_s": "Seconds of training.",
    "ms_one": "Milliseconds for one picture on one core of this machine, when it comes alone.",
    "ms_batch": "Milliseconds for one picture on one core of this machine, in a batch of 256.",
    "curve": "Validation error after each epoch of its training.",
}
_WIDTHS = {"psnr_db": 112, "gain_db": 118, "ssim": 132, "mse": 148, "l2": 116}  # for the best one, which is bold
_LARGE_WIDTHS = {"psnr_db": 160, "gain_db": 165, "ssim": 190, "parameters": 150}  # for a room, and only these columns
_CHARACTER, _LARGE_CHARACTER = 7, 10  # of a name: else its column is as wide as the first one's, while others come
_PLAIN: dict[str, Any] = {
    "parameters": st.column_config.NumberColumn("Parameters", format="localized", help=_HELP["parameters"]),
    "kilobytes": st.column_config.NumberColumn(HEADINGS["kilobytes"], format="%.0f", help=_HELP["kilobytes"]),
    "training_s": st.column_config.NumberColumn(HEADINGS["training_s"], format="%.0f", help=_HELP["training_s"]),
    "ms_one": st.column_config.NumberColumn(HEADINGS["ms_one"], format="%.2f", help=_HELP["ms_one"]),
    "ms_batch": st.column_config.NumberColumn(HEADINGS["ms_batch"], format="%.3f", help=_HELP["ms_batch"]),
    "curve": st.column_config.LineChartColumn(HEADINGS["curve"], width="small", help=_HELP["curve"]),
}


def show(slot: DeltaGenerator, measured: pd.DataFrame, choosable: bool) -> str:
    """Draw the table, the best of each metric marked; the name of the contender whose row was clicked, or "".

    Args:
        choosable: whether rows can be clicked: once the table is whole.
    """

    def mark(column: pd.Series) -> list[str]:
        return [_MARK if value == best(column) else "" for value in column]

    lines = measured.to_dict("records")
    shown = measured.style.apply(mark, subset=list(FORMATS))
    for metric in FORMATS:
        shown = shown.format(partial(_next, iter([in_words(line, metric) for line in lines])), subset=[metric])
    large = stage.is_large()
    widths = _LARGE_WIDTHS if large else _WIDTHS
    config = _PLAIN | {
        name: st.column_config.Column(heading, help=_HELP.get(name), width=widths.get(name))
        for name, heading in HEADINGS.items()
        if name not in _PLAIN
    }
    room = 16 + (_LARGE_CHARACTER if large else _CHARACTER) * int(measured["label"].str.len().max())
    options: dict[str, Any] = {
        "column_config": config | {"label": st.column_config.Column(HEADINGS["label"], width=room, pinned=True)},
        "column_order": ["label", *_LARGE_WIDTHS] if large else list(HEADINGS),
        "hide_index": True,
        "height": "content",
        "placeholder": "–",
        "alt": "Metrics of every contender on the same pictures and noise; the best of each column is marked.",
    }
    if not choosable:
        slot.dataframe(shown, **options, key=f"unfinished {large}")
        return ""
    event = slot.dataframe(
        shown, **options, key=f"table {large} {list(measured['run'])}", on_select="rerun", selection_mode="single-cell"
    )
    cells = event["selection"]["cells"]
    return str(measured["run"].iloc[cells[0][0]]) if cells and cells[0][0] < len(measured) else ""


def _next(texts: Iterator[str], value: object) -> str:
    """What stands in a column's next cell: a style knows the cell's value alone, not its line."""
    return next(texts)


def grid(slot: DeltaGenerator, rows: pd.DataFrame, metric: str) -> None:
    """Draw models down and noises across, on one colour scale.

    Args:
        rows: with label, heading (of the noise) and the metric.
        metric: "gain_db" or "psnr_db".
    """
    wide = _wide(rows, metric)
    middle = 0.0 if metric == "gain_db" else float(wide.min().min())
    reach = max(float((wide - middle).abs().max().max()), 1e-9)

    def colour(value: Any) -> str:
        share = (float(value) - middle) / reach
        if pd.isna(share):
            return ""
        return f"background-color: rgba({_ABOVE if share >= 0 else _BELOW}, {0.6 * abs(share):.2f})"

    shown: Any = wide.style.map(colour).format(FORMATS[metric], na_rep="–")
    alt = "Each model at three strengths of every kind of noise, on one colour scale."
    slot.dataframe(shown, height="content", alt=alt, placeholder="…")


def as_text(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    """What `grid` draws, with its numbers as text and the models as a column."""
    texts = _wide(rows, metric).map(lambda value: "–" if pd.isna(value) else FORMATS[metric].format(value))
    return texts.reset_index().rename_axis(columns=None)


def _wide(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Models down and noises across, both in the order of the rows."""
    order = list(dict.fromkeys(rows["heading"]))
    wide = rows.pivot(index="label", columns="heading", values=metric).loc[list(dict.fromkeys(rows["label"])), order]
    wide.index.name = HEADINGS["label"]
    return wide
