"""Validation within epochs: its schedule, its cost, and that it does not change the weights."""

import itertools

import pytest
import torch
from torch import Tensor

from dae.errors import DivergedError
from dae.evaluation import score
from dae.models import Autoencoder, denoise
from dae.training import TrainState, fit, validation
from dae.training.validation import EARLY_STEPS, MAX_FRAMES, Validator, validation_pair
from tests.helpers import small_config, tensors_equal, tiny_dataset, weights

IMAGES = tiny_dataset(100, seed=1, split="validation")


class Clock:
    """A clock that only advances when a test sets it."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def validator(epochs: int = 3, steps: int = 9, clock: Clock | None = None) -> Validator:
    config = small_config(epochs=epochs)
    return Validator(config, TrainState(config, IMAGES.shape), IMAGES, steps, clock or Clock())


@pytest.mark.parametrize(("step_s", "cost_s"), [(0.01, 0.002), (0.05, 0.01), (0.01, 0.3), (2.0, 0.5), (0.001, 0.001)])
def test_estimates_cost_less_than_a_twentieth_of_the_training(
    step_s: float, cost_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, steps = Clock(), 1_500
    tested = validator(steps=steps, clock=clock)

    def measured(_model: Autoencoder, noisy: Tensor) -> Tensor:
        clock.now += cost_s
        return noisy

    monkeypatch.setattr(validation, "denoise", measured)
    tested.validate()
    validation_s, estimated = clock.now, []
    for step in range(1, steps + 1):
        clock.now += step_s
        tested._state.step = step
        if tested.is_due(clock.now):
            tested.estimate(clock.now)
            estimated.append(step)
    assert len(estimated) * cost_s <= 0.05 * (clock.now - validation_s) or len(estimated) == 1
    assert len(estimated) <= len(EARLY_STEPS) + MAX_FRAMES and estimated[0] == 1
    if cost_s < 0.1 * step_s * steps / MAX_FRAMES and step_s * steps >= 60:
        assert set(EARLY_STEPS) < set(estimated) and len(estimated) >= 20


def test_a_resumed_run_counts_its_full_validation_once_and_apart_from_estimates(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    tested = validator(clock=clock)

    def measured(_model: Autoencoder, noisy: Tensor) -> Tensor:
        clock.now += 1.0 if len(noisy) == len(IMAGES) else 0.25
        return noisy

    monkeypatch.setattr(validation, "denoise", measured)
    tested.estimate(1.0)
    assert (tested._scores_s, tested._total_estimates_s, tested._last_estimate_s) == (1.0, 0.25, 0.25)


@pytest.mark.parametrize("model", ["linear-32", "dncnn"])
def test_estimates_change_no_weight(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config, images = (
        small_config(model=model, epochs=1),
        tiny_dataset(32, (1, 9, 9) if model == "dncnn" else (1, 28, 28)),
    )

    def trained(every_step: bool) -> list[Tensor]:
        state = TrainState(config, images.shape)
        monkeypatch.setattr(Validator, "is_due", lambda *_: every_step)
        before = torch.get_rng_state()
        reports = list(fit(config, state, images, images, clock=itertools.count().__next__))
        assert torch.equal(torch.get_rng_state(), before)
        assert sum(report.estimate is not None for report in reports) == 3 * every_step
        return weights(state)

    assert tensors_equal(trained(True), trained(False))


def test_the_first_steps_are_estimated_and_have_previews() -> None:
    config, images = small_config(epochs=1, batch_size=2), tiny_dataset(40)
    clock = itertools.count(0, 1e-3)
    reports = list(fit(config, TrainState(config, images.shape), images, IMAGES, clock=clock.__next__))
    estimated = [report.step for report in reports if report.estimate]
    assert estimated[0] == 1 and set(estimated) <= set(EARLY_STEPS)
    assert all((report.preview is not None) == bool(report.estimate or report.scores) for report in reports)
    assert not any(report.estimate and report.scores for report in reports)


def test_estimated_scores_equal_those_of_all_images_for_the_same_weights() -> None:
    tested = validator()
    scores, estimate = tested.validate().scores, tested.estimate(1.0).estimate
    assert scores and estimate
    assert estimate.psnr_db == pytest.approx(scores.psnr_db) and estimate.mse == pytest.approx(scores.mse)
    # A resumed run measures all images first.
    resumed = validator().estimate(1.0).estimate
    assert resumed and resumed.psnr_db == pytest.approx(scores.psnr_db)


def test_a_run_of_many_epochs_has_a_bounded_number_of_previews() -> None:
    tested, previews = validator(epochs=1_000), 0
    tested._noisy, tested._clean = tested._noisy[:2], tested._clean[:2]
    for epoch in range(0, 1_001, 1):
        if epoch % 32 and epoch < 990:
            # Every 32nd of 1,000 epochs has one; the others are not worth the time of this test.
            continue
        tested._state.epoch = epoch
        previews += tested.validate().preview is not None
    assert previews == 33


def test_nan_weights_raise_a_diverged_error() -> None:
    tested = validator()
    tested.validate()
    with torch.no_grad():
        next(tested._state.model.parameters()).fill_(torch.nan)
    with pytest.raises(DivergedError) as caught:
        tested.estimate(1.0)
    assert caught.value.epoch == 1


def test_a_training_in_bfloat16_is_validated_in_float32() -> None:
    config = small_config(model="unet", precision="bfloat16", epochs=1)
    images = tiny_dataset(8, (1, 9, 9))
    state = TrainState(config, images.shape)
    assert state.bfloat16
    *_, last = fit(config, state, images, images)
    clean, noisy = validation_pair(config, images)
    assert last.scores == score(denoise(state.ema_model, noisy), noisy, clean)
