"""The training loop: learning, reproducibility, reports, noisy targets, validation, and errors."""

import itertools
from dataclasses import replace

import pytest
import torch

from dae.data import ImageSet
from dae.errors import DivergedError, OutOfMemoryError, SpecError, TrainingError
from dae.models import MODELS, denoise
from dae.noise import NoiseSpec
from dae.training import TrainState, fit
from dae.training.config import LOSSES
from dae.training.validation import NUM_PREVIEW_IMAGES, validation_pair
from dae.utils.device import max_batch_size
from tests.helpers import small_config, tensors_equal, tiny_dataset, train, weights

TEST = tiny_dataset(8, seed=1, split="test")
TINY = (1, 9, 9)  # enough for convolutions
FULL = (1, 28, 28)


def test_training_overfits_one_batch() -> None:
    images = tiny_dataset(8)
    config = small_config(epochs=150, batch_size=8, model="linear-32", lr=3e-3)
    state = TrainState(config, images.shape)
    first, *_, last = fit(config, state, images, images)
    assert last.scores and first.scores and last.noisy_scores
    assert last.scores.mse < first.scores.mse / 10 and last.scores.mse < last.noisy_scores.mse / 4
    assert last.scores.psnr_db > last.noisy_scores.psnr_db + 5 and last.scores.ssim > last.noisy_scores.ssim


@pytest.mark.parametrize("model", MODELS)
def test_weights_depend_on_the_seed_and_not_on_the_global_generator(model: str) -> None:
    config, images = small_config(model=model, epochs=1), tiny_dataset(24, TINY if MODELS[model].any_size else FULL)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first, _ = train(config, images)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    again, _ = train(config, images)
    other, _ = train(replace(config, seed=7), images)
    assert tensors_equal(weights(first), weights(again)) and not tensors_equal(weights(first), weights(other))


@pytest.mark.parametrize(("model", "shape"), [("linear-32", (1, 28, 28)), ("dncnn", TINY)])
def test_denoising_between_reports_does_not_change_the_weights(model: str, shape: tuple[int, int, int]) -> None:
    config, images = small_config(model=model), tiny_dataset(24, shape)
    whole, _ = train(config, images)
    watched = TrainState(config, images.shape)
    for _ in fit(config, watched, images, images, clock=itertools.count().__next__):  # a report after every step
        denoise(watched.model, torch.rand(2, *shape))
        torch.rand(3)
    assert tensors_equal(weights(watched), weights(whole))


def test_reports_have_increasing_steps_and_times_and_previews_after_each_epoch() -> None:
    config, images = small_config(epochs=3), tiny_dataset(20)
    state = TrainState(config, images.shape)
    reports = list(fit(config, state, images, TEST, clock=itertools.count().__next__))
    steps = [report.step for report in reports]
    assert steps == sorted(steps) and (steps[0], steps[-1]) == (0, 9)
    seconds = [report.seconds for report in reports]
    assert seconds == sorted(seconds) and seconds[0] > 0
    ends = [report for report in reports if report.scores]
    assert [report.epoch for report in ends] == [0, 1, 2, 3] and [report.step for report in ends] == [0, 3, 6, 9]
    assert all((report.epochs, report.steps) == (3, 9) for report in reports)
    assert reports[0].loss is None
    assert all(report.loss for report in reports if report.step not in (0, 3, 6, 9))
    for report in ends:
        assert report.preview is not None
        assert report.preview.shape == (NUM_PREVIEW_IMAGES, 1, 28, 28) and report.preview.dtype == torch.uint8


def test_pauses_between_reports_do_not_count_as_training_time() -> None:
    now = itertools.count()
    config, images = small_config(epochs=2), tiny_dataset()

    def seconds(pause: int) -> float:
        total = 0.0
        for report in fit(config, TrainState(config, images.shape), images, TEST, clock=now.__next__):
            for _ in range(pause):
                next(now)
            total = report.seconds
        return total

    assert seconds(1_000) == seconds(0)


def test_images_per_second_counts_actual_images_and_not_the_batch_size() -> None:
    config, images = small_config(epochs=1, batch_size=128), tiny_dataset(24)
    clock = itertools.count(0, 0.01)
    *_, last = fit(config, TrainState(config, images.shape), images, TEST, clock=clock.__next__)
    assert last.images_per_second == pytest.approx(24 / 0.02)  # one batch of 24, two ticks


def test_loss_with_noisy_targets_never_receives_clean_images(monkeypatch: pytest.MonkeyPatch) -> None:
    usual, pairs = LOSSES["mse"], []
    monkeypatch.setitem(LOSSES, "mse", lambda *pair: pairs.append(pair) or usual(*pair))
    noise = NoiseSpec("gaussian", 0.5, clipped=False)
    images = tiny_dataset(8)
    train(small_config(noise=noise, target="noisy", epochs=40), images)
    targets = torch.cat([target for _, target in pairs])
    mean = float(images.to_float().mean())
    # Unclipped noise leaves [0, 1].
    assert targets.min() < 0 and targets.max() > 1
    # The noise has zero mean.
    assert float(targets.mean()) == pytest.approx(mean, abs=5 * 0.5 / targets.numel() ** 0.5)
    # No target occurs twice.
    assert len({float(target.sum()) for target in targets}) == 40 * 8


def test_training_with_noisy_targets_learns_to_denoise() -> None:
    images = tiny_dataset(8)
    noise = NoiseSpec("gaussian", 0.5, clipped=False)
    config = small_config(epochs=300, noise=noise, target="noisy", lr=3e-3)
    first, *_, last = (report for report in train(config, images)[1] if report.scores)
    assert last.scores and last.noisy_scores and last.scores.psnr_db > last.noisy_scores.psnr_db + 5


def test_validation_noise_is_fixed_and_validation_images_do_not_affect_the_weights() -> None:
    config = small_config(epochs=2)
    first, again = validation_pair(config, TEST), validation_pair(config, TEST)
    assert all(map(torch.equal, first, again))
    _, reports = train(config)
    assert len({report.noisy_scores for report in reports}) == 1
    one, two = (TrainState(config, TEST.shape) for _ in range(2))
    list(fit(config, one, tiny_dataset(), TEST))
    list(fit(config, two, tiny_dataset(), tiny_dataset(4, seed=9, split="test")))
    assert tensors_equal(weights(one), weights(two))


def test_max_images_limits_training_to_the_first_images() -> None:
    limited, reports = train(small_config(max_images=5), tiny_dataset(24))
    assert reports[-1].steps == 3 and tensors_equal(
        weights(limited), weights(train(small_config(), tiny_dataset(24).take(5))[0])
    )
    assert train(small_config(max_images=10**6))[1][-1].steps == 9


@pytest.mark.parametrize("loss", LOSSES)
def test_a_nan_loss_raises_a_diverged_error_with_epoch_and_fix(loss: str) -> None:
    config = small_config(loss=loss)
    state = TrainState(config, (1, 28, 28))
    with torch.no_grad():
        next(state.model.parameters()).fill_(torch.nan)
    with pytest.raises(DivergedError) as caught:
        list(fit(config, state, tiny_dataset(), TEST))
    assert caught.value.epoch == 1 and isinstance(caught.value, TrainingError)
    assert "epoch 1" in str(caught.value) and "learning rate" in str(caught.value)


def test_out_of_memory_raises_an_error_with_the_batch_size(monkeypatch: pytest.MonkeyPatch) -> None:
    config = small_config()
    state = TrainState(config, (1, 28, 28))

    def refuse(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(state.optimizer, "step", refuse)
    with pytest.raises(OutOfMemoryError) as caught:
        list(fit(config, state, tiny_dataset(), TEST))
    assert caught.value.batch_size == 8 and "Lower the batch size" in str(caught.value)


def test_denoise_is_in_range_has_no_gradient_and_does_not_depend_on_the_batch_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = TrainState(small_config(model="unet"), (1, 28, 28)).model
    noisy = torch.randn(7, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    whole = denoise(model, noisy)
    assert whole.min() >= 0 and whole.max() <= 1 and not whole.requires_grad
    monkeypatch.setattr("dae.models.inference._MAX_BATCH_SIZE", 2)
    assert torch.allclose(whole, denoise(model, noisy), atol=1e-6)


def test_large_images_are_denoised_in_smaller_batches_and_fewer_are_validated(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [max_batch_size((3, side, side), 250) for side in (32, 64, 512, 2048)] == [250, 85, 1, 1]
    seen: list[int] = []
    model = TrainState(small_config(model="unet"), (1, 28, 28)).model
    model.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    monkeypatch.setattr("dae.training.validation._MAX_VALIDATION_ELEMENTS", 3 * 256 * 256)
    photographs = ImageSet("p", "test", torch.zeros(9, 1, 256, 256, dtype=torch.uint8), torch.zeros(9), ("a",))
    clean, noisy = validation_pair(small_config(), photographs)
    assert clean.shape == noisy.shape == (3, 1, 256, 256)
    denoise(model, photographs.to_float())
    denoise(model, torch.zeros(20, 1, 256, 256))
    assert seen == [9, 16, 4]


def test_a_state_of_another_model_or_shape_and_an_empty_split_are_refused() -> None:
    config, images = small_config(), tiny_dataset(8)
    for state, train_images in (
        (TrainState(replace(config, model="linear-10"), images.shape), images),
        (TrainState(replace(config, model="unet"), (1, 32, 32)), images),
        (TrainState(config, images.shape), images.take(0)),
    ):
        with pytest.raises(SpecError, match=r"TrainState\(config, train.shape\)|has no images"):
            next(iter(fit(config, state, train_images, TEST)))
