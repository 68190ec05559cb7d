"""Recipes: valid and unique entries, JSON round trips, and configs that match a recipe."""

import json
from dataclasses import replace

import pytest
import torch

from dae.data import DATASETS
from dae.models import MODELS, build_model
from dae.runs.directory import check_name
from dae.training import RECIPES, TrainConfig
from dae.training.recipes import matches_recipe

PUBLISHED = [name for name, recipe in RECIPES.items() if recipe.is_published]


@pytest.mark.parametrize("name", RECIPES)
class TestEveryRecipe:
    def test_model_accepts_the_images_of_its_data_set(self, name: str) -> None:
        config = RECIPES[name].config
        shape = DATASETS[config.dataset].shape if config.dataset in DATASETS else (3, 192, 192)
        build_model(config.model, config.input_shape(shape), torch.Generator())

    def test_json_round_trip_gives_an_equal_config(self, name: str) -> None:
        config = RECIPES[name].config
        assert TrainConfig.from_json(json.loads(json.dumps(config.to_json()))) == config

    def test_entry_is_complete_and_unique_with_a_valid_run_name(self, name: str) -> None:
        recipe = RECIPES[name]
        check_name(name)
        assert recipe.label and recipe.help.endswith(".")
        assert [other.label for other in RECIPES.values()].count(recipe.label) == 1
        assert [other.config for other in RECIPES.values()].count(recipe.config) == 1


def test_matches_recipe_ignores_data_seed_and_device_but_not_epochs_and_target() -> None:
    config = RECIPES["noisy-targets"].config
    assert matches_recipe("noisy-targets", replace(config, dataset="mnist", seed=7, device="cpu"))
    assert not matches_recipe("noisy-targets", replace(config, epochs=1))
    assert not matches_recipe("noisy-targets", replace(config, target="clean", teacher="mnist-unet"))
    assert not matches_recipe("no-such", config)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_recipes_use_adam_with_a_constant_learning_rate_in_float32(name: str) -> None:
    config = RECIPES[name].config
    assert (config.optimizer, config.beta2, config.schedule, config.precision) == (
        "adam",
        0.999,
        "constant",
        "float32",
    )


def test_quick_recipes_need_no_download_and_cover_three_model_families() -> None:
    quick = [recipe.config for name, recipe in RECIPES.items() if name.startswith("quick")]
    assert quick and all(DATASETS[config.dataset].download is None for config in quick)
    assert {MODELS[config.model].family for config in quick} == {"linear", "convolutional", "residual CNN"}


@pytest.mark.parametrize("data", ["mnist", "digits"])
def test_recipes_of_a_data_set_share_their_noise_and_cover_three_model_families(data: str) -> None:
    ours = [RECIPES[f"{data}-{kind}"].config for kind in ("linear", "conv", "unet")]
    assert len({(config.dataset, config.noise) for config in ours}) == 1
    assert len({MODELS[config.model].family for config in ours}) == 3


def test_the_blind_recipe_keeps_its_seven_kinds_of_noise() -> None:
    assert str(RECIPES["mnist-blind"].config.noise) == (
        "gaussian:0-1+gaussian:0-1:unclipped+masking:0-1+salt-and-pepper:0-1+speckle:0-1+speckle:0-1:unclipped"
        "+poisson:0-1+poisson:0-1:unclipped+occlusion:0-1+uniform:0-1+uniform:0-1:unclipped"
    )
