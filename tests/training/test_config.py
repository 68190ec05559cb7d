"""TrainConfig: JSON round trips, validation of values, noisy targets, losses and learning-rate schedules."""

import json
import math
from dataclasses import fields, replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dae.data import DATASETS
from dae.errors import SpecError, UnknownNameError
from dae.models import MODELS
from dae.noise import NOISES, NoiseSpec
from dae.training import TrainConfig
from dae.training.config import LOSSES, OPTIMIZERS, SCHEDULES, TARGETS

CHOICES = {
    "dataset": DATASETS,
    "model": MODELS,
    "loss": LOSSES,
    "target": TARGETS,
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
}
NUMBERS = ["epochs", "batch_size", "lr", "weight_decay", "beta2", "ema_decay", "seed", "max_images"]

configs = st.builds(
    TrainConfig,
    dataset=st.sampled_from([*DATASETS, "folder:photos@64"]),
    model=st.sampled_from(list(MODELS)),
    noise=st.builds(NoiseSpec, st.sampled_from(list(NOISES)), st.floats(0, 1))
    | st.just(NoiseSpec.parse("masking:0.1-0.6+gaussian:0.5:unclipped")),
    epochs=st.integers(1, 10_000),
    lr=st.floats(1e-7, 10),
    weight_decay=st.floats(0, 10),
    optimizer=st.sampled_from(list(OPTIMIZERS)),
    schedule=st.sampled_from(list(SCHEDULES)),
    ema_decay=st.floats(0, 0.999999),
    max_images=st.none() | st.integers(1, 10**9),
    precision=st.sampled_from(["auto", "float32", "bfloat16"]),
    seed=st.integers(0, 2**32 - 1),
)


@given(configs)
def test_json_round_trip_gives_an_equal_config(config: TrainConfig) -> None:
    again = TrainConfig.from_json(json.loads(json.dumps(config.to_json())))
    assert again == config and hash(again) == hash(config)


def test_from_json_accepts_integers_as_floats_and_uses_defaults_for_missing_settings() -> None:
    assert TrainConfig.from_json({"lr": 1}) == TrainConfig(lr=1.0)
    assert TrainConfig.from_json({}) == TrainConfig()
    assert set(TrainConfig().to_json()) == {field.name for field in fields(TrainConfig)}


@pytest.mark.parametrize(
    "values",
    [
        {"epochs": 2.5},
        {"epochs": "5"},
        {"epochs": True},
        {"epochs": None},
        {"lr": "fast"},
        {"lr": None},
        {"model": 5},
        {"noise": 0.5},
        {"noise": {"kind": "gaussian"}},
        {"max_images": 1.5},
        {"device": []},
    ],
)
def test_a_value_of_the_wrong_type_raises_an_error_that_names_the_setting(values: dict[str, Any]) -> None:
    (key,) = values
    with pytest.raises(SpecError, match=f"'{key}'.*wrong type"):
        TrainConfig.from_json(values)


def test_an_unknown_setting_raises_an_error_with_the_closest_name() -> None:
    with pytest.raises(UnknownNameError) as caught:
        TrainConfig.from_json({"epoch": 5})
    assert caught.value.closest == "epochs" and caught.value.noun == "setting"


@pytest.mark.parametrize("key", [*CHOICES, "precision"])
def test_an_unknown_choice_raises_an_error_with_all_choices(key: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        TrainConfig(**{key: "nothing-like-it"})
    assert caught.value.choices == tuple(CHOICES.get(key, ("auto", "float32", "bfloat16")))


@pytest.mark.parametrize("key", NUMBERS)
@pytest.mark.parametrize("value", [-1, -0.5, 10**10, math.nan, math.inf, -math.inf])
def test_a_number_out_of_range_raises_an_error_with_value_and_limits(key: str, value: float) -> None:
    with pytest.raises(SpecError) as caught:
        TrainConfig(**{key: value})
    shown = f"{value:,}" if isinstance(value, int) else f"{value:g}"
    assert f" {shown} is outside " in str(caught.value) and " to " in str(caught.value)


@pytest.mark.parametrize("key", ["epochs", "batch_size", "max_images", "lr"])
def test_zero_is_refused_for_settings_that_must_be_positive(key: str) -> None:
    with pytest.raises(SpecError):
        TrainConfig(**{key: 0})


@pytest.mark.parametrize(("key", "value"), [("epochs", 2.5), ("batch_size", 8.5), ("seed", 0.5), ("max_images", 1.5)])
def test_fractional_values_of_integer_settings_are_refused(key: str, value: float) -> None:
    with pytest.raises(SpecError):
        TrainConfig(**{key: value})


@pytest.mark.parametrize("key", ["epochs", "lr", "seed"])
def test_text_instead_of_a_number_raises_a_spec_error(key: str) -> None:
    with pytest.raises(SpecError):
        TrainConfig(**{key: "5"})


@pytest.mark.parametrize(
    "noise", ["gaussian:0.5:unclipped", "poisson:0.1-0.3:unclipped", "speckle:1:unclipped+uniform:0.5:unclipped"]
)
def test_noisy_targets_are_accepted_with_zero_mean_noise(noise: str) -> None:
    config = TrainConfig(noise=NoiseSpec.parse(noise), target="noisy")
    assert TrainConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    "noise", ["gaussian:0.5", "masking:0.5", "occlusion:0.1", "gaussian:0.5:unclipped+masking:0.5"]
)
def test_noisy_targets_are_refused_with_noise_that_shifts_the_mean(noise: str) -> None:
    with pytest.raises(SpecError) as caught:
        TrainConfig(noise=NoiseSpec.parse(noise), target="noisy")
    assert noise in str(caught.value) and "gaussian:0.5:unclipped" in str(caught.value)


@pytest.mark.parametrize("loss", LOSSES)
def test_noisy_targets_are_accepted_only_with_losses_minimized_by_the_mean(loss: str) -> None:
    """The values 0, 0 and 0.9 of one pixel have the mean 0.3 and the median 0."""
    pixels = torch.tensor([0.0, 0.0, 0.9])
    guesses = torch.linspace(0.05, 0.95, 19)
    losses = [float(LOSSES[loss](guess.expand(1, 3), pixels.expand(1, 3))) for guess in guesses]
    best = float(guesses[losses.index(min(losses))])
    try:
        TrainConfig(noise=NoiseSpec.parse("gaussian:0.5:unclipped"), target="noisy", loss=loss)
    except SpecError as error:
        assert loss != "mse" and f"not '{loss}'. Use loss 'mse'." in str(error)
    else:
        assert best == pytest.approx(0.3)


def test_psnr_loss_is_the_mean_psnr_deficit_to_60_db() -> None:
    clean = torch.zeros(3, 1, 4, 4)
    # PSNR of 20 dB, 40 dB and infinity.
    denoised = torch.tensor([0.1, 0.01, 0.0]).view(3, 1, 1, 1).expand_as(clean)
    assert float(LOSSES["psnr"](denoised, clean)) == pytest.approx((40 + 20.04 + 0) / 3, abs=0.01)


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule_factors_lie_between_0_and_1_and_reach_1(name: str) -> None:
    rates = [SCHEDULES[name](step / 1_000) for step in range(1_001)]
    assert all(-1e-12 <= rate <= 1 + 1e-12 for rate in rates) and max(rates) == pytest.approx(1, abs=1e-3)


def test_one_cycle_schedule_rises_for_a_quarter_and_then_falls_to_0() -> None:
    rates = [SCHEDULES["one-cycle"](step / 1_000) for step in range(1_001)]
    peak = rates.index(max(rates))
    assert peak == pytest.approx(250, abs=15) and rates[-1] == pytest.approx(0, abs=1e-9) and rates[0] < 0.05
    assert rates[: peak + 1] == sorted(rates[: peak + 1]) and rates[peak:] == sorted(rates[peak:], reverse=True)


def test_a_config_is_immutable_and_a_copy_is_validated() -> None:
    with pytest.raises(AttributeError):
        TrainConfig().epochs = 3  # type: ignore[misc]
    with pytest.raises(SpecError):
        replace(TrainConfig(), epochs=0)
