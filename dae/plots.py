"""Plotly figures from plain data. Colours of fonts and grids are left to the page's theme."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dae.training import Scores
from dae.words import listing

POINTS = 1_500  # a trace never has more: a long run stays as light as a short one
NEUTRAL = "#7a818c"
SYMBOLS = ("circle", "square", "diamond", "x", "triangle-up", "star")
DASHES = ("solid", "dash", "dot", "dashdot")

X_AXES = {"epoch": "epoch", "step": "step", "seconds": "seconds of training"}
Y_AXES = {"loss": "loss", "psnr_db": "PSNR in dB"}

_LAYOUT = {
    "margin": {"l": 64, "r": 16, "t": 16, "b": 52},
    "hovermode": "x unified",
    "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
}


@dataclass(frozen=True)
class Curve:
    """A run's lines of progress and how it is drawn.

    Attributes:
        training: what its training line is called.
        as_mse: from its training losses to the mean squared errors that they stand for.
    """

    name: str
    color: str
    lines: Sequence[Mapping[str, Any]]
    dash: str = "solid"
    training: str = "training"
    as_mse: Callable[[np.ndarray], np.ndarray] = lambda losses: losses


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
    traces = [trace for curve in curves for trace in _traces(curve, x, y, smoothing, len(curves) > 1)]
    levels = {name: scores.mse if y == "loss" else scores.psnr_db for name, scores in (references or {}).items()}
    levels = {name: value for name, value in levels.items() if math.isfinite(value) and (value > 0 or not log)}
    layout: dict[str, Any] = {
        "shapes": [
            {
                "type": "line",
                "x0": 0,
                "x1": 1,
                "xref": "x domain",
                "y0": value,
                "y1": value,
                "line": {"color": NEUTRAL, "dash": "dash" if name == "doing nothing" else "dot", "width": 1.5},
            }
            for name, value in levels.items()
        ],
        "annotations": [
            {
                "text": name,
                "showarrow": False,
                "x": 1,
                "xref": "x domain",
                "xanchor": "right",
                "y": math.log10(value) if log else value,
                "yanchor": "bottom",
            }
            for name, value in levels.items()
        ],
        "xaxis": {"title": {"text": X_AXES[x]}, "range": [0, _end(curves, x)], "uirevision": x},
        "yaxis": {
            "title": {"text": Y_AXES[y]},
            "type": "log" if log else "linear",
            "rangemode": "tozero" if y == "loss" else "normal",
            "uirevision": f"{y} {log}",
        },
    }
    return go.Figure({"data": [{"type": "scatter"} | trace for trace in traces], "layout": _LAYOUT | layout})


def _traces(curve: Curve, x: str, y: str, smoothing: float, grouped: bool) -> Iterator[dict[str, Any]]:
    """A run's training, validation and best epoch, as plain dicts: a page redraws them twice a second."""
    group = {"legendgroup": curve.name} if grouped else {}  # a click hides all of a run
    training = [line for line in curve.lines if line.get("loss") is not None]
    validation = [line for line in curve.lines if line.get("scores")]
    if y == "loss" and training:
        told = curve.as_mse(np.array([line["loss"] for line in training], dtype=float))
        loss = pd.Series(told).ewm(alpha=1 - smoothing).mean()
        yield {
            **_points(training, x, loss.to_numpy()),
            "name": f"{curve.name}, {curve.training}",
            "showlegend": not group or not validation,
            **group,
            "mode": "lines",
            "line": {"color": curve.color, "width": 1.5, "dash": curve.dash},
            "opacity": 0.55,
        }
    if validation:
        values = np.array([line["scores"]["mse" if y == "loss" else "psnr_db"] for line in validation])
        yield {
            **_points(validation, x, values),
            "name": f"{curve.name}, validation",
            "mode": "lines+markers",
            "line": {"color": curve.color, "width": 2.5, "dash": curve.dash},
            "marker": {"size": 7},
            **group,
        }
        best = int(values.argmin() if y == "loss" else values.argmax())
        yield {
            **_points(validation[best : best + 1], x, values[best : best + 1]),
            "name": f"{curve.name}, best epoch",
            "mode": "markers",
            "cliponaxis": False,  # at the last epoch half of it is beyond the axis
            "marker": {"size": 15, "symbol": "circle-open", "color": curve.color, "line": {"width": 2.5}},
            "showlegend": False,
            **group,
        }


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
        annotation = {"text": text, "textangle": 90 if low == high else 0}
        if low == high:
            figure.add_vline(low, line={"color": NEUTRAL, "dash": "dot", "width": 1}, annotation=annotation)
        else:
            figure.add_vrect(low, high, fillcolor=NEUTRAL, opacity=0.15, line_width=0, annotation=annotation)
    drawn: dict[bool, int] = {}  # how many lines so far, of filters and of models
    for name, own in rows.groupby("run", sort=False):
        reference = name == "noisy"
        color = NEUTRAL if reference else colors.get(str(name), NEUTRAL)
        place = drawn[color == NEUTRAL] = drawn.get(color == NEUTRAL, -1) + 1
        finite = own[np.isfinite(own["psnr_db"])]
        figure.add_scatter(
            x=finite["level"],
            y=finite["psnr_db"],
            name="Doing nothing" if reference else str(name),
            mode="lines" if reference else "lines+markers",
            line={
                "color": color,
                "dash": "solid" if reference else DASHES[place % len(DASHES)],
                "width": 1.5 if color == NEUTRAL and not reference else 2.5,
            },
            marker={"symbol": SYMBOLS[place % len(SYMBOLS)] if color == NEUTRAL else "circle", "size": 8},
        )
    figure.update_xaxes(title="noise strength")
    figure.update_yaxes(title="PSNR in dB, higher is clearer")
    return figure.update_layout(_LAYOUT)


@dataclass(frozen=True)
class ProbeCurve:
    """How well one feature serves with ever more labels."""

    name: str
    color: str
    dash: str
    labels: list[int]
    accuracies: list[float]  # 0 to 1


def probe_figure(curves: Sequence[ProbeCurve]) -> go.Figure:
    """The share of pictures recognised against the number of labels, one line a feature."""
    figure = go.Figure()
    for curve in curves:
        figure.add_scatter(
            x=curve.labels,
            y=[100 * accuracy for accuracy in curve.accuracies],
            name=curve.name,
            mode="lines+markers",
            line={"color": curve.color, "dash": curve.dash, "width": 2.5},
            marker={"size": 8},
            hovertemplate="%{y:.1f} %",
        )
    counts = sorted({count for curve in curves for count in curve.labels})
    figure.update_xaxes(title="labels", type="log", tickvals=counts, ticktext=[f"{count:,}" for count in counts])
    figure.update_yaxes(title="recognised, in %")
    return figure.update_layout(_LAYOUT)


def _points(lines: Sequence[Mapping[str, Any]], x: str, values: np.ndarray) -> dict[str, Any]:
    """The axes of one trace, thinned to at most POINTS: every so many-th and the last.

    The step between them doubles as a run grows, so what was drawn stays, and an update brings only the newest.
    """
    every = 1
    while len(values) > every * (POINTS - 1):
        every *= 2
    kept = sorted({*range(0, len(values), every), len(values) - 1})
    places = np.array([_place(lines[index], x) for index in kept], dtype=np.float32)
    return {"x": places, "y": values.astype(np.float32)[kept]}


def _place(line: Mapping[str, Any], x: str) -> float:
    return float(line["step"] / max(line["steps"], 1) * line["epochs"] if x == "epoch" else line[x])


def _end(curves: Sequence[Curve], x: str) -> float:
    """Where the x axis ends: a little ahead of the curves, so that it need not move with every point."""
    last = [curve.lines[-1] for curve in curves if curve.lines]
    now = max((_place(line, x) for line in last), default=0.0)
    planned = max((line["epochs"] if x == "epoch" else line["steps"] for line in last), default=1)
    magnitude = 10.0 ** math.floor(math.log10(max(now, 1)))
    ahead = next(step * magnitude for step in (1, 1.5, 2, 3, 5, 7, 10) if step * magnitude >= now)
    return ahead if x == "seconds" else min(ahead, planned)
