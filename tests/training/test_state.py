"""TrainState: bit-exact resuming, EMA weights, and batch normalization statistics."""

import pytest
import torch

from dae.errors import SpecError
from dae.training import TrainState, fit
from tests.helpers import small_config, tensors_equal, tiny_dataset, train, weights

TEST = tiny_dataset(8, seed=1, split="test")
TINY = (1, 9, 9)  # enough for convolutions


# Each pair of values of two settings occurs.
@pytest.mark.parametrize(
    ("model", "precision", "optimizer", "average"),
    [
        ("linear-32", "float32", "muon", 0.9),
        ("linear-32", "bfloat16", "adam", 0.0),
        ("linear-32", "float32", "adamw", 0.9),
        ("conv-64", "bfloat16", "muon", 0.0),
        ("conv-64", "float32", "adam", 0.9),
        ("conv-64", "bfloat16", "adamw", 0.9),
        ("unet", "float32", "muon", 0.0),
        ("unet", "float32", "adam", 0.9),
        ("unet", "bfloat16", "adamw", 0.0),
    ],
)
def test_resuming_from_the_end_of_an_epoch_is_bit_exact(
    model: str, precision: str, optimizer: str, average: float
) -> None:
    config = small_config(
        model=model, precision=precision, optimizer=optimizer, ema_decay=average, epochs=3, weight_decay=0.01
    )
    images = tiny_dataset(20)  # the last batch is smaller
    whole, _ = train(config, images)
    begun = TrainState(config, images.shape)
    kept: dict[str, torch.Tensor] = {}
    for report in fit(config, begun, images, TEST):
        if report.scores and begun.epoch == 1:
            kept = {name: value.clone() for name, value in begun.state_dict().items()}
        if begun.epoch == 2:
            # The second epoch is discarded.
            break
    resumed = TrainState(config, images.shape)
    resumed.load_state_dict(kept)
    assert (resumed.epoch, resumed.step) == (1, 3)
    list(fit(config, resumed, images, TEST))
    assert tensors_equal(weights(resumed), weights(whole))
    one, two = resumed.state_dict(), whole.state_dict()
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one if name != "seconds")


def test_resuming_with_another_number_of_images_raises_a_spec_error() -> None:
    config = small_config(epochs=3)
    begun = TrainState(config, (1, 28, 28))
    for _ in fit(config, begun, tiny_dataset(40), TEST):
        if begun.epoch == 2:
            break
    resumed = TrainState(config, (1, 28, 28))
    resumed.load_state_dict(begun.state_dict())
    for number, steps in ((20, 3), (32, 4), (41, 6)):
        with pytest.raises(SpecError, match=f"step 10 after 2 epochs, but {number} images make {steps} steps"):
            list(fit(config, resumed, tiny_dataset(number), TEST))
    assert resumed.epoch == 2


def test_batch_norm_statistics_are_averaged_by_the_ema_and_restored_on_resume() -> None:
    config, images = (
        small_config(model="dncnn", epochs=2, batch_size=4, ema_decay=0.9, optimizer="muon"),
        tiny_dataset(8, TINY),
    )
    whole, _ = train(config, images)
    begun, resumed = (TrainState(config, images.shape) for _ in range(2))
    for _ in fit(config, begun, images, images):
        if begun.epoch == 1:
            break
    resumed.load_state_dict(begun.state_dict())
    list(fit(config, resumed, images, images))
    for one, two in ((resumed.model, whole.model), (resumed.ema_model, whole.ema_model)):
        assert tensors_equal(weights(one), weights(two))
    first, kept = (
        next(m for m in model.modules() if hasattr(m, "running_mean")) for model in (whole.model, whole.ema_model)
    )
    assert first.num_batches_tracked == kept.num_batches_tracked == 4
    assert not torch.equal(first.running_mean, kept.running_mean) and kept.running_mean.abs().sum() > 0


def test_ema_does_not_change_the_trained_weights_and_is_used_for_validation() -> None:
    plain, plain_reports = train(small_config())
    state, reports = train(small_config(ema_decay=0.9))
    assert plain.ema_model is plain.model and tensors_equal(weights(plain), weights(state))
    assert not tensors_equal(weights(state.ema_model), weights(state))
    # The EMA weights are validated.
    assert reports[-1].scores != plain_reports[-1].scores
    assert all(parameter.grad is None for parameter in state.ema_model.parameters())


def test_ema_weights_are_the_exponential_moving_average_of_all_steps() -> None:
    state = TrainState(small_config(ema_decay=0.8), (1, 28, 28))
    parameter, kept = next(state.model.parameters()), next(state.ema_model.parameters())
    for step in range(1, 61):
        with torch.no_grad():
            parameter.fill_(step)
        state.after_step()
    assert state.step == 60 and kept.min() == kept.max()
    # The EMA of a linear increase lags behind it by decay / (1 - decay).
    assert kept.min() == pytest.approx(60 - 0.8 / 0.2, abs=0.01)


def test_loading_the_state_of_another_model_raises_an_error() -> None:
    tensors = TrainState(small_config(model="linear-10"), (1, 28, 28)).state_dict()
    with pytest.raises(RuntimeError):
        TrainState(small_config(), (1, 28, 28)).load_state_dict(tensors)
