"""Every model, loss and recipe can be trained, and each setting changes the weights."""

import itertools
from dataclasses import replace

import pytest

from dae.errors import DaeError
from dae.models import MODELS
from dae.noise import NoiseSpec
from dae.training import RECIPES
from dae.training.config import LOSSES, SCHEDULES
from tests.helpers import small_config, tensors_equal, tiny_dataset, train, weights


def test_each_setting_changes_the_trained_weights() -> None:
    usual = weights(train(small_config(epochs=1))[0])
    for change in ({"lr": 1e-4}, {"beta2": 0.9}, {"batch_size": 6}, {"noise": NoiseSpec("masking", 0.5)}):
        assert not tensors_equal(usual, weights(train(small_config(epochs=1, **change))[0])), change
    for name, values in (("loss", LOSSES), ("schedule", SCHEDULES)):
        results = [weights(train(small_config(epochs=1, **{name: value}))[0]) for value in values]
        assert not any(tensors_equal(*two) for two in itertools.combinations(results, 2)), name


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_model_and_loss_that_a_config_allows_trains(model: str, loss: str) -> None:
    try:
        config = small_config(model=model, loss=loss, epochs=1)
    except DaeError:
        # The config refuses this combination.
        return
    _, reports = train(config, tiny_dataset(8))
    assert reports[-1].scores


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_trains_for_one_step(name: str) -> None:
    config = replace(RECIPES[name].config, epochs=1, device="cpu", teacher="", pretrained="")
    shape = (3 if "cifar" in config.dataset else 1, *([32, 32] if config.dataset == "cifar10" else [28, 28]))
    if config.crop:
        shape = (3, config.crop + 8, config.crop + 8)
    images = tiny_dataset(4, (shape[0], shape[1], shape[2]))
    state, reports = train(replace(config, precision="float32"), images)
    assert state.step == 1 and reports[-1].scores and reports[-1].scores.mse < 1


@pytest.mark.parametrize("shape", [(1, 37, 31), (3, 37, 31)])
@pytest.mark.parametrize("model", [name for name, entry in MODELS.items() if entry.any_size])
def test_odd_sized_gray_and_color_images_train_with_a_batch_size_of_1(model: str, shape: tuple[int, int, int]) -> None:
    state, reports = train(small_config(model=model, epochs=1, batch_size=1), tiny_dataset(2, shape))
    assert state.step == 2 and reports[-1].preview is not None and reports[-1].preview.shape[1:] == shape
