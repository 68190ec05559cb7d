"""Figures draw every measured value in its place, and thin out long runs."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from dae.evaluation import Scores
from dae.training.config import LOSSES, geometric_mean_mse
from dae.viz.comparison_plots import gain_figure, psnr_vs_level_figure, share_right_figure
from dae.viz.plots import (
    BASELINE_COLOR,
    DASHES,
    MAX_POINTS,
    X_AXES,
    Y_AXES,
    LossCurve,
    ProbeCurve,
    loss_figure,
    probe_figure,
)

EPOCHS, STEPS = 3, 12
# Before training and after each epoch; the best is epoch 2.
MSE = [0.12, 0.03, 0.02, 0.025]


def lines(reports: int = STEPS) -> list[dict[str, Any]]:
    """Return the progress of a run: scores at step 0, then `reports` losses with scores at the end of each epoch."""
    progress = []
    for step in range(reports + 1):
        line: dict[str, Any] = {"epochs": EPOCHS, "step": step, "steps": reports, "seconds": step / 2}
        line |= {"epoch": step * EPOCHS // reports, "loss": 1 / step if step else None}
        if step % (reports // EPOCHS) == 0:
            mse = MSE[line["epoch"]]
            line["scores"] = {"mse": mse, "psnr_db": -10 * math.log10(mse), "ssim": 0.5}
        progress.append(line)
    return progress


def trace(figure: Any, name: str) -> Any:
    (match,) = [trace for trace in figure.data if trace.name == name]
    return match


@pytest.mark.parametrize(
    ("x", "ends"), [("epoch", [0, 1, 2, 3]), ("step", [0, 4, 8, 12]), ("seconds", [0.0, 2.0, 4.0, 6.0])]
)
def test_validation_is_drawn_at_the_end_of_each_epoch(x: str, ends: list[float]) -> None:
    figure = loss_figure([LossCurve("run", "#123456", lines())], x)
    validation = trace(figure, "run, validation")
    assert list(validation.x) == pytest.approx(ends) and list(validation.y) == pytest.approx(MSE)
    assert validation.line.color == "#123456" and figure.layout.xaxis.title.text == X_AXES[x]


@pytest.mark.parametrize("y", Y_AXES)
def test_the_best_epoch_is_marked(y: str) -> None:
    figure = loss_figure([LossCurve("run", "#123456", lines())], y=y)
    best = trace(figure, "run, best epoch")
    assert list(best.x) == [2] and best.y[0] == pytest.approx(0.02 if y == "loss" else -10 * math.log10(0.02))
    assert figure.layout.yaxis.title.text == Y_AXES[y]


@pytest.mark.parametrize("y", Y_AXES)
def test_nan_is_never_the_best_epoch(y: str) -> None:
    progress = lines()
    progress[-1]["scores"] = dict.fromkeys(("mse", "psnr_db", "ssim"), math.nan)
    figure = loss_figure([LossCurve("run", "#123456", progress)], y=y)
    assert list(trace(figure, "run, best epoch").x) == [2]


def test_the_training_loss_is_drawn_unchanged_unless_it_is_smoothed() -> None:
    curve = LossCurve("run", "#123456", lines())
    losses = [line["loss"] for line in curve.lines if line["loss"] is not None]
    assert list(trace(loss_figure([curve]), "run, training").y) == pytest.approx(losses)
    smooth = trace(loss_figure([curve], smoothing=0.9), "run, training").y
    assert smooth[0] == pytest.approx(losses[0]) and min(losses) < smooth[-1] < max(losses)
    assert np.abs(np.diff(smooth)).max() < np.abs(np.diff(losses)).max()
    assert all("training" not in drawn.name for drawn in loss_figure([curve], y="psnr_db").data)


def test_a_training_loss_in_db_is_drawn_as_its_geometric_mean_mse() -> None:
    progress = [{"epoch": 1, "step": step, "steps": 2, "epochs": 1, "seconds": step, "loss": 30.0} for step in (1, 2)]
    figure = loss_figure(
        [LossCurve("run", "#123456", progress, training="training (geometric mean)", as_mse=geometric_mean_mse)]
    )
    drawn = trace(figure, "run, training (geometric mean)")
    target = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    assert list(drawn.y) == pytest.approx([1e-3, 1e-3], rel=2e-3)
    assert LOSSES["psnr"](target + 1e-3**0.5, target).item() == pytest.approx(30, abs=0.01)


def test_a_long_run_is_thinned_and_keeps_its_first_and_last_point() -> None:
    progress = lines(30_000)
    training = trace(loss_figure([LossCurve("run", "#123456", progress)], "step"), "run, training")
    assert MAX_POINTS / 2 < len(training.x) == len(training.y) <= MAX_POINTS
    assert (training.x[0], training.x[-1]) == (1, 30_000)
    assert training.y[-1] == pytest.approx(progress[-1]["loss"])


def test_thinning_keeps_drawn_points_while_a_run_grows() -> None:
    before, after = (
        set(trace(loss_figure([LossCurve("run", "#123456", lines(40_000)[:reports])], "step"), "run, training").x)
        for reports in (25_000, 25_100)
    )
    # Only the last point is not a multiple of the thinning step.
    assert len(before - after) <= 1 < len(after - before)


def test_baselines_are_horizontal_lines_with_their_names() -> None:
    baselines = {"noisy input": Scores(0.1, 10.0, 0.3), "median filter": Scores(0.05, 13.0, 0.4)}
    for y, heights in (("loss", [0.1, 0.05]), ("psnr_db", [10.0, 13.0])):
        figure = loss_figure([LossCurve("run", "#123456", lines())], y=y, baselines=baselines)
        assert [(shape.y0, shape.y1) for shape in figure.layout.shapes] == [(height, height) for height in heights]
        assert [note.text for note in figure.layout.annotations] == list(baselines)


def test_a_run_without_progress_is_an_empty_figure() -> None:
    assert not loss_figure([LossCurve("run", "#123456", [])]).data
    assert loss_figure([], log=True).layout.yaxis.type == "log"


def measured() -> pd.DataFrame:
    levels = [0.0, 0.5, 1.0]
    values = {"noisy": [math.inf, 9.0, 6.0], "a": [25.0, 19.0, 12.0], "b": [24.0, 20.0, 13.0]}
    return pd.DataFrame(
        {"run": name, "level": level, "psnr_db": value}
        for name, line in values.items()
        for level, value in zip(levels, line, strict=True)
    )


def test_psnr_vs_level_draws_each_run_in_its_color_and_leaves_infinity_out() -> None:
    figure = psnr_vs_level_figure(measured(), {"a": "#aa0000", "b": "#00bb00"}, {})
    noisy, a, b = figure.data
    assert noisy.name == "Noisy input" and noisy.line.color == BASELINE_COLOR and list(noisy.x) == [0.5, 1.0]
    assert (a.name, a.line.color, b.name, b.line.color) == ("a", "#aa0000", "b", "#00bb00")
    assert list(b.y) == [24.0, 20.0, 13.0] and a.line.dash != b.line.dash and b.line.dash in DASHES
    assert not figure.layout.shapes


def test_psnr_vs_level_shows_the_levels_on_which_runs_were_trained() -> None:
    figure = psnr_vs_level_figure(measured(), {}, {"a": (0.5, 0.5), "b": (0.2, 0.6)})
    assert sorted((shape.x0, shape.x1) for shape in figure.layout.shapes) == [(0.2, 0.6), (0.5, 0.5)]
    assert sorted(note.text for note in figure.layout.annotations) == ["a: trained at this level", "b: training range"]
    together = psnr_vs_level_figure(measured(), {}, {"a": (0.5, 0.5), "b": (0.5, 0.5)})
    assert [note.text for note in together.layout.annotations] == ["trained at this level"]


def test_gain_figure_ranks_denoisers_and_draws_their_intervals() -> None:
    bars = pd.DataFrame(
        {
            "label": ["a", "b", "c"],
            "color": ["red", "blue", "gray"],
            "gain_db": [1.0, 3.0, -2.0],
            "gain_db_95": [0.1, 0.2, 0.3],
        }
    )
    figure = gain_figure(bars)
    (bar,) = figure.data
    # The last one is drawn on top.
    assert list(bar.y) == ["c", "a", "b"] and list(bar.marker.color) == ["gray", "red", "blue"]
    assert list(bar.error_x.array) == [0.3, 0.1, 0.2]
    assert [text.text for text in figure.layout.annotations] == ["<b>−2.0 dB</b>", "<b>+1.0 dB</b>", "<b>+3.0 dB</b>"]
    low, high = figure.layout.xaxis.range
    assert low < -2.3 and high > 3.2
    # Of images that the noise did not change, or that were restored exactly.
    bars["gain_db"] = [math.nan, math.inf, -2.0]
    low, high = gain_figure(bars).layout.xaxis.range
    assert -3 < low < -2.3 and 0 < high < 1
    bars["gain_db"] = math.nan
    assert gain_figure(bars).layout.xaxis.range == (0, 1)


def test_probe_figure_draws_accuracies_in_percent_against_the_number_of_labels() -> None:
    curves = [
        ProbeCurve("Raw pixels", BASELINE_COLOR, "solid", [10, 1_000], [0.4, 0.875]),
        ProbeCurve("Code", "#aa0000", "dash", [100], [0.5]),
    ]
    figure = probe_figure(curves)
    assert [list(drawn.y) for drawn in figure.data] == [[40.0, 87.5], [50.0]]
    assert list(figure.layout.xaxis.ticktext) == ["10", "100", "1,000"]


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("y", Y_AXES)
def test_baselines_that_an_axis_cannot_show_are_left_out(log: bool, y: str) -> None:
    baselines = {"noisy input": Scores(0.0, math.inf, 1.0), "median filter": Scores(0.01, 20.0, 0.9)}
    figure = loss_figure([LossCurve("run", "#123456", lines())], y=y, log=log, baselines=baselines)
    drawn = {note.text: note.y for note in figure.layout.annotations}
    value = 0.01 if y == "loss" else 20.0
    assert drawn.pop("median filter") == pytest.approx(math.log10(value) if log else value)
    assert drawn == ({"noisy input": 0.0} if y == "loss" and not log else {})


def test_people_and_models_share_one_chart_in_percent() -> None:
    figure = share_right_figure({2.0: 0.25, 0.5: 1.0}, {"Linear": ("#123456", {0.5: 0.9, 2.0: 0.1})})
    people, linear = figure.data
    assert (people.name, list(people.x), list(people.y)) == ("People", [0.5, 2.0], [100.0, 25.0])
    assert list(linear.y) == [90.0, 10.0] and linear.line.color == "#123456" and people.line.width > linear.line.width
    assert share_right_figure({}, {}).data[0].name == "People"
