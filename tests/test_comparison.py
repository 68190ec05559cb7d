"""Conclusions: the sentence says what the numbers say, and only what they are sure of."""

import io
import math

import numpy as np
import pandas as pd
import pytest

from dae.comparison import About, best, in_words, readable, table, turning_points, verdict
from dae.contenders import NOISY, doing_nothing
from dae.data import load_dataset
from dae.evaluation import measure, row
from dae.noise import NoiseSpec

ABOUT = {
    NOISY: About("Doing nothing", "nothing"),
    "lin": About("Linear", "linear", parameters=1_000, ms_batch=0.01, training_s=3.2, curve=(0.3, 0.2)),
    "conv": About("Conv", "convolutional", parameters=500, ms_batch=0.09),
    "net": About("U-Net", "modern", parameters=2_000, ms_batch=0.5),
    "median": About("Median", "classical"),
}


def scores(psnr_db: float, spread: float = 0.5, number: int = 200, seed: int = 0) -> pd.DataFrame:
    values = psnr_db + spread * np.random.default_rng(seed).standard_normal(number)
    mse = 10 ** (-values / 10)
    columns = {"mse": mse, "psnr_db": values, "ssim": 1 - mse, "l2": np.sqrt(mse * 784), "changed": True}
    return pd.DataFrame(columns)


def said(**levels: float) -> list[str]:
    measured = {name: scores(level, seed=place) for place, (name, level) in enumerate(levels.items())}
    return list(verdict(measured, ABOUT))


def test_the_best_is_named_with_its_lead_and_its_cost() -> None:
    first, second, third = said(noisy=9, lin=18, conv=20, net=21, median=14)
    assert (
        first == "U-Net is 1.0 dB clearer than Conv, has about 4 times its parameters and takes about 6 times as long."
    )
    assert second == "Conv is 2.0 dB clearer than Linear, has 50% of its parameters and takes about 9 times as long."
    assert third == "The best filter that has learnt nothing, Median, is 7.0 dB behind."


def test_linear_against_convolutional_is_not_said_twice() -> None:
    (only,) = said(noisy=9, lin=18, conv=20)
    assert only.startswith("Conv is 2.0 dB clearer than Linear")


def test_a_lead_within_its_interval_is_none() -> None:
    (first,) = said(noisy=9, lin=18.0, conv=18.01)
    assert "are level" in first and "± 0.09 dB apart on 200 pictures" in first


def test_doing_nothing_can_win() -> None:
    first, second = said(noisy=30, lin=18, conv=20)
    assert first == "At this noise doing nothing is best: even Conv makes it worse by 10.0 dB."
    assert second.startswith("Conv is 2.0 dB clearer than Linear")
    clean = scores(20).assign(changed=False)
    assert list(verdict({NOISY: clean, "lin": clean}, ABOUT)) == [
        "Without noise doing nothing is perfect, and everybody else can only lose."
    ]
    assert said(noisy=9) == ["Doing nothing gives 9.0 dB. The others are not measured yet."]
    alone = {NOISY: ABOUT[NOISY]}
    assert list(verdict({NOISY: scores(9)}, alone)) == [
        "Doing nothing gives 9.0 dB. Choose a model to compare it with."
    ]
    assert said(noisy=9, lin=18) == ["Linear makes the pictures clearer by 9.0 dB."]


def curves(**lines: list[float]) -> pd.DataFrame:
    levels = [0.1, 0.2, 0.3, 0.4]
    rows = [
        {"run": name, "level": level, "psnr_db": value, "psnr_db_95": 0.1}
        for name, values in lines.items()
        for level, value in zip(levels, values, strict=True)
    ]
    return pd.DataFrame(rows)


def test_turning_points_lie_where_the_lines_cross() -> None:
    found = list(
        turning_points(
            curves(noisy=[30, 20, 10, 5], lin=[19, 19, 19, 19], conv=[25, 25, 17, 16], net=[4, 4, 4, 4]), ABOUT
        )
    )
    assert found == [
        "Below 0.15 doing nothing is better than Conv.",
        "Below 0.21 doing nothing is better than Linear.",
        "U-Net never helps with this noise.",
        "Above 0.28 Linear overtakes Conv.",
    ]
    assert list(turning_points(curves(noisy=[9, 9, 9, 9], lin=[12, 11, 10, 9.5], median=[1, 9.4, 1, 1]), ABOUT)) == []
    (above,) = turning_points(curves(noisy=[9, 9, 9, 9], lin=[12, 11, 10, 8]), ABOUT)
    assert above == "Above 0.35 doing nothing is better than Linear."


@pytest.mark.parametrize(
    ("mean", "deviation", "told"),
    [
        (0.012792, 0.0000337, "0.01279 ± 0.00003"),
        (0.0073938, 0.00000073, "0.0073938 ± 0.0000007"),
        (0.00354, 0.0, "0.00354"),
        (0.00354, math.nan, "0.00354"),
    ],
)
def test_a_mean_has_as_many_decimals_as_its_spread_needs(mean: float, deviation: float, told: str) -> None:
    assert in_words({"mse": mean, "mse_sd": deviation}, "mse", "_sd") == told


def test_of_one_picture_nobody_knows_where_the_order_turns() -> None:
    alone = curves(noisy=[9, 9, 9, 9], lin=[12, 11, 10, 8], conv=[13, 12, 9, 7]).assign(psnr_db_95=float("nan"))
    assert list(turning_points(alone, ABOUT)) == []


def test_a_turn_within_the_interval_is_none() -> None:
    assert (
        list(turning_points(curves(noisy=[9, 9, 9, 9], lin=[12, 12, 12, 12], conv=[13, 13, 12.1, 11.95]), ABOUT)) == []
    )


@pytest.fixture(scope="module")
def measured() -> pd.DataFrame:
    images = load_dataset("digits", "test", limit=20)
    noise = NoiseSpec("gaussian", 0.4)
    noisy = measure(lambda batch: batch.clamp(0, 1), images, noise)
    rows = [row(doing_nothing(), images, noise, noisy, noisy)]
    better = noisy.assign(psnr_db=noisy["psnr_db"] + 2, mse=noisy["mse"] / 2)
    rows.append({**row(doing_nothing(), images, noise, better, noisy), "run": "lin"})
    return table(rows, ABOUT)


def test_the_table_has_what_is_measured_and_what_is_known(measured: pd.DataFrame) -> None:
    assert list(measured["label"]) == ["Doing nothing", "Linear"]
    assert measured["gain_db"].iloc[1] == pytest.approx(2)
    assert best(measured["psnr_db"]) == measured["psnr_db"].max() and best(measured["mse"]) == measured["mse"].min()
    assert math.isnan(measured["parameters"].iloc[0]) and measured["parameters"].iloc[1] == 1_000
    again = pd.read_csv(io.StringIO(measured.drop(columns="curve").to_csv(index=False)), dtype=str)
    assert [float(text) for text in again["psnr_db"]] == list(measured["psnr_db"])


def test_a_mean_in_words_has_its_interval_in_the_same_decimals(measured: pd.DataFrame) -> None:
    line = measured.to_dict("records")[1]
    assert in_words(line, "psnr_db") == f"{line['psnr_db']:.2f} ± {line['psnr_db_95']:.2f}"
    assert in_words(line, "gain_db") == "+2.00" and in_words(line, "mse").count("0.") == 2
    assert in_words({"mse": math.nan, "mse_95": math.nan}, "mse") == "–"
    assert in_words({"psnr_db": math.inf, "psnr_db_95": math.nan}, "psnr_db") == "same"


def test_a_document_gets_text(measured: pd.DataFrame) -> None:
    text = readable(measured)
    assert text["Parameters"].tolist() == ["–", "1,000"] and text["Training, s"].tolist() == ["–", "3"]
    assert "Learning" not in text and "±" in text["SSIM"].iloc[0]
    assert "| Linear" in text.to_markdown(index=False) and r"\toprule" in text.to_latex(index=False, escape=True)
