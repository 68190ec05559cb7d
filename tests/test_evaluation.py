"""Evaluation: the same images and the same noise for all, told in rows that add up."""

import math
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
import torch
from scipy import stats

from dae import metrics
from dae.classical import classical_denoiser
from dae.contenders import as_denoiser, classical, nothing, trained
from dae.data import load_dataset
from dae.errors import DataError
from dae.evaluation import evaluate, gains_db, measure, milliseconds, noisy_at, noisy_blocks
from dae.models import MODELS
from dae.noise import NOISES, NoiseSpec
from dae.packed import ImageSet
from tests.conftest import tiny, untrained

MEANS = ["mse", "psnr_db", "ssim", "l2", "gain_db"]
KEYS = ["run", "model", "dataset", "noise", "level", "n", *MEANS, *(f"{name}_95" for name in MEANS)]
HALF = NoiseSpec("gaussian", 0.5)


def rows(images: ImageSet, *noises: NoiseSpec, seed: int = 0) -> list[dict[str, Any]]:
    return list(evaluate([trained("mine", untrained("linear-32", images.shape), images)], images, noises, seed))


def test_rows_have_these_keys_and_means_of_single_images() -> None:
    images = tiny(12)
    noises = ("gaussian:0.5", "masking:0.1-0.6", "masking:0.3+gaussian:0.5")
    table = rows(images, *map(NoiseSpec.parse, noises))
    assert [list(row) for row in table] == [KEYS] * 6
    assert [(row["run"], row["noise"]) for row in table] == [
        (run, noise) for noise in noises for run in ("noisy", "mine")
    ]
    assert [row["level"] for row in table] == [0.5, 0.5, "0.1-0.6", "0.1-0.6", "mixed", "mixed"]
    assert all((row["n"], row["dataset"]) == (12, "tiny") for row in table)
    scores = measure(nothing, images, HALF)
    assert list(scores.columns) == [*MEANS[:4], "changed"] and len(scores) == 12
    for name in MEANS[:4]:
        assert table[0][name] == pytest.approx(scores[name].mean(), rel=1e-12)
    clean, noisy = next(noisy_blocks(images, HALF, 0))
    assert torch.allclose(torch.tensor(scores["psnr_db"].to_numpy()), metrics.psnr_db(noisy, clean))


def test_pictures_that_the_noise_left_alone_are_in_no_mean_psnr() -> None:
    noise = NoiseSpec("masking", 0.0005)
    scores = measure(nothing, tiny(40), noise)
    touched = scores["psnr_db"][scores["changed"]]
    assert 0 < len(touched) < 40
    assert rows(tiny(40), noise)[0]["psnr_db"] == pytest.approx(touched.mean()) and touched.mean() < float("inf")
    assert rows(tiny(40), NoiseSpec("masking", 0))[0]["psnr_db"] == float("inf")


@pytest.mark.parametrize("noise", [*(f"{kind}:0.1-0.7" for kind in NOISES), "poisson:0-1+gaussian:0-1+masking:0-1"])
def test_the_limit_changes_nothing_for_the_images_it_leaves(noise: str) -> None:
    images, spec = tiny(520), NoiseSpec.parse(noise)
    whole = measure(nothing, images, spec)
    for limit in (1, 7, 500, 501):
        part = measure(nothing, images.head(limit), spec)
        pd.testing.assert_frame_equal(part, whole.head(limit), check_exact=True)


def test_large_pictures_are_measured_in_parts_of_the_same_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    images, shares = tiny(520), list[float]()
    whole = measure(nothing, images, HALF)
    monkeypatch.setattr("dae.evaluation.at_once", lambda shape, most, values=0: 500 if values else 200)
    parts = measure(nothing, images, HALF, on_share=shares.append)
    pd.testing.assert_frame_equal(parts, whole, check_exact=True)
    assert shares == [200 / 520, 400 / 520, 500 / 520, 1]


def test_the_noise_of_large_pictures_is_drawn_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dae.evaluation._BLOCK_VALUES", 7 * 28 * 28)
    images = tiny(20)
    blocks = list(noisy_blocks(images, HALF, 0))
    assert [len(clean) for clean, _ in blocks] == [7, 7, 6]
    clean, noisy = noisy_at(images, HALF, 0, [3, 19])
    assert torch.equal(clean, images.clean([3, 19]))
    assert torch.equal(noisy, torch.cat([noisy for _, noisy in blocks])[[3, 19]])


@pytest.mark.parametrize("name", MODELS)
def test_a_models_numbers_do_not_depend_on_the_limit(name: str) -> None:
    images = tiny(40)
    denoiser = as_denoiser(untrained(name), images)
    pd.testing.assert_frame_equal(
        measure(denoiser, images.head(3), HALF), measure(denoiser, images, HALF).head(3), rtol=1e-5
    )


def test_the_seed_decides_the_noise_and_nothing_global_does() -> None:
    before = torch.get_rng_state()
    first, again, other = (rows(tiny(8), HALF, seed=seed) for seed in (1, 1, 2))
    assert first == again and first != other and torch.equal(torch.get_rng_state(), before)


def test_level_0_is_the_identity() -> None:
    (row, _) = rows(tiny(8), NoiseSpec("gaussian", 0))
    assert (row["mse"], row["l2"], row["psnr_db"]) == (0, 0, math.inf) and row["ssim"] == pytest.approx(1)


def test_outputs_are_clamped() -> None:
    clean = tiny(8)
    ((row, _), (wild, _)) = (rows(clean, NoiseSpec("gaussian", 1, clipped=clipped)) for clipped in (True, False))
    assert row["mse"] == pytest.approx(wild["mse"], rel=1e-6)


@pytest.mark.parametrize("shape", [(3, 28, 28), (1, 32, 32), (1, 37, 31)])
@pytest.mark.parametrize("name", MODELS)
def test_pictures_that_a_model_cannot_take_are_told(name: str, shape: tuple[int, int, int]) -> None:
    images = tiny(4, shape)
    if MODELS[name].any_size and shape[0] == 1:
        assert measure(as_denoiser(untrained(name), images), images, HALF).notna().all(axis=None)
        return
    with pytest.raises(DataError) as caught:
        as_denoiser(untrained(name), images)
    assert all(words in str(caught.value) for words in (name, "1 x 28 x 28", " x ".join(map(str, shape)), "tiny"))


def test_one_image() -> None:
    assert rows(tiny(1), HALF)[0]["n"] == 1


def test_intervals_are_those_of_the_mean_and_the_gain_is_paired() -> None:
    images = tiny(30)
    denoiser = as_denoiser(untrained("linear-32"), images)
    noisy, scores = (measure(call, images, HALF) for call in (nothing, denoiser))
    (base, mine) = rows(images, HALF)
    assert base["gain_db"] == 0 == base["gain_db_95"]
    assert mine["gain_db"] == pytest.approx(mine["psnr_db"] - base["psnr_db"])
    gains = scores["psnr_db"] - noisy["psnr_db"]
    pd.testing.assert_series_equal(gains_db(scores, noisy), gains)
    for name, values in (("mse", scores["mse"]), ("ssim", scores["ssim"]), ("gain_db", gains)):
        assert mine[f"{name}_95"] == pytest.approx(1.96 * stats.sem(values))


def test_an_interval_holds_the_true_mean_19_times_of_20() -> None:
    images, hits = tiny(2_000), 0
    true = rows(images, HALF)[1]["mse"]
    for start in range(0, 2_000, 50):
        part = replace(images, images=images.images[start : start + 50], labels=images.labels[start : start + 50])
        mine = rows(part, HALF)[1]
        hits += abs(mine["mse"] - true) <= mine["mse_95"]
    assert 34 <= hits  # of 40


def test_a_time_is_positive_and_leaves_the_threads_as_they_were() -> None:
    threads = torch.get_num_threads()
    assert 0 < milliseconds(nothing, torch.zeros(4, 1, 28, 28)) < 100
    with pytest.raises(ZeroDivisionError):
        milliseconds(lambda noisy: noisy / (1 // 0), torch.zeros(1, 1, 28, 28))
    assert torch.get_num_threads() == threads


def test_a_filter_is_measured_at_its_best_strength_like_a_model() -> None:
    images = load_dataset("digits", "test", limit=20)
    contender = classical("median", load_dataset("digits", "train", limit=100))
    weak, strong = NoiseSpec("gaussian", 0.2), NoiseSpec("gaussian", 0.9)
    base, mine, worse, blurred = evaluate([contender], images, [weak, strong])
    assert (mine["run"], mine["model"]) == ("median", "median") and mine["gain_db"] > 2 and blurred["gain_db"] > 2
    direct = measure(classical_denoiser("median", 5), images, strong)
    assert blurred["mse"] == direct["mse"].mean()  # the larger window against the stronger noise
