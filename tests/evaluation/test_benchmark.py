"""The benchmark protocol: all denoisers get the same noise, and rows average per-image metrics."""

import math
import threading
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
import torch
from scipy import stats
from torch import Tensor

from dae.data import ImageSet, load_dataset
from dae.errors import DataError
from dae.evaluation import (
    NamedDenoiser,
    aggregate_seeds,
    evaluate,
    filter_denoiser,
    identity,
    iter_noisy_batches,
    latency_ms,
    make_denoiser,
    make_filter,
    model_denoiser,
    noisy_batch_at,
    per_image_metrics,
    psnr_db,
    psnr_gain,
)
from dae.models import MODELS
from dae.noise import NOISES, NoiseSpec
from dae.utils.threads import parallel_map
from tests.helpers import tiny_dataset, untrained_checkpoint

MEANS = ["mse", "psnr_db", "ssim", "l2", "gain_db"]
KEYS = [
    "run",
    "model",
    "dataset",
    "noise",
    "level",
    "n",
    "draws",
    "protocol",
    *MEANS,
    *(f"{name}_95" for name in MEANS),
]
HALF = NoiseSpec("gaussian", 0.5)


def rows(images: ImageSet, *noises: NoiseSpec, seed: int = 0) -> list[dict[str, Any]]:
    return list(
        evaluate(
            [model_denoiser("model", untrained_checkpoint("linear-32", images.shape), images)], images, noises, seed
        )
    )


def test_rows_have_documented_keys_and_average_per_image_metrics() -> None:
    images = tiny_dataset(12)
    noises = ("gaussian:0.5", "masking:0.1-0.6", "masking:0.3+gaussian:0.5")
    table = rows(images, *map(NoiseSpec.parse, noises))
    assert [list(row) for row in table] == [KEYS] * 6
    assert [(row["run"], row["noise"]) for row in table] == [
        (run, noise) for noise in noises for run in ("noisy", "model")
    ]
    assert [row["level"] for row in table] == [0.5, 0.5, "0.1-0.6", "0.1-0.6", "mixed", "mixed"]
    assert all((row["n"], row["dataset"]) == (12, "tiny") for row in table)
    scores = per_image_metrics(identity, images, HALF)
    assert list(scores.columns) == [*MEANS[:4], "changed"] and len(scores) == 12
    for name in MEANS[:4]:
        assert table[0][name] == pytest.approx(scores[name].mean(), rel=1e-12)
    clean, noisy = next(iter_noisy_batches(images, HALF, 0))
    assert torch.allclose(torch.tensor(scores["psnr_db"].to_numpy()), psnr_db(noisy, clean))


def test_image_sets_of_several_sizes_are_averaged_as_one_set_of_images() -> None:
    large, small = tiny_dataset(3), replace(tiny_dataset(5), images=tiny_dataset(5).images[..., :20, :])
    parts = [next(evaluate([], images, [HALF], draws=2)) for images in (large, small)]
    whole = next(evaluate([], [large, small], [HALF], draws=2))
    assert (whole["n"], whole["draws"], whole["dataset"]) == (8, 2, "tiny")
    for name in MEANS:
        assert whole[name] == pytest.approx((3 * parts[0][name] + 5 * parts[1][name]) / 8)


def test_mean_psnr_leaves_out_images_that_the_noise_did_not_change() -> None:
    noise = NoiseSpec("masking", 0.0005)
    scores = per_image_metrics(identity, tiny_dataset(40), noise)
    corrupted = scores["psnr_db"][scores["changed"]]
    assert 0 < len(corrupted) < 40
    assert rows(tiny_dataset(40), noise)[0]["psnr_db"] == pytest.approx(corrupted.mean())
    assert corrupted.mean() < math.inf
    assert rows(tiny_dataset(40), NoiseSpec("masking", 0))[0]["psnr_db"] == math.inf


@pytest.mark.parametrize("noise", [*(f"{kind}:0.1-0.7" for kind in NOISES), "poisson:0-1+gaussian:0-1+masking:0-1"])
def test_a_smaller_image_set_gets_the_same_noise(noise: str) -> None:
    images, spec = tiny_dataset(520), NoiseSpec.parse(noise)
    whole = per_image_metrics(identity, images, spec)
    for limit in (1, 7, 500, 501):
        part = per_image_metrics(identity, images.take(limit), spec)
        # The last digits depend on the alignment of the images in memory.
        pd.testing.assert_frame_equal(part, whole.head(limit), rtol=1e-12)


def test_large_images_are_denoised_in_smaller_batches_of_the_same_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    images, progress = tiny_dataset(520), list[float]()
    whole = per_image_metrics(identity, images, HALF)
    monkeypatch.setattr(
        "dae.evaluation.benchmark.max_batch_size", lambda shape, limit, max_elements=0: 500 if max_elements else 200
    )
    parts = per_image_metrics(identity, images, HALF, on_progress=progress.append)
    pd.testing.assert_frame_equal(parts, whole, check_exact=True)
    assert progress == [200 / 520, 400 / 520, 500 / 520, 1]


def test_the_noise_of_large_images_is_drawn_in_smaller_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dae.evaluation.benchmark._MAX_BATCH_ELEMENTS", 7 * 28 * 28)
    images = tiny_dataset(20)
    blocks = list(iter_noisy_batches(images, HALF, 0))
    assert [len(clean) for clean, _ in blocks] == [7, 7, 6]
    clean, noisy = noisy_batch_at(images, HALF, 0, [3, 19])
    assert torch.equal(clean, images.to_float([3, 19]))
    assert torch.equal(noisy, torch.cat([noisy for _, noisy in blocks])[[3, 19]])


@pytest.mark.parametrize("name", MODELS)
def test_metrics_of_a_model_do_not_depend_on_the_number_of_images(name: str) -> None:
    images = tiny_dataset(40)
    denoiser = make_denoiser(untrained_checkpoint(name), images)
    pd.testing.assert_frame_equal(
        per_image_metrics(denoiser, images.take(3), HALF), per_image_metrics(denoiser, images, HALF).head(3), rtol=1e-5
    )


def test_results_depend_on_the_seed_and_not_on_the_global_generator() -> None:
    before = torch.get_rng_state()
    first, again, other = (rows(tiny_dataset(8), HALF, seed=seed) for seed in (1, 1, 2))
    assert first == again and first != other and torch.equal(torch.get_rng_state(), before)


def test_noise_level_0_leaves_images_unchanged() -> None:
    (row, _) = rows(tiny_dataset(8), NoiseSpec("gaussian", 0))
    assert (row["mse"], row["l2"], row["psnr_db"]) == (0, 0, math.inf) and row["ssim"] == pytest.approx(1)


def test_outputs_are_clamped_before_they_are_measured() -> None:
    clean = tiny_dataset(8)
    ((row, _), (unclipped, _)) = (rows(clean, NoiseSpec("gaussian", 1, clipped=clipped)) for clipped in (True, False))
    assert row["mse"] == pytest.approx(unclipped["mse"], rel=1e-6)


@pytest.mark.parametrize("shape", [(3, 28, 28), (1, 32, 32), (1, 37, 31)])
@pytest.mark.parametrize("name", MODELS)
def test_images_of_an_incompatible_shape_raise_a_data_error(name: str, shape: tuple[int, int, int]) -> None:
    images = tiny_dataset(4, shape)
    if MODELS[name].any_size and shape[0] == 1:
        assert per_image_metrics(make_denoiser(untrained_checkpoint(name), images), images, HALF).notna().all(axis=None)
        return
    with pytest.raises(DataError) as caught:
        make_denoiser(untrained_checkpoint(name), images)
    assert all(words in str(caught.value) for words in (name, "1 x 28 x 28", " x ".join(map(str, shape)), "tiny"))


def test_a_single_image_can_be_measured() -> None:
    assert rows(tiny_dataset(1), HALF)[0]["n"] == 1


def test_intervals_are_1_96_standard_errors_and_the_gain_is_paired() -> None:
    images = tiny_dataset(30)
    denoiser = make_denoiser(untrained_checkpoint("linear-32"), images)
    noisy, scores = (per_image_metrics(call, images, HALF) for call in (identity, denoiser))
    (base, row) = rows(images, HALF)
    assert base["gain_db"] == 0 == base["gain_db_95"]
    assert row["gain_db"] == pytest.approx(row["psnr_db"] - base["psnr_db"])
    gains = scores["psnr_db"] - noisy["psnr_db"]
    pd.testing.assert_series_equal(psnr_gain(scores, noisy), gains)
    for name, values in (("mse", scores["mse"]), ("ssim", scores["ssim"]), ("gain_db", gains)):
        assert row[f"{name}_95"] == pytest.approx(1.96 * stats.sem(values))


def test_95_percent_intervals_contain_the_true_mean() -> None:
    images, hits = tiny_dataset(2_000), 0
    true = rows(images, HALF)[1]["mse"]
    for start in range(0, 2_000, 50):
        part = replace(images, images=images.images[start : start + 50], labels=images.labels[start : start + 50])
        row = rows(part, HALF)[1]
        hits += abs(row["mse"] - true) <= row["mse_95"]
    # Of 40 intervals, 38 are expected.
    assert hits >= 34


def test_latency_is_measured_on_one_core_and_changes_no_thread_count() -> None:
    used: list[tuple[int, int]] = []

    def denoiser(noisy: Tensor) -> Tensor:
        threads = parallel_map(lambda _: threading.get_ident(), range(8))
        used.append((torch.get_num_threads(), len(set(threads))))
        return noisy

    before = torch.get_num_threads()
    assert 0 < latency_ms(denoiser, torch.zeros(4, 1, 28, 28))
    assert set(used) == {(1, 1)} and torch.get_num_threads() == before
    with pytest.raises(ZeroDivisionError):
        latency_ms(lambda noisy: noisy / (1 // 0), torch.zeros(1, 1, 28, 28))
    assert torch.get_num_threads() == before


def test_nan_output_for_one_image_makes_the_means_nan() -> None:
    images = tiny_dataset(12)

    def broken(noisy: Tensor) -> Tensor:
        denoised = identity(noisy)
        denoised[3] = torch.nan
        return denoised

    _, row = evaluate([NamedDenoiser("broken", "broken", "", lambda noise: broken)], images, [HALF])
    assert all(math.isnan(row[name]) and math.isnan(row[f"{name}_95"]) for name in MEANS)
    (average,) = aggregate_seeds([row | dict.fromkeys(MEANS, 1.0), row], {"broken": ""})
    assert average["seeds"] == 2 and all(math.isnan(average[name]) for name in MEANS)


def test_a_filter_is_evaluated_with_the_best_strength_for_each_noise() -> None:
    images = load_dataset("digits", "test", limit=20)
    median = filter_denoiser("median", load_dataset("digits", "train", limit=100))
    weak, strong = NoiseSpec("gaussian", 0.2), NoiseSpec("gaussian", 0.9)
    _, at_weak, _, at_strong = evaluate([median], images, [weak, strong])
    assert (at_weak["run"], at_weak["model"]) == ("median", "median")
    assert at_weak["gain_db"] > 2 and at_strong["gain_db"] > 2
    # The stronger noise needs the larger window.
    large_window = per_image_metrics(make_filter("median", 5), images, strong)
    assert at_strong["mse"] == pytest.approx(large_window["mse"].mean(), rel=1e-12)
