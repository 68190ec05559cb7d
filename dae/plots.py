"""Plotly figures from plain data. Colours of fonts and grids are left to the page's theme."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dae.training import Scores
from dae.words import listing

POINTS = 1_500  # a trace never has more: a long run stays as light as a short one
NEUTRAL = "#7a818c"
DASHES = ("solid", "dash", "dot", "dashdot")

X_AXES = {"epoch": "epoch", "step": "step", "seconds": "seconds of training"}
Y_AXES = {"loss": "loss", "psnr_db": "PSNR in dB"}


@dataclass(frozen=True)
class Curve:
    """A run's lines of progress and how it is drawn."""

    name: str
    color: str
    lines: Sequence[Mapping[str, Any]]
    dash: str = "solid"


def loss_figure(
    curves: Sequence[Curve],
    x: str = "epoch",
    y: str = "loss",
    log: bool = False,
    smoothing: float = 0.0,
    references: Mapping[str, Scores] | None = None,
) -> go.Figure:
    """Training and validation against epochs, steps or seconds.

    Args:
        x: a key of X_AXES.
        y: "loss", the training loss and the validation MSE, or "psnr_db", the validation's alone.
        log: logarithmic y axis.
        smoothing: 0 for none, towards 1 for an ever slower moving average of the training loss.
        references: validation scores of what needs no training, drawn as level lines.
    """
    figure = go.Figure()
    for curve in curves:
        training = [line for line in curve.lines if line.get("loss") is not None]
        validation = [line for line in curve.lines if line.get("scores")]
        if y == "loss" and training:
            loss = pd.Series([line["loss"] for line in training], dtype=float).ewm(alpha=1 - smoothing).mean()
            figure.add_scatter(
                **_points(training, x, loss.to_numpy()),
                name=f"{curve.name}, training",
                mode="lines",
                line={"color": curve.color, "width": 1.5, "dash": curve.dash},
                opacity=0.55,
            )
        if validation:
            values = np.array([line["scores"]["mse" if y == "loss" else "psnr_db"] for line in validation])
            figure.add_scatter(
                **_points(validation, x, values),
                name=f"{curve.name}, validation",
                mode="lines+markers",
                line={"color": curve.color, "width": 2.5, "dash": curve.dash},
                marker={"size": 7},
            )
            best = int(values.argmin() if y == "loss" else values.argmax())
            figure.add_scatter(
                **_points(validation[best : best + 1], x, values[best : best + 1]),
                name=f"{curve.name}, best epoch",
                mode="markers",
                marker={"size": 15, "symbol": "circle-open", "color": curve.color, "line": {"width": 2.5}},
                showlegend=False,
            )
    for name, scores in (references or {}).items():
        value = scores.mse if y == "loss" else scores.psnr_db
        figure.add_hline(
            value,
            line={"color": NEUTRAL, "dash": "dash" if name == "doing nothing" else "dot", "width": 1.5},
            annotation={"text": name, "font": {"color": NEUTRAL}, "y": math.log10(value) if log else value},
            annotation_position="bottom right" if y == "loss" else "top right",
        )
    figure.update_xaxes(title=X_AXES[x], rangemode="tozero")
    figure.update_yaxes(title=Y_AXES[y], type="log" if log else "linear")
    return _laid_out(figure)


def robustness_figure(
    rows: pd.DataFrame, colors: Mapping[str, str], trained: Mapping[str, tuple[float, float]]
) -> go.Figure:
    """PSNR against noise strength, one line a run.

    Args:
        rows: with run, level and psnr_db; "noisy" is drawn as the reference.
        colors: of each run.
        trained: the range of levels each run was trained on; it is shaded, or marked where it is one level.
    """
    figure = go.Figure()
    for low, high in sorted(set(trained.values())):
        here = [name for name, span in trained.items() if span == (low, high)]
        text = "trained here" if len(here) == len(trained) else f"{listing(here)}: trained here"
        annotation = {"text": text, "font": {"color": NEUTRAL}, "textangle": 90 if low == high else 0}
        if low == high:
            figure.add_vline(low, line={"color": NEUTRAL, "dash": "dot", "width": 1}, annotation=annotation)
        else:
            figure.add_vrect(low, high, fillcolor=NEUTRAL, opacity=0.15, line_width=0, annotation=annotation)
    for place, (name, own) in enumerate(rows.groupby("run", sort=False)):
        reference = name == "noisy"
        finite = own[np.isfinite(own["psnr_db"])]
        figure.add_scatter(
            x=finite["level"],
            y=finite["psnr_db"],
            name="doing nothing" if reference else str(name),
            mode="lines" if reference else "lines+markers",
            line={
                "color": NEUTRAL if reference else colors.get(str(name), NEUTRAL),
                "dash": "dash" if reference else DASHES[place % len(DASHES)],
                "width": 2.5,
            },
        )
    figure.update_xaxes(title="noise strength")
    figure.update_yaxes(title="PSNR in dB, higher is clearer")
    return _laid_out(figure)


def _points(lines: Sequence[Mapping[str, Any]], x: str, values: np.ndarray) -> dict[str, Any]:
    """The axes of one trace, thinned evenly to POINTS with the last one kept."""
    place = np.linspace(0, len(values) - 1, min(len(values), POINTS)).round().astype(int)
    places = np.array([_place(line, x) for line in lines], dtype=np.float32)
    return {"x": places[place], "y": values.astype(np.float32)[place]}


def _place(line: Mapping[str, Any], x: str) -> float:
    return float(line["step"] / max(line["steps"], 1) * line["epochs"] if x == "epoch" else line[x])


def _laid_out(figure: go.Figure) -> go.Figure:
    return figure.update_layout(
        margin={"l": 64, "r": 16, "t": 16, "b": 52},
        hovermode="x unified",
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
    )
