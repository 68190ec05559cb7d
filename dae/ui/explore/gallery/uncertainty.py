"""Predict the error of each pixel of the denoised images, as rows of the gallery: How sure is it?"""

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import cachetools
import streamlit as st
import torch
from PIL import Image
from streamlit.delta_generator import DeltaGenerator

from dae.imagination import is_trained_for, posterior_variance, predicted_psnr_db
from dae.imagination.jacobian import STRIDE
from dae.noise import NoiseSpec, corrupt
from dae.ui import model_options, resources, selectors
from dae.ui.components.frame_slider import SpriteRow, selected_frame
from dae.ui.explore.gallery.render import psnr_unit
from dae.ui.explore.gallery.sprites import Gallery, GallerySprites, ImageSelection
from dae.ui.model_options import ModelOption
from dae.utils import text
from dae.utils.random import make_generator
from dae.viz.images import ERROR_MAP_MAX, heat_map, to_png
from dae.viz.noise_sweep import NUM_LEVELS, levels, nearest_level_index

_KEY = "sure"
# Of the probes; the noise has the seed of the gallery.
_PROBE_SEED = 1
_MAX_RESULTS = 64
# Most predictions are ready before a progress bar could be read.
_PROGRESS_AFTER_S = 0.5
# A level that is not computed: neither certain nor uncertain.
_GRAY = (72, 72, 80)
_RELEASE = "predicted when you let go"
# Difference of predicted and true PSNR from which the page calls a prediction poor.
_POOR_DB = 1.0


class Prediction(NamedTuple):
    """Predicted error of the images of one row, as an image and as a PSNR in dB per image."""

    strip: Image.Image
    psnr_db: tuple[float, ...]

    @property
    def mean_psnr_db(self) -> float:
        """Return the mean over the images; infinite if that of one of them is."""
        return sum(self.psnr_db) / len(self.psnr_db)


class UncertaintyRows(NamedTuple):
    """The row below each model whose error is predicted, by index of the model, and a note in Markdown."""

    rows: Mapping[int, SpriteRow]
    note: str


def select_uncertainty(
    noise: NoiseSpec, models: Sequence[ModelOption], options: Mapping[str, ModelOption]
) -> tuple[str, ...]:
    """Draw the toggle; return the names of the models whose error is predicted.

    The toggle is absent if the noise is not Gaussian or no model at all was trained for it.

    Args:
        models: the selected ones.
        options: all models for these images, by name.
    """
    suitable = [name for name, option in options.items() if any(_trained_levels(option))]
    if noise.kind != "gaussian" or not suitable:
        return ()
    is_on = st.toggle(
        "How sure is it?",
        key=_KEY,
        bind="query-params",
        help="Predicts the error of each pixel, without the original: from how strongly the output follows the input "
        "(Tweedie's formula). Only for models trained on Gaussian noise that is not clipped.",
    )
    selected = tuple(model.name for model in models if model.name in suitable)
    if is_on and not selected:
        # The one for the most levels and, of several, the most specialized.
        best = max(suitable, key=lambda name: (sum(_trained_levels(options[name])), -len(_kinds(options[name]))))
        st.caption("No selected model was trained on unclipped Gaussian noise, which the prediction needs.")
        label = model_options.full_label(options[best])
        st.button(f"Add {label}", icon=":material/add:", key="sure_add", on_click=_add_model, args=(best,))
    return selected if is_on else ()


def _add_model(name: str) -> None:
    st.session_state["models"] = [*st.session_state["models"][: selectors.MAX_MODELS - 1], name]


def uncertainty_rows(
    gallery: Gallery, sprites: GallerySprites, key: str, placeholder: DeltaGenerator
) -> UncertaintyRows:
    """Predict the errors at the selected noise level; the other levels of the rows are empty.

    Any widget, the toggle too, stops a computation that takes long enough for its progress to be shown.

    Args:
        key: of the gallery's slider, which is drawn afterwards.
        placeholder: `st.empty()` for a progress bar.

    Raises:
        DaeError: a run cannot be read.
    """
    if not gallery.unclipped:
        return UncertaintyRows({}, "")
    step = selected_frame(key, nearest_level_index(gallery.noise, gallery.noise.level), NUM_LEVELS)
    predictions = _predictions(gallery, step, placeholder)
    rows = {
        index: _row(gallery, model, step, predictions.get(index), sprites.denoised[index].mean_psnr_db[step])
        for index, model in enumerate(gallery.models)
        if model.name in gallery.unclipped
    }
    return UncertaintyRows(rows, describe_predictions(gallery, sprites, step, predictions))


def _predictions(gallery: Gallery, step: int, placeholder: DeltaGenerator) -> dict[int, Prediction]:
    """Return the predictions by index of the model in the gallery, without models that were not trained for the level.

    Those for test images are cached.
    """
    predictions = {}
    start_s = time.monotonic()
    for index, model in enumerate(gallery.models):
        if model.name not in gallery.unclipped or not step or not _trained_levels(model)[step]:
            continue

        def on_progress(fraction: float, label: str = model.label) -> None:
            if time.monotonic() - start_s > _PROGRESS_AFTER_S:
                placeholder.progress(fraction, f"Predicting the error of {label} …")

        noise = str(gallery.noise_for(model).with_level(levels(gallery.noise)[step]))
        compute = _predict if gallery.images.user_pixels else _cached_prediction
        version = resources.weights_mtime(model.name)
        predictions[index] = compute(model.name, version, gallery.images, noise, gallery.seed, on_progress)
    placeholder.empty()
    return predictions


def _predict(
    name: str, version: int, images: ImageSelection, noise: str, seed: int, on_progress: Callable[[float], None]
) -> Prediction:
    """Predict the errors of one model; `version` is only part of the cache key."""
    spec, clean, network = NoiseSpec.parse(noise), images.clean(), resources.checkpoint(name).model
    noisy = corrupt(clean, spec, make_generator(seed))
    num_passes = clean.shape[1] * STRIDE**2
    variance = torch.empty(0)
    with resources.compute_lock(lambda: on_progress(0.0)):
        estimates = posterior_variance(network, noisy, spec.level, make_generator(_PROBE_SEED))
        for done, estimate in enumerate(estimates, start=1):
            variance = estimate
            on_progress(done / num_passes)
    deviation = variance.mean(1).clamp(min=0).sqrt()
    strip = heat_map(torch.cat(list(deviation), dim=1).numpy())
    return Prediction(strip, tuple(predicted_psnr_db(variance).tolist()))


_cached_prediction = cachetools.cached(
    cachetools.LRUCache(_MAX_RESULTS), key=lambda *arguments: arguments[:-1], lock=threading.Lock()
)(_predict)


def _row(gallery: Gallery, model: ModelOption, step: int, prediction: Prediction | None, true_db: float) -> SpriteRow:
    """Return the row of a model, with images and numbers at the level with index `step` only."""
    words = [_RELEASE if is_trained else "not trained for this level" for is_trained in _trained_levels(model)]
    words[0] = "no noise added"
    numbers = [("",) * len(gallery.images.indices)] * NUM_LEVELS
    _, height, width = gallery.images.image_set().shape
    sheet = Image.new("RGB", (width * len(gallery.images.indices), height * NUM_LEVELS), _GRAY)
    if prediction:
        is_valid = math.isfinite(prediction.mean_psnr_db)
        predicted = f"{prediction.mean_psnr_db:.1f} dB predicted" if is_valid else "not predictable"
        words[step] = f"{predicted}, {true_db:.1f} true"
        unit = psnr_unit()
        numbers[step] = tuple(
            f"{psnr_db:.1f}{unit}" if math.isfinite(psnr_db) else "–" for psnr_db in prediction.psnr_db
        )
        sheet.paste(prediction.strip, (0, step * height))
    return SpriteRow("How sure is it?", to_png(sheet), color=model.color, words=tuple(words), numbers=tuple(numbers))


def describe_predictions(
    gallery: Gallery, sprites: GallerySprites, step: int, predictions: Mapping[int, Prediction]
) -> str:
    """Return in Markdown how to read the rows, and which predictions are far from the truth."""
    labels = text.join_words([model.label for model in gallery.models if model.name in gallery.unclipped])
    sentences = [
        f"**How sure is it?** Black: certain; bright: expected to be wrong by {ERROR_MAP_MAX:g} or more (white is 1). "
        f"Predicted without the original, for {labels}, with noise that is not clipped, as in training."
    ]
    for index, prediction in predictions.items():
        excess_db = prediction.mean_psnr_db - sprites.denoised[index].mean_psnr_db[step]
        if _POOR_DB < abs(excess_db) < math.inf:
            sentences.append(
                f"**The prediction is poor for {gallery.models[index].label}**: the true squared error is "
                f"{10 ** (excess_db / 10):.1f} times the predicted one."
            )
    return " ".join(sentences)


def _kinds(model: ModelOption) -> set[str]:
    return {component.kind for component in model.noise.components}


def _trained_levels(model: ModelOption) -> list[bool]:
    """Return for each level of the slider whether the model was trained for it; for a filter nowhere."""
    levels_of_slider = NoiseSpec("gaussian", 0).levels(NUM_LEVELS)
    return [model.is_model and is_trained_for(model.noise, level) for level in levels_of_slider]
