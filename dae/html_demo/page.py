"""A page with up to three trained models inside, which denoises in any browser without a server or a network."""

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import torch
from torch import Tensor

from dae.data import ImageSet, dataset_label
from dae.errors import SpecError
from dae.evaluation.denoisers import check_compatible
from dae.html_demo.graph import build_program
from dae.html_demo.packing import fits_half_precision, pack_program
from dae.models import MODELS, Checkpoint, Shape, count_parameters
from dae.noise import NOISES, NoiseSpec, corrupt
from dae.utils.random import make_generator

MAX_MODELS = 3
# Base64 adds a third; browsers on phones open files of this size.
MAX_BYTES = 32_000_000
# Kinds of noise in assets/noise.js.
KINDS = ("gaussian", "masking", "salt-and-pepper", "speckle", "poisson", "occlusion", "uniform")
# Most images in the file, and most of one class.
_NUM_IMAGES, _NUM_PER_CLASS = 20, 2
ASSETS = Path(__file__).parent / "assets"
# Concatenated in this order, because a page opened from a file cannot import modules.
_SCRIPTS = ("convolution", "inference", "noise", "digit", "panels", "demo")


@dataclass(frozen=True, eq=False)
class DemoModel:
    """A trained model of the page.

    Attributes:
        name: of the run.
        label: display name; "" for that of the architecture.
        color: CSS color; "" for that of the architecture.
    """

    name: str
    checkpoint: Checkpoint
    label: str = ""
    color: str = ""


def render_demo(models: Sequence[DemoModel], images: ImageSet, noise: NoiseSpec | None = None) -> str:
    """Return the page: one to MAX_MODELS models, some of the images and the kinds of noise, in one HTML file.

    Args:
        images: the first images of each class become the samples. Only their order and class select them.
        noise: with which the page opens; None for the training noise of the first model.

    Raises:
        SpecError: there are too many models, a model uses an operation that the file does not support, or the file
            would be too large.
        DataError: a model takes images of another shape.
    """
    if not 1 <= len(models) <= MAX_MODELS:
        raise SpecError(f"An HTML file contains 1 to {MAX_MODELS} models, not {len(models)}. Choose fewer.")
    models = _with_distinct_labels(models)
    for model in models:
        check_compatible(model.checkpoint, images, model.name)
    samples = _select_samples(images)
    noise = noise or _training_noise(models[0].checkpoint) or NoiseSpec("gaussian", 0.5)
    noisy = noisy_examples(images.to_float(samples))
    names = [images.classes[label] for label in images.labels[samples].tolist()]
    is_digits = all(name.isdecimal() for name in names)
    content = {
        "shape": list(images.shape),
        "dataset": dataset_label(images.name),
        "images": base64.b64encode(images.images[samples].contiguous().numpy().tobytes()).decode(),
        "classes": [f"digit {name}" if is_digits else name for name in names],
        "noises": {
            name: {
                "label": NOISES[name].label,
                "help": NOISES[name].help,
                "low": NOISES[name].low,
                "high": NOISES[name].high,
                "level": NOISES[name].default_level,
            }
            for name in KINDS
        },
        "noise": {"kind": noise.kind, "level": noise.level},
        "models": [_describe(model, images.shape, noisy) for model in models],
    }
    page = _fill_template("Can you still read it?" if is_digits else "Can you still recognize it?", content)
    if len(page) > MAX_BYTES:
        raise SpecError(
            f"The HTML file would have {len(page) / 1e6:.0f} MB, more than {MAX_BYTES / 1e6:.0f} MB. Choose fewer or "
            "smaller models."
        )
    return page


def _with_distinct_labels(models: Sequence[DemoModel]) -> list[DemoModel]:
    """Return the models with labels; equal labels get the name of the run."""
    labels = [model.label or MODELS[model.checkpoint.name].label.removeprefix("Residual ") for model in models]
    return [
        replace(model, label=f"{label} · {model.name}" if labels.count(label) > 1 else label)
        for model, label in zip(models, labels, strict=True)
    ]


def _select_samples(images: ImageSet) -> list[int]:
    """Return the indices of the first images of each class, in turns, up to _NUM_IMAGES."""
    labels = images.labels.tolist()
    of_class = [[index for index, other in enumerate(labels) if other == label] for label in sorted(set(labels))]
    turns = [indices[turn] for turn in range(_NUM_PER_CLASS) for indices in of_class if turn < len(indices)]
    return turns[:_NUM_IMAGES]


def _training_noise(checkpoint: Checkpoint) -> NoiseSpec | None:
    """Return the noise that the model was trained on, or None if it is unknown."""
    try:
        return NoiseSpec.parse(str(checkpoint.config["noise"]))
    except (KeyError, SpecError):
        return None


def noisy_examples(clean: Tensor) -> Tensor:
    """Return noisy copies of the images at a low, a middle and a high level of each of KINDS, (N, C, H, W)."""
    generator = make_generator(0)
    specs = [NoiseSpec(kind, level) for kind in KINDS for level in NoiseSpec(kind, 0).levels(5)[1:4]]
    noisy = [corrupt(clean[index % len(clean)][None], spec, generator) for index, spec in enumerate(specs)]
    return torch.cat([clean, *noisy])


def _describe(model: DemoModel, shape: Shape, noisy: Tensor) -> dict[str, Any]:
    """Return the program and the description of a model as JSON values."""
    checkpoint, info = model.checkpoint, MODELS[model.checkpoint.name]
    half = fits_half_precision(checkpoint.model, noisy)
    return {
        "label": model.label,
        "color": model.color or info.color,
        "sentence": describe_model(model),
        "card": list(_card(model, half)),
        **pack_program(build_program(checkpoint.model, model.label, shape), half),
    }


def describe_model(model: DemoModel) -> str:
    """Return what the model is, and what it was trained on, in plain words."""
    checkpoint = model.checkpoint
    weights = f"{count_parameters(checkpoint.model):,} weights"
    dataset, noise = str(checkpoint.config.get("dataset", "")), _training_noise(checkpoint)
    trained = f"trained on {dataset_label(dataset)}" if dataset else ""
    if trained and noise:
        trained += " without noise" if noise.high == 0 else f" with {noise.label} noise"
    return f"{MODELS[checkpoint.name].help} It has {' and was '.join(filter(None, (weights, trained)))}."


def _card(model: DemoModel, half: bool) -> Iterator[tuple[str, str]]:
    """Yield name and value of each fact about the model and its training."""
    checkpoint, info = model.checkpoint, MODELS[model.checkpoint.name]
    yield "Run", model.name
    yield "Architecture", f"{info.label} ({checkpoint.name}), {info.family}"
    yield "Weights", f"{count_parameters(checkpoint.model):,}, here in {'half' if half else 'single'} precision"
    yield "Image size", " × ".join(map(str, checkpoint.shape[1:])) + (", any other too" if info.any_size else "")
    names = {
        "dataset": "Data set",
        "noise": "Noise",
        "target": "Target",
        "epochs": "Epochs",
        "loss": "Loss",
        "optimizer": "Optimizer",
        "lr": "Learning rate",
        "seed": "Random seed",
    }
    for key, name in names.items():
        if (value := checkpoint.config.get(key)) not in (None, ""):
            yield name, dataset_label(str(value)) if key == "dataset" else str(value)


def _fill_template(title: str, content: dict[str, Any]) -> str:
    """Return the template with style, scripts and content, and a policy that allows nothing else."""
    style = _read("demo.css")
    # A function keeps the names of the scripts away from the page.
    script = "(() => {\n'use strict'\n" + "\n".join(_read(f"{name}.js") for name in _SCRIPTS) + "\n})()\n"
    # No "<" can end the element that contains the JSON.
    data = json.dumps(content, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; base-uri 'none'; form-action 'none'"
    )
    return Template(_read("demo.html")).substitute(
        title=title, policy=escape(policy), style=style, script=script, content=data
    )


def _read(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _hash(source: str) -> str:
    """Return the hash of an inline script or style, as a content security policy writes it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"
