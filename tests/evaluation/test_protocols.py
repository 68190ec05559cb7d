"""Protocols and noise draws: what is measured, and how draws are averaged."""

import numpy as np
import pandas as pd
import pytest
import torch

from dae.errors import SpecError, UnknownNameError
from dae.evaluation import METRICS, evaluate, model_denoiser, per_image_metrics
from dae.evaluation.denoisers import identity
from dae.evaluation.metrics import CHANGED
from dae.evaluation.protocols import average_draws
from dae.noise import NoiseSpec
from tests.helpers import tiny_dataset, untrained_checkpoint

IMAGES = tiny_dataset(8)
UNCLIPPED = NoiseSpec.parse("gaussian:0.2:unclipped")


def table(psnr_db: list[float], changed: list[bool]) -> pd.DataFrame:
    return pd.DataFrame({name: np.array(psnr_db) for name in METRICS} | {CHANGED: changed})


def test_rows_average_over_the_draws_of_consecutive_seeds() -> None:
    (row,) = evaluate([], IMAGES, [UNCLIPPED], seed=5, draws=3)
    draws = [per_image_metrics(identity, IMAGES, UNCLIPPED, seed) for seed in (5, 6, 7)]
    for name in METRICS:
        assert row[name] == pytest.approx(np.mean([draw[name].mean() for draw in draws]))
    assert (row["draws"], row["n"], row["protocol"]) == (3, 8, "clamped")


def test_psnr_is_averaged_over_the_draws_that_changed_the_image() -> None:
    average = average_draws(
        [table([20, np.inf, np.inf], [True, False, False]), table([30, 24, np.inf], [True, True, False])]
    )
    assert average["psnr_db"].tolist() == [25, 24, np.inf]
    assert average[CHANGED].tolist() == [True, True, False]


def test_nan_in_one_draw_makes_the_average_nan() -> None:
    average = average_draws([table([20.0], [True]), table([np.nan], [True])])
    assert average[list(METRICS)].isna().all(axis=None)


def test_outputs_of_the_8_bit_protocol_are_rounded() -> None:
    denoiser = model_denoiser("model", untrained_checkpoint("unet"), IMAGES)
    clamped, rounded = (
        list(evaluate([denoiser], IMAGES, [UNCLIPPED], protocol=name))[1] for name in ("clamped", "awgn-8bit")
    )
    assert rounded["protocol"] == "awgn-8bit" and rounded["mse"] != clamped["mse"]
    assert rounded["mse"] == pytest.approx(clamped["mse"], abs=1e-4)
    exact = per_image_metrics(lambda noisy: torch.round(identity(noisy) * 255) / 255, IMAGES, UNCLIPPED)
    noisy = next(iter(evaluate([], IMAGES, [UNCLIPPED], protocol="awgn-8bit")))
    assert noisy["mse"] == pytest.approx(exact["mse"].mean())


@pytest.mark.parametrize("noise", ["gaussian:0.2", "masking:0.2", "gaussian:0.2:unclipped+masking:0.1"])
def test_the_8_bit_protocol_refuses_other_noise(noise: str) -> None:
    with pytest.raises(SpecError, match="needs unclipped Gaussian noise"):
        list(evaluate([], IMAGES, [NoiseSpec.parse(noise)], protocol="awgn-8bit"))


def test_unknown_protocols_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="awgn-8bit"):
        list(evaluate([], IMAGES, [UNCLIPPED], protocol="awgn8bit"))
