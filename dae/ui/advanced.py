"""Every setting of a training, for those who want to choose."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dae.config import LOSSES, OPTIMIZERS, TARGETS, TrainConfig
from dae.data import DATASETS, is_available
from dae.devices import available_devices
from dae.errors import SpecError
from dae.models import MODELS
from dae.noise import NOISES, NoiseSpec
from dae.runs import RunDirectory

_OPTIMIZERS = {"adam": "Adam", "adamw": "AdamW", "muon": "Muon"}
_TARGETS = {"clean": "Clean pictures", "noisy": "Other noisy copies alone"}
_USUAL = TrainConfig()

Configs = Callable[[], dict[str, TrainConfig]]  # by model; raises SpecError where a setting breaks its rule


def advanced(runs: Sequence[RunDirectory]) -> tuple[Configs, str]:
    """Draw the settings; what gives the chosen configs, and the name asked for.

    Args:
        runs: whose weights a training may begin with, if they are finished.
    """
    left, middle, right = st.columns(3)
    with left:
        models = _models()
        noise = _noise()
        pretrained = _pretrained(runs)
    settings = {"pretrained": pretrained} | _steps(middle) | _rest(right)
    name = right.text_input("Name of the run (optional)", max_chars=64, help="Small letters, digits and dashes.")

    def configs() -> dict[str, TrainConfig]:
        if not models:
            raise SpecError("No model is chosen. Choose one, or two to four for a race.")
        common = TrainConfig(noise=noise(), **settings)
        return {model: replace(common, model=model) for model in models}

    return configs, name.strip()


def _models() -> list[str]:
    return st.multiselect(
        "Model, or several for a race",
        list(MODELS),
        default=[_USUAL.model],
        max_selections=4,
        format_func=lambda name: MODELS[name].label,
        help="\n".join(f"- **{entry.label}**: {entry.help}" for entry in MODELS.values()),
    )


def _pretrained(runs: Sequence[RunDirectory]) -> str:
    models = {run.name: run.model for run in runs if run.state == "finished" and run.model in MODELS}
    return st.selectbox(
        "Begin with",
        ["", *models],
        key="pretrained",  # without one it forgets its choice when a run is finished
        format_func=lambda name: f"{name} ({MODELS[models[name]].label})" if name else "Random weights",
        help="The weights of a finished run of the same model: it then learns another noise or other pictures in far "
        "fewer epochs. Choose its model above, too; a race of several models cannot share them.",
    )


def _noise() -> Callable[[], NoiseSpec]:
    kinds = st.multiselect(
        "Noise, or several kinds mixed",
        list(NOISES),
        default=[_USUAL.noise.kind],
        format_func=lambda name: NOISES[name].label,
        help="Of a mix each picture gets one kind.\n"
        + "\n".join(f"- **{entry.label}**: {entry.help}" for entry in NOISES.values()),
    )
    low, high = st.slider(
        "Noise strength",
        0.0,
        1.0,
        (0.5, 0.5),
        0.05,
        help="One strength, or a range: each picture then gets its own, and the model learns to cope with all of them.",
    )
    clipped = st.checkbox(
        "Cut at black and white",
        value=True,
        help="As a picture file does. Without it, pixels may be darker than black and brighter than white, and the "
        "noise is zero on average.",
    )

    def spec() -> NoiseSpec:
        if not kinds:
            raise SpecError("No noise is chosen. Choose one kind, or several for a mix.")
        first, *others = (NoiseSpec(kind, low, high, clipped or NOISES[kind].bounded) for kind in kinds)
        return replace(first, others=tuple(others))

    return spec


def _steps(column: DeltaGenerator) -> dict[str, Any]:
    """How the weights move."""
    number = column.number_input
    return {
        "epochs": number("Epochs", 1, 10_000, _USUAL.epochs, help="How often all pictures are gone through."),
        "batch_size": number(
            "Batch size",
            1,
            65_536,
            _USUAL.batch_size,
            help="How many pictures make one step. Lower it when memory runs out.",
        ),
        "optimizer": column.selectbox(
            "Optimizer",
            list(OPTIMIZERS),
            list(OPTIMIZERS).index(_USUAL.optimizer),
            format_func=lambda name: _OPTIMIZERS[name],
            help="How a step is made of the error's slope. **AdamW** suits everything; **Muon** gets farther in as "
            "many epochs, with a learning rate of about 0.02.",
        ),
        "lr": number(
            "Learning rate",
            1e-7,
            10.0,
            _USUAL.lr,
            format="%.5f",
            help="How far a step goes. Too high and training diverges.",
        ),
        "weight_decay": number(
            "Weight decay",
            0.0,
            10.0,
            _USUAL.weight_decay,
            format="%.5f",
            help="Pulls the weights towards zero; often not needed.",
        ),
    }


def _rest(column: DeltaGenerator) -> dict[str, Any]:
    """What it learns from, what counts as an error, and where."""
    count = column.number_input(
        "Training pictures (0 for all)", 0, 10_000_000, 15_000, help="Fewer pictures make shorter epochs."
    )
    return {
        "images": int(count) or None,
        "dataset": column.selectbox(
            "Pictures",
            [name for name in DATASETS if is_available(name)],
            format_func=lambda name: DATASETS[name].label,
            help="What the model learns from.",
        ),
        "target": column.selectbox(
            "Compared with",
            list(TARGETS),
            format_func=lambda name: _TARGETS[name],
            help="What the model's answers are compared with. With other noisy copies alone it never sees a clean "
            "picture, and still learns to make them; that needs noise that is not cut at black and white.",
        ),
        "loss": column.selectbox(
            "Loss",
            list(LOSSES),
            format_func=str.upper,
            help="What counts as an error. **MSE** squares the differences, **L1** takes them as they are, **BCE** "
            "treats a pixel as a chance of being white, **PSNR** counts decibels, so that weak noise matters too.",
        ),
        "seed": column.number_input(
            "Seed", 0, 2**32 - 1, _USUAL.seed, help="The same seed gives the same result again."
        ),
        "device": column.selectbox(
            "Device", ["auto", *available_devices()], help="**auto** takes a graphics card where there is one."
        ),
    }
