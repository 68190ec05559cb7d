"""Summaries: sentences and tables agree with the measurements and claim only significant differences."""

import io
import math

import numpy as np
import pandas as pd
import pytest

from dae.data import load_dataset
from dae.evaluation import (
    IDENTITY,
    DenoiserInfo,
    best_value,
    crossover_sentences,
    format_with_interval,
    identity,
    identity_baseline,
    per_image_metrics,
    ranking_sentences,
    summary_row,
    summary_table,
    to_text_table,
)
from dae.noise import NoiseSpec

CARDS = {
    IDENTITY: DenoiserInfo("Noisy input", "noisy input"),
    "lin": DenoiserInfo("Linear", "linear", parameters=1_000, ms_batch=0.01, training_s=3.2, curve=(0.3, 0.2)),
    "conv": DenoiserInfo("Conv", "convolutional", parameters=500, ms_batch=0.09),
    "net": DenoiserInfo("U-Net", "residual CNN", parameters=2_000, ms_batch=0.5),
    "median": DenoiserInfo("Median filter", "classical"),
}


def scores(psnr_db: float, spread: float = 0.5, number: int = 200, seed: int = 0) -> pd.DataFrame:
    values = psnr_db + spread * np.random.default_rng(seed).standard_normal(number)
    mse = 10 ** (-values / 10)
    columns = {"mse": mse, "psnr_db": values, "ssim": 1 - mse, "l2": np.sqrt(mse * 784), "changed": True}
    return pd.DataFrame(columns)


def ranking(**psnr_db: float) -> list[str]:
    measured = {name: scores(value, seed=seed) for seed, (name, value) in enumerate(psnr_db.items())}
    return list(ranking_sentences(measured, CARDS))


def test_the_best_model_is_named_with_its_lead_and_its_cost() -> None:
    assert ranking(noisy=9, lin=18, conv=20, net=21, median=14) == [
        "U-Net beats Conv by 1.0 dB, with 4× the parameters and 6× the time per image.",
        "Conv beats Linear by 2.0 dB, with 50% of the parameters and 9× the time per image.",
        "The best classical filter (Median filter) is 7.0 dB behind.",
    ]


@pytest.mark.parametrize(
    ("parameters", "ms_batch", "costs"),
    [
        (1_020, 0.0102, "about as many parameters and about the same time per image"),
        (1_600, 0.012, "1.6× the parameters and 120% of the time per image"),
        (900, 0.00125, "90% of the parameters and 8× faster inference"),
        (900, 0.000625, "90% of the parameters and about 20× faster inference"),
        (18_000, 0.217, "about 20× the parameters and about 20× the time per image"),
    ],
)
def test_costs_are_relative_to_the_other_model(parameters: int, ms_batch: float, costs: str) -> None:
    infos = CARDS | {"conv": DenoiserInfo("Conv", "convolutional", parameters=parameters, ms_batch=ms_batch)}
    measured = {IDENTITY: scores(9), "lin": scores(18, seed=1), "conv": scores(20, seed=2)}
    assert list(ranking_sentences(measured, infos)) == [f"Conv beats Linear by 2.0 dB, with {costs}."]


def test_a_lead_within_its_interval_is_a_tie() -> None:
    assert ranking(noisy=9, lin=18.0, conv=18.01) == ["Conv and Linear are tied (0.04 ± 0.09 dB)."]
    assert ranking(noisy=18.0, conv=18.01) == ["Conv and the noisy input are tied (0.03 ± 0.10 dB)."]


def test_a_single_image_is_too_little_to_compare() -> None:
    measured = {IDENTITY: scores(9, number=1), "lin": scores(18, number=1), "conv": scores(20, number=1)}
    assert list(ranking_sentences(measured, CARDS)) == ["Too few images to compare Conv and Linear."]


def test_an_exactly_restored_image_is_not_compared() -> None:
    exact = scores(30, seed=3)
    exact.loc[0, "psnr_db"] = math.inf
    measured = {IDENTITY: scores(9), "lin": exact, "conv": scores(18, seed=1), "median": scores(14, seed=2)}
    assert list(ranking_sentences(measured, CARDS)) == [
        "Linear and Conv cannot be compared: an image is restored exactly."
    ]


def test_the_noisy_input_can_be_best() -> None:
    first, second = ranking(noisy=30, lin=18, conv=20)
    assert first == "Here, leaving the image alone is best; even Conv makes it 10.0 dB worse."
    assert second.startswith("Conv beats Linear by 2.0 dB")
    assert ranking(noisy=9, lin=18) == ["Linear makes the images 9.0 dB clearer."]


def test_without_noise_nothing_is_ranked() -> None:
    clean = scores(20).assign(changed=False)
    assert list(ranking_sentences({IDENTITY: clean, "lin": clean}, CARDS)) == [
        "Without noise there is nothing to gain."
    ]


def test_the_noisy_input_alone_is_not_ranked() -> None:
    assert ranking(noisy=9) == ["Leaving the image alone gives 9.0 dB. The others are not measured yet."]
    assert list(ranking_sentences({IDENTITY: scores(9)}, {IDENTITY: CARDS[IDENTITY]})) == [
        "Leaving the image alone gives 9.0 dB. Choose a model to compare."
    ]


def test_a_model_with_nan_output_ranks_last() -> None:
    broken = scores(30, seed=3)
    broken.loc[0, "psnr_db"] = math.nan
    ranked_last = "The output of Linear contains NaN, so it ranks last."
    measured = {IDENTITY: scores(9), "lin": broken, "conv": scores(18, seed=1)}
    assert list(ranking_sentences(measured, CARDS)) == ["Conv makes the images 9.0 dB clearer.", ranked_last]
    assert list(ranking_sentences({IDENTITY: scores(9), "lin": broken}, CARDS)) == [ranked_last]


def curves(**psnr_db: list[float]) -> pd.DataFrame:
    rows = [
        {"run": name, "level": round(0.1 * step, 1), "psnr_db": value, "psnr_db_95": 0.1}
        for name, values in psnr_db.items()
        for step, value in enumerate(values, start=1)
    ]
    return pd.DataFrame(rows)


def crossovers(**psnr_db: list[float]) -> list[str]:
    return list(crossover_sentences(curves(**psnr_db), CARDS))


def test_crossovers_lie_where_the_interpolated_curves_cross() -> None:
    assert crossovers(noisy=[30, 20, 10, 5], lin=[19, 19, 19, 19], conv=[25, 25, 17, 16], net=[4, 4, 4, 4]) == [
        "Below noise level 0.15, leaving the image alone beats Conv.",
        "Below noise level 0.21, leaving the image alone beats Linear.",
        "U-Net never helps with this noise.",
        "Above noise level 0.28, Linear beats Conv.",
    ]
    assert crossovers(noisy=[9, 9, 9, 9], lin=[12, 11, 10, 9.5], median=[1, 9.4, 1, 1]) == []
    assert crossovers(noisy=[9, 9, 9, 9], lin=[12, 11, 10, 8]) == [
        "Above noise level 0.35, leaving the image alone beats Linear."
    ]


def test_two_crossovers_of_a_pair_are_one_range() -> None:
    assert crossovers(noisy=[9, 9, 9, 9], conv=[11, 8, 8, 11]) == [
        "Between noise levels 0.17 and 0.33, leaving the image alone beats Conv."
    ]
    assert crossovers(noisy=[9, 9, 9, 9], conv=[8, 12, 12, 8]) == [
        "Below noise level 0.12 and above noise level 0.38, leaving the image alone beats Conv."
    ]
    pair = crossovers(noisy=[1, 1, 1, 1, 1], lin=[12, 9, 9, 12, 9], conv=[10, 10, 10, 10, 10])
    assert pair == ["Between noise levels 0.17 and 0.33 and above noise level 0.47, Conv beats Linear."]


@pytest.mark.parametrize("middle", [8.95, 9.05])
def test_a_lead_within_its_interval_is_no_crossover(middle: float) -> None:
    assert crossovers(noisy=[9, 9, 9, 9], lin=[12, 12, 12, 12], conv=[13, 13, 12.1, 11.95]) == []
    # An insignificant lead in between does not split a range.
    sentences = crossovers(noisy=[9, 9, 9, 9, 9], lin=[12, middle, 12, 8, 8])
    assert sentences == ["Above noise level 0.38, leaving the image alone beats Linear."]


def test_a_single_image_has_no_crossovers() -> None:
    alone = curves(noisy=[9, 9, 9, 9], lin=[12, 11, 10, 8], conv=[13, 12, 9, 7]).assign(psnr_db_95=math.nan)
    assert list(crossover_sentences(alone, CARDS)) == []


def test_nan_at_a_noise_level_counts_as_the_worst_psnr() -> None:
    broken = curves(noisy=[8, 8, 8, 8], lin=[12, 12, 12, math.nan])
    broken.loc[broken["psnr_db"].isna(), "psnr_db_95"] = math.nan
    assert list(crossover_sentences(broken, CARDS)) == ["Above noise level 0.33, leaving the image alone beats Linear."]
    broken = curves(noisy=[9, 9, 9, 9], lin=[math.nan] * 4)
    assert list(crossover_sentences(broken, CARDS)) == ["Linear never helps with this noise."]


@pytest.mark.parametrize(
    ("mean", "deviation", "text"),
    [
        (0.012792, 0.0000337, "0.01279 ± 0.00003"),
        (0.0073938, 0.00000073, "0.0073938 ± 0.0000007"),
        (0.00354, 0.0, "0.00354"),
        (0.00354, math.nan, "0.00354"),
    ],
)
def test_a_mean_has_as_many_decimals_as_its_interval_needs(mean: float, deviation: float, text: str) -> None:
    assert format_with_interval({"mse": mean, "mse_sd": deviation}, "mse", "_sd") == text


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    images = load_dataset("digits", "test", limit=20)
    noise = NoiseSpec("gaussian", 0.4)
    noisy = per_image_metrics(identity, images, noise)
    rows = [summary_row(identity_baseline(), images.name, noise, noisy, noisy)]
    better = noisy.assign(psnr_db=noisy["psnr_db"] + 2, mse=noisy["mse"] / 2)
    rows.append({**summary_row(identity_baseline(), images.name, noise, better, noisy), "run": "lin"})
    return summary_table(rows, CARDS)


def test_the_table_joins_metrics_and_model_cards(table: pd.DataFrame) -> None:
    assert list(table["label"]) == ["Noisy input", "Linear"]
    assert table["gain_db"].iloc[1] == pytest.approx(2)
    assert best_value(table["psnr_db"]) == table["psnr_db"].max()
    assert best_value(table["mse"]) == table["mse"].min()
    assert math.isnan(table["parameters"].iloc[0]) and table["parameters"].iloc[1] == 1_000
    again = pd.read_csv(io.StringIO(table.drop(columns="curve").to_csv(index=False)), dtype=str)
    assert [float(text) for text in again["psnr_db"]] == list(table["psnr_db"])


def test_nan_is_never_the_best_value() -> None:
    assert best_value(pd.Series([math.nan, 9.0, 8.0], name="psnr_db")) == 9
    assert best_value(pd.Series([math.nan, 9.0, 8.0], name="mse")) == 8


def test_a_mean_and_its_interval_have_the_same_decimals(table: pd.DataFrame) -> None:
    row = table.to_dict("records")[1]
    assert format_with_interval(row, "psnr_db") == f"{row['psnr_db']:.2f} ± {row['psnr_db_95']:.2f}"
    assert format_with_interval(row, "gain_db") == "+2.00" and format_with_interval(row, "mse").count("0.") == 2
    assert format_with_interval({"mse": math.nan, "mse_95": math.nan}, "mse") == "–"
    assert format_with_interval({"psnr_db": math.inf, "psnr_db_95": math.nan}, "psnr_db") == "same"


def test_a_text_table_is_ready_for_markdown_and_latex(table: pd.DataFrame) -> None:
    text = to_text_table(table)
    assert text["Parameters"].tolist() == ["–", "1,000"] and text["Training time (s)"].tolist() == ["–", "3"]
    assert "Validation curve" not in text and "±" in text["SSIM"].iloc[0]
    assert "| Linear" in text.to_markdown(index=False) and r"\toprule" in text.to_latex(index=False, escape=True)
