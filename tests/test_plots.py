"""Figures: every measured number is drawn where it belongs, and a long run stays light."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from dae.config import LOSSES, geometric_mean_mse
from dae.plots import DASHES, NEUTRAL, POINTS, X_AXES, Y_AXES, Curve, loss_figure, robustness_figure
from dae.training import Scores

EPOCHS, STEPS = 3, 12
MSE = [0.12, 0.03, 0.02, 0.025]  # before training and after each epoch; the best is epoch 2


def lines(reports: int = STEPS) -> list[dict[str, Any]]:
    """A run's progress: scores before the first step, then `reports` losses with scores at each epoch's end."""
    told = []
    for step in range(reports + 1):
        line: dict[str, Any] = {"epochs": EPOCHS, "step": step, "steps": reports, "seconds": step / 2}
        line |= {"epoch": step * EPOCHS // reports, "loss": 1 / step if step else None}
        if step % (reports // EPOCHS) == 0:
            mse = MSE[line["epoch"]]
            line["scores"] = {"mse": mse, "psnr_db": -10 * math.log10(mse), "ssim": 0.5}
        told.append(line)
    return told


def trace(figure: Any, name: str) -> Any:
    (found,) = [trace for trace in figure.data if trace.name == name]
    return found


@pytest.mark.parametrize(
    ("x", "ends"), [("epoch", [0, 1, 2, 3]), ("step", [0, 4, 8, 12]), ("seconds", [0.0, 2.0, 4.0, 6.0])]
)
def test_validation_stands_at_the_ends_of_epochs(x: str, ends: list[float]) -> None:
    figure = loss_figure([Curve("run", "#123456", lines())], x)
    validation = trace(figure, "run, validation")
    assert list(validation.x) == pytest.approx(ends) and list(validation.y) == pytest.approx(MSE)
    assert validation.line.color == "#123456" and figure.layout.xaxis.title.text == X_AXES[x]


@pytest.mark.parametrize("y", Y_AXES)
def test_the_best_epoch_is_marked(y: str) -> None:
    figure = loss_figure([Curve("run", "#123456", lines())], y=y)
    best = trace(figure, "run, best epoch")
    assert list(best.x) == [2] and best.y[0] == pytest.approx(0.02 if y == "loss" else -10 * math.log10(0.02))
    assert figure.layout.yaxis.title.text == Y_AXES[y]


def test_the_training_loss_is_drawn_as_told_unless_it_is_smoothed() -> None:
    curve = Curve("run", "#123456", lines())
    told = [line["loss"] for line in curve.lines if line["loss"] is not None]
    assert list(trace(loss_figure([curve]), "run, training").y) == pytest.approx(told)
    smooth = trace(loss_figure([curve], smoothing=0.9), "run, training").y
    assert smooth[0] == pytest.approx(told[0]) and min(told) < smooth[-1] < max(told)
    assert np.abs(np.diff(smooth)).max() < np.abs(np.diff(told)).max()
    assert all("training" not in drawn.name for drawn in loss_figure([curve], y="psnr_db").data)


def test_a_training_loss_is_named_and_drawn_after_what_it_stands_for() -> None:
    told = [{"epoch": 1, "step": step, "steps": 2, "epochs": 1, "seconds": step, "loss": 30.0} for step in (1, 2)]
    figure = loss_figure(
        [Curve("run", "#123456", told, training="training (geometric mean)", as_mse=geometric_mean_mse)]
    )
    drawn = trace(figure, "run, training (geometric mean)")
    target = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    assert list(drawn.y) == pytest.approx([1e-3, 1e-3], rel=2e-3)
    assert LOSSES["psnr"](target + 1e-3**0.5, target).item() == pytest.approx(30, abs=0.01)


def test_a_long_run_is_thinned_and_keeps_both_ends() -> None:
    many = lines(30_000)
    training = trace(loss_figure([Curve("run", "#123456", many)], "step"), "run, training")
    assert POINTS / 2 < len(training.x) == len(training.y) <= POINTS
    assert (training.x[0], training.x[-1]) == (1, 30_000)
    assert training.y[-1] == pytest.approx(many[-1]["loss"])


def test_thinning_keeps_what_was_drawn_while_a_run_grows() -> None:
    before, after = (
        set(trace(loss_figure([Curve("run", "#123456", lines(40_000)[:reports])], "step"), "run, training").x)
        for reports in (25_000, 25_100)
    )
    assert len(before - after) <= 1 < len(after - before)  # the last point alone is not on the grid


def test_references_are_level_lines_with_their_names() -> None:
    references = {"doing nothing": Scores(0.1, 10.0, 0.3), "median filter": Scores(0.05, 13.0, 0.4)}
    for y, heights in (("loss", [0.1, 0.05]), ("psnr_db", [10.0, 13.0])):
        figure = loss_figure([Curve("run", "#123456", lines())], y=y, references=references)
        assert [(shape.y0, shape.y1) for shape in figure.layout.shapes] == [(height, height) for height in heights]
        assert [note.text for note in figure.layout.annotations] == list(references)


def test_a_run_that_has_told_nothing_yet_is_an_empty_figure() -> None:
    assert not loss_figure([Curve("run", "#123456", [])]).data
    assert loss_figure([], log=True).layout.yaxis.type == "log"


def measured() -> pd.DataFrame:
    levels = [0.0, 0.5, 1.0]
    values = {"noisy": [math.inf, 9.0, 6.0], "a": [25.0, 19.0, 12.0], "b": [24.0, 20.0, 13.0]}
    return pd.DataFrame(
        {"run": name, "level": level, "psnr_db": value}
        for name, line in values.items()
        for level, value in zip(levels, line, strict=True)
    )


def test_robustness_draws_each_run_in_its_colour_and_leaves_infinity_out() -> None:
    figure = robustness_figure(measured(), {"a": "#aa0000", "b": "#00bb00"}, {})
    nothing, a, b = figure.data
    assert nothing.name == "Doing nothing" and nothing.line.color == NEUTRAL and list(nothing.x) == [0.5, 1.0]
    assert (a.name, a.line.color, b.name, b.line.color) == ("a", "#aa0000", "b", "#00bb00")
    assert list(b.y) == [24.0, 20.0, 13.0] and a.line.dash != b.line.dash and b.line.dash in DASHES
    assert not figure.layout.shapes


def test_robustness_shows_where_the_runs_were_trained() -> None:
    figure = robustness_figure(measured(), {}, {"a": (0.5, 0.5), "b": (0.2, 0.6)})
    assert sorted((shape.x0, shape.x1) for shape in figure.layout.shapes) == [(0.2, 0.6), (0.5, 0.5)]
    assert sorted(note.text for note in figure.layout.annotations) == ["a: trained here", "b: trained here"]
    together = robustness_figure(measured(), {}, {"a": (0.5, 0.5), "b": (0.5, 0.5)})
    assert [note.text for note in together.layout.annotations] == ["trained here"]


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("y", Y_AXES)
def test_level_lines_are_drawn_where_they_have_a_place(log: bool, y: str) -> None:
    references = {"doing nothing": Scores(0.0, math.inf, 1.0), "median filter": Scores(0.01, 20.0, 0.9)}
    figure = loss_figure([Curve("run", "#123456", lines())], y=y, log=log, references=references)
    drawn = {note.text: note.y for note in figure.layout.annotations}
    wanted = 0.01 if y == "loss" else 20.0
    assert drawn.pop("median filter") == pytest.approx(math.log10(wanted) if log else wanted)
    assert drawn == ({"doing nothing": 0.0} if y == "loss" and not log else {})
