"""Plotly figures from plain data; the theme of the page sets the colors of fonts and grids."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dae.evaluation import Scores

# Maximum number of points of a trace, so that a long run draws as fast as a short one.
MAX_POINTS = 1_500
BASELINE_COLOR = "#7a818c"
DASHES = ("solid", "dash", "dot", "dashdot")

X_AXES = {"epoch": "epoch", "step": "step", "seconds": "seconds of training"}
Y_AXES = {"loss": "loss", "psnr_db": "PSNR (dB)"}

LAYOUT = {
    "margin": {"l": 64, "r": 16, "t": 16, "b": 52},
    "hovermode": "x unified",
    "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
}


@dataclass(frozen=True)
class LossCurve:
    """The progress of a run and how to draw it.

    Attributes:
        lines: of `Run.progress`.
        training: legend entry of the training loss.
        as_mse: converts training losses to mean squared errors, so that all curves share one axis.
    """

    name: str
    color: str
    lines: Sequence[Mapping[str, Any]]
    dash: str = "solid"
    training: str = "training"
    as_mse: Callable[[np.ndarray], np.ndarray] = lambda losses: losses


def validation_scores(line: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return mse and psnr_db of a line of progress: measured after an epoch, estimated within it, None if neither."""
    return line.get("scores") or line.get("estimate")


def loss_figure(
    curves: Sequence[LossCurve],
    x: str = "epoch",
    y: str = "loss",
    log: bool = False,
    smoothing: float = 0.0,
    baselines: Mapping[str, Scores] | None = None,
) -> go.Figure:
    """Plot training and validation against epochs, steps or seconds.

    Args:
        x: a key of X_AXES.
        y: "loss" for the training loss and the validation MSE, or "psnr_db" for the validation PSNR.
        log: use a logarithmic y axis.
        smoothing: of the training loss by an exponential moving average: 0 for none, towards 1 for more.
        baselines: validation scores to draw as horizontal lines, by name.
    """
    traces = [trace for curve in curves for trace in _traces(curve, x, y, smoothing, len(curves) > 1)]
    shapes, annotations = [], []
    for name, scores in (baselines or {}).items():
        value = scores.mse if y == "loss" else scores.psnr_db
        if not math.isfinite(value) or (log and value <= 0):
            continue
        line = {"color": BASELINE_COLOR, "dash": "dash" if name == "noisy input" else "dot", "width": 1.5}
        shapes.append({"type": "line", "x0": 0, "x1": 1, "xref": "x domain", "y0": value, "y1": value, "line": line})
        position = {"x": 1, "xref": "x domain", "xanchor": "right", "yanchor": "bottom"}
        annotations.append({"text": name, "showarrow": False, "y": math.log10(value) if log else value, **position})
    layout: dict[str, Any] = {
        "shapes": shapes,
        "annotations": annotations,
        "xaxis": {"title": {"text": X_AXES[x]}, "range": [0, _x_axis_max(curves, x)], "uirevision": x},
        "yaxis": {
            "title": {"text": Y_AXES[y]},
            "type": "log" if log else "linear",
            "rangemode": "tozero" if y == "loss" else "normal",
            "uirevision": f"{y} {log}",
        },
    }
    return go.Figure({"data": [{"type": "scatter"} | trace for trace in traces], "layout": LAYOUT | layout})


def _traces(curve: LossCurve, x: str, y: str, smoothing: float, grouped: bool) -> Iterator[dict[str, Any]]:
    """Yield the training loss, the validation curve, its epochs and the best of them.

    They are plain dicts, because a page draws them twice a second and Plotly's objects are slow to build.
    """
    # A click on one legend entry hides all traces of a run.
    group = {"legendgroup": curve.name} if grouped else {}
    training = [line for line in curve.lines if line.get("loss") is not None]
    validation = [line for line in curve.lines if validation_scores(line)]
    if y == "loss" and training:
        losses = curve.as_mse(np.array([line["loss"] for line in training], dtype=float))
        smooth = pd.Series(losses).ewm(alpha=1 - smoothing).mean()
        yield {
            **_axes(training, x, smooth.to_numpy()),
            "name": f"{curve.name}, {curve.training}",
            "showlegend": not group or not validation,
            **group,
            "mode": "lines",
            "line": {"color": curve.color, "width": 1.5, "dash": curve.dash},
            "opacity": 0.55,
        }
    if not validation:
        return
    key = "mse" if y == "loss" else "psnr_db"
    yield {
        **_axes(validation, x, np.array([(validation_scores(line) or {})[key] for line in validation], dtype=float)),
        # The only curve of PSNR.
        "name": f"{curve.name}, validation" if y == "loss" else curve.name,
        "mode": "lines",
        "line": {"color": curve.color, "width": 2.5, "dash": curve.dash},
        **group,
    }
    epochs = [line for line in validation if line.get("scores")]
    if not epochs:
        return
    values = np.array([line["scores"][key] for line in epochs], dtype=float)
    # NaN is worse than every number.
    best = int(np.where(np.isnan(values), math.inf, values if y == "loss" else -values).argmin())
    circle = {"size": 15, "symbol": "circle-open", "line": {"width": 2.5}}
    for name, indices, marker in (("each epoch", range(len(epochs)), {"size": 7}), ("best epoch", [best], circle)):
        yield {
            **_axes([epochs[index] for index in indices], x, values[list(indices)]),
            "name": f"{curve.name}, {name}",
            "mode": "markers",
            # At the last epoch half of the marker lies outside the axes.
            "cliponaxis": False,
            "marker": marker | {"color": curve.color},
            "showlegend": False,
            "hoverinfo": "skip",
            **group,
        }


@dataclass(frozen=True)
class ProbeCurve:
    """Accuracies, 0 to 1, of one feature at several numbers of labels."""

    name: str
    color: str
    dash: str
    labels: list[int]
    accuracies: list[float]


def probe_figure(curves: Sequence[ProbeCurve]) -> go.Figure:
    """Plot the accuracy against the number of labels, one line per feature."""
    figure = go.Figure()
    for curve in curves:
        figure.add_scatter(
            x=curve.labels,
            y=[100 * accuracy for accuracy in curve.accuracies],
            name=curve.name,
            mode="lines+markers",
            line={"color": curve.color, "dash": curve.dash, "width": 2.5},
            marker={"size": 8},
            hovertemplate="%{y:.1f}%",
        )
    counts = sorted({count for curve in curves for count in curve.labels})
    ticks = [f"{count:,}" for count in counts]
    figure.update_xaxes(title="labeled training images", type="log", tickvals=counts, ticktext=ticks)
    figure.update_yaxes(title="images recognized (%)")
    return figure.update_layout(LAYOUT)


def _axes(lines: Sequence[Mapping[str, Any]], x: str, values: np.ndarray) -> dict[str, Any]:
    """Return x and y of a trace, thinned to at most MAX_POINTS: every n-th point and the last.

    n doubles as a run grows, so that most updates keep all points and only add new ones.
    """
    step = 1
    while len(values) > step * (MAX_POINTS - 1):
        step *= 2
    indices = sorted({*range(0, len(values), step), len(values) - 1})
    positions = np.array([_x_value(lines[index], x) for index in indices], dtype=np.float32)
    return {"x": positions, "y": values.astype(np.float32)[indices]}


def _x_value(line: Mapping[str, Any], x: str) -> float:
    return float(line["step"] / max(line["steps"], 1) * line["epochs"] if x == "epoch" else line[x])


def _x_axis_max(curves: Sequence[LossCurve], x: str) -> float:
    """Return the end of the x axis, ahead of the curves so that it does not change with every point."""
    last = [curve.lines[-1] for curve in curves if curve.lines]
    now = max((_x_value(line, x) for line in last), default=0.0)
    planned = max((line["epochs"] if x == "epoch" else line["steps"] for line in last), default=1)
    magnitude = 10.0 ** math.floor(math.log10(max(now, 1)))
    ahead = next(step * magnitude for step in (1, 1.5, 2, 3, 5, 7, 10) if step * magnitude >= now)
    return ahead if x == "seconds" else min(ahead, planned)
