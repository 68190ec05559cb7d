"""Form with the settings of a training; other fields of `TrainConfig` keep their defaults."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dae.data import DATASETS, is_available
from dae.errors import SpecError
from dae.models import MODELS
from dae.noise import NOISES, NoiseSpec
from dae.runs import Run, to_run_name
from dae.training import TrainConfig
from dae.training.config import LOSSES, OPTIMIZERS, TARGETS
from dae.utils.device import available_devices
from dae.utils.text import describe_terms, join_words

_OPTIMIZER_LABELS = {"adam": "Adam", "adamw": "AdamW", "muon": "Muon"}
_TARGET_LABELS = {"clean": "Clean images", "noisy": "Other noisy copies (Noise2Noise)"}
_DEFAULTS = TrainConfig()


@dataclass(frozen=True)
class FormValues:
    """Values that the user entered, not validated yet.

    Attributes:
        models: each is trained in a run of its own.
        noise_kinds: mixed if there are several.
        level_range: lowest and highest level of every kind.
        settings: further fields of `TrainConfig`.
        name: of the run; "" for a name derived from data set and model.
    """

    models: tuple[str, ...]
    noise_kinds: tuple[str, ...]
    level_range: tuple[float, float]
    clipped: bool
    settings: Mapping[str, Any]
    name: str

    def configs(self) -> dict[str, TrainConfig]:
        """Return the config of each model, by model.

        Raises:
            SpecError: a setting is missing or invalid.
        """
        if not self.models:
            raise SpecError("Choose a model, or two to four for a race.")
        if not self.noise_kinds:
            raise SpecError("Choose a kind of noise, or several to mix.")
        noise = NoiseSpec.mixture(
            [NoiseSpec(kind, self.level_range, self.clipped or NOISES[kind].in_unit_range) for kind in self.noise_kinds]
        )
        if self.settings.get("target") == "noisy" and not noise.is_zero_mean:
            kinds = [info.label for info in NOISES.values() if not info.in_unit_range]
            raise SpecError(
                "Training on other noisy copies needs noise that averages to zero. Uncheck “Clip noisy images to [0, "
                f"1]”, and choose only {join_words(kinds)} noise."
            )
        return {model: TrainConfig(model=model, noise=noise, **self.settings) for model in self.models}


def render_config_form(runs: Sequence[Run]) -> FormValues:
    """Draw the form and return what the user entered.

    Args:
        runs: a training can start from the weights of the finished ones.
    """
    left, middle, right = st.columns(3)
    with left:
        models = _select_models()
        kinds, level_range, clipped = _select_noise()
        pretrained = _select_pretrained(runs)
        name = st.text_input(
            "Name (optional)", max_chars=64, help="Any name. It is stored in lowercase letters; spaces become dashes."
        )
    settings = {"pretrained": pretrained} | _optimizer_settings(middle) | _data_settings(right)
    return FormValues(tuple(models), tuple(kinds), level_range, clipped, settings, to_run_name(name.strip()))


def _select_models() -> list[str]:
    return st.multiselect(
        "Model (choose several for a race)",
        list(MODELS),
        default=[_DEFAULTS.model],
        max_selections=4,
        format_func=lambda name: MODELS[name].label,
        help=describe_terms({info.label: info.help for info in MODELS.values()}),
    )


def _select_noise() -> tuple[list[str], tuple[float, float], bool]:
    """Let the user select kinds of noise, a range of levels, and whether noisy images are clipped."""
    kinds = st.multiselect(
        "Noise (choose several to mix)",
        list(NOISES),
        default=[_DEFAULTS.noise.kind],
        format_func=lambda name: NOISES[name].label,
        help="In a mix, each image gets one kind at random.\n"
        + describe_terms({info.label: info.help for info in NOISES.values()}),
    )
    level_range = st.slider(
        "Noise level",
        0.0,
        1.0,
        (0.5, 0.5),
        0.05,
        help="One level or a range. With a range, each image gets a random level from it.",
    )
    clipped = st.checkbox(
        "Clip noisy images to [0, 1]",
        value=True,
        help="As in an image file, nothing is darker than black (0) or brighter than white (1). Without clipping, "
        "noise that brightens and darkens averages to zero, which Noise2Noise needs.",
    )
    return kinds, level_range, clipped


def _select_pretrained(runs: Sequence[Run]) -> str:
    models = {run.name: run.model for run in runs if run.state == "finished" and run.model in MODELS}
    return st.selectbox(
        "Start from",
        ["", *models],
        # Without a key the widget would lose its value when a run finishes.
        key="pretrained",
        format_func=lambda name: f"{name} ({MODELS[models[name]].label})" if name else "Scratch (random weights)",
        help="Continues from a finished model of the same type. It adapts to new noise or images much faster. Not "
        "available for races.",
    )


def _optimizer_settings(column: DeltaGenerator) -> dict[str, Any]:
    optimizers = list(OPTIMIZERS)
    return {
        "epochs": column.number_input("Epochs", 1, 10_000, _DEFAULTS.epochs, help="Passes over the training images."),
        "batch_size": column.number_input(
            "Batch size",
            1,
            65_536,
            _DEFAULTS.batch_size,
            help="Images per training step. Lower it if you run out of memory.",
        ),
        "optimizer": column.selectbox(
            "Optimizer",
            optimizers,
            optimizers.index(_DEFAULTS.optimizer),
            format_func=_OPTIMIZER_LABELS.__getitem__,
            help="**AdamW** is a safe choice. **Muon** often reaches a lower error in the same number of epochs; use a "
            "learning rate near 0.02.",
        ),
        "lr": column.number_input(
            "Learning rate", 1e-7, 10.0, _DEFAULTS.lr, format="%.5f", help="Step size. Too high and training diverges."
        ),
        "weight_decay": column.number_input(
            "Weight decay", 0.0, 10.0, _DEFAULTS.weight_decay, format="%.5f", help="Keeps weights small. Usually 0."
        ),
    }


def _data_settings(column: DeltaGenerator) -> dict[str, Any]:
    """Draw the settings of data, target, loss, seed and device."""
    count = column.number_input(
        "Training images (0 for all)", 0, 10_000_000, 15_000, help="Fewer images make epochs faster."
    )
    return {
        "max_images": int(count) or None,
        "dataset": column.selectbox(
            "Data set",
            [name for name in DATASETS if is_available(name)],
            format_func=lambda name: DATASETS[name].label,
            help="What the model is trained on.",
        ),
        "target": column.selectbox(
            "Target",
            list(TARGETS),
            format_func=_TARGET_LABELS.__getitem__,
            help="With other noisy copies, the model never sees a clean image, yet learns to produce one. Needs "
            "unclipped noise.",
        ),
        "loss": column.selectbox(
            "Loss",
            list(LOSSES),
            format_func=str.upper,
            help="**MSE**: squared error. **L1**: absolute error. **BCE**: treats pixels as probabilities. **PSNR**: "
            "optimizes decibels, so that weak noise counts too.",
        ),
        "seed": column.number_input("Seed", 0, 2**32 - 1, _DEFAULTS.seed, help="Same seed, same result."),
        "device": column.selectbox("Device", ["auto", *available_devices()], help="**auto** uses a GPU if available."),
    }
