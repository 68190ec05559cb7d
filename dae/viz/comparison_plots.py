"""Plotly figures that compare denoisers: the gain at one noise level, and PSNR against the noise level."""

import itertools
import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dae.evaluation import IDENTITY
from dae.utils.text import join_words
from dae.viz.plots import BASELINE_COLOR, DASHES, LAYOUT

# The line of an audience, next to the colors of models.
PEOPLE_COLOR = "#c2185b"
_SYMBOLS = ("circle", "square", "diamond", "x", "triangle-up", "star")


def psnr_vs_level_figure(
    rows: pd.DataFrame, colors: Mapping[str, str], trained: Mapping[str, tuple[float, float]]
) -> go.Figure:
    """Plot PSNR against the noise level, one line per run.

    Args:
        rows: with run, level and psnr_db; IDENTITY is the baseline.
        colors: of the models; filters have none.
        trained: training range of each model, by name; shaded, or marked by a line if it is a single level.
    """
    figure = go.Figure()
    for low, high in sorted(set(trained.values())):
        names = [name for name, levels in trained.items() if levels == (low, high)]
        text = "trained at this level" if low == high else "training range"
        text = text if len(names) == len(trained) else f"{join_words(names)}: {text}"
        if low == high:
            line = {"color": BASELINE_COLOR, "dash": "dot", "width": 1}
            figure.add_vline(low, line=line, annotation={"text": text, "textangle": 90})
        else:
            area = {"fillcolor": BASELINE_COLOR, "opacity": 0.15, "line_width": 0}
            figure.add_vrect(low, high, annotation={"text": text}, **area)
    # Models differ in color and dash, filters and the noisy input in dash and symbol.
    model_styles, baseline_styles = itertools.count(), itertools.count()
    for name, group in rows.groupby("run", sort=False):
        finite = group[np.isfinite(group["psnr_db"])]
        color = colors.get(str(name), BASELINE_COLOR)
        is_model, is_noisy = color != BASELINE_COLOR, name == IDENTITY
        style = next(model_styles if is_model else baseline_styles)
        figure.add_scatter(
            x=finite["level"],
            y=finite["psnr_db"],
            name="Noisy input" if is_noisy else str(name),
            mode="lines" if is_noisy else "lines+markers",
            line={
                "color": color,
                "dash": "solid" if is_noisy else DASHES[style % len(DASHES)],
                "width": 2.5 if is_model or is_noisy else 1.5,
            },
            marker={"symbol": "circle" if is_model else _SYMBOLS[style % len(_SYMBOLS)], "size": 8},
        )
    figure.update_xaxes(title="noise level")
    figure.update_yaxes(title="PSNR (dB), higher is better")
    return figure.update_layout(LAYOUT)


def gain_figure(bars: pd.DataFrame) -> go.Figure:
    """Plot a horizontal bar per denoiser, the best on top; zero is the noisy input.

    Args:
        bars: with label, color, gain_db and gain_db_95, half the width of its 95% confidence interval.
    """
    ranked = bars.sort_values("gain_db", na_position="first")
    texts = ["–" if math.isnan(gain) else f"{gain:+.1f} dB".replace("-", "−") for gain in ranked["gain_db"]]
    figure = go.Figure(
        go.Bar(
            x=list(ranked["gain_db"]),
            y=list(ranked["label"]),
            orientation="h",
            marker={"color": list(ranked["color"])},
            error_x={"type": "data", "array": list(ranked["gain_db_95"].fillna(0)), "color": BASELINE_COLOR},
            hovertemplate="%{x:.2f} dB<extra>%{y}</extra>",
        )
    )
    for label, gain, half_width, text in zip(
        ranked["label"], ranked["gain_db"].fillna(0), ranked["gain_db_95"].fillna(0), texts, strict=True
    ):
        side = 1 if gain >= 0 else -1
        figure.add_annotation(
            x=gain + side * half_width,
            y=label,
            text=f"<b>{text}</b>",
            showarrow=False,
            xanchor="left" if side > 0 else "right",
            xshift=6 * side,
        )
    # Room for the texts beyond the bars. Without noise there are no bars.
    finite = [*ranked["gain_db"][np.isfinite(ranked["gain_db"])], 0.0]
    low, high = min(finite), max(finite)
    room = 0.32 * (high - low) or 1.0
    figure.add_vline(0, line={"color": BASELINE_COLOR, "width": 2})
    figure.update_xaxes(title="PSNR gain over the noisy input (dB)", range=[low - room * (low < 0), high + room])
    figure.update_yaxes(automargin=True)
    return figure.update_layout(
        {**LAYOUT, "hovermode": "closest", "showlegend": False, "margin": {"l": 16, "r": 16, "t": 16, "b": 52}}
    )


def share_right_figure(
    people: Mapping[float, float], models: Mapping[str, tuple[str, Mapping[float, float]]]
) -> go.Figure:
    """Plot the fraction of right answers against the noise level: a thick line for people, one for each model.

    Args:
        people: fraction by noise level.
        models: color and fraction by noise level, by display name.
    """
    figure = go.Figure()
    lines = [
        ("People", PEOPLE_COLOR, people, "solid", 5),
        *(
            (name, color, shares, DASHES[index % len(DASHES)], 2.5)
            for index, (name, (color, shares)) in enumerate(models.items())
        ),
    ]
    for name, color, shares, dash, width in lines:
        levels = sorted(shares)
        figure.add_scatter(
            x=levels,
            y=[100 * shares[level] for level in levels],
            name=name,
            mode="lines+markers",
            line={"color": color, "dash": dash, "width": width},
            marker={"size": 4 + 2 * width},
            hovertemplate="%{y:.0f}%",
        )
    figure.add_hline(10, line={"color": BASELINE_COLOR, "dash": "dot", "width": 1.5}, annotation={"text": "guessing"})
    figure.update_xaxes(title="noise level")
    figure.update_yaxes(title="right answers (%)", range=[-4, 104])
    return figure.update_layout(LAYOUT)
