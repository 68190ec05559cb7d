"""The same noisy images, denoised by every selected model and filter."""

import math
from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from dae.evaluation import IDENTITY, counted_psnr_db, noisy_batch_at, psnr_gain
from dae.noise import NoiseSpec
from dae.ui import measuring, resources
from dae.ui.compare.selection import Selection
from dae.ui.components.frame_slider import SpriteRow, frame_slider
from dae.ui.model_options import ModelOption
from dae.utils import text
from dae.viz import hstack, to_png

_NUM_PER_RANK = 3


@st.cache_data(show_spinner=False, max_entries=128)
def clean_strip(dataset: str, indices: tuple[int, ...]) -> bytes:
    """Return a PNG of test images in a row."""
    return to_png(hstack(resources.images(dataset, "test").to_float(list(indices))))


@st.cache_data(show_spinner=False, max_entries=128)
def denoised_strip(
    option: ModelOption, mtime_ns: int, dataset: str, noise: NoiseSpec, indices: tuple[int, ...]
) -> bytes:
    """Return a PNG of denoised test images in a row.

    Args:
        mtime_ns: modification time of the weights; only part of the cache key.
    """
    _, noisy = noisy_batch_at(resources.images(dataset, "test"), noise, measuring.SEED, indices)
    return to_png(hstack(measuring.denoiser_for(option, dataset).for_noise(noise)(noisy)))


def image_rows(
    selection: Selection,
    scores: Mapping[str, pd.DataFrame],
    options: Sequence[ModelOption],
    indices: tuple[int, ...],
    unit: str = "",
) -> list[SpriteRow]:
    """Return a row of images per denoiser, below the clean ones, under the first noise draw.

    Args:
        scores: per-image metrics under that draw, by name of the denoiser.
        indices: of the test images.
        unit: what follows the PSNR under each image.
    """
    noise, noisy = selection.noise, scores[IDENTITY].iloc[list(indices)]
    rows = [SpriteRow("Clean", clean_strip(selection.dataset, indices), words=("the original",))]
    for option in options:
        metrics = scores[option.name].iloc[list(indices)]
        mtime_ns = resources.weights_mtime(option.name) if option.is_model else 0
        sheet = denoised_strip(option, mtime_ns, selection.dataset, noise, indices)
        title, words, color = "Noisy", "the input", ""
        if option.name != IDENTITY:
            title, words, color = option.label, _describe_gain(option, selection, metrics, noisy), option.color
        numbers = tuple(text.format_db(psnr_db, unit) for psnr_db in metrics["psnr_db"])
        rows.append(SpriteRow(title, sheet, color=color, words=(words,), numbers=(numbers,)))
    return rows


def render_side_by_side(
    selection: Selection,
    scores: Mapping[str, pd.DataFrame],
    options: Sequence[ModelOption],
    indices: tuple[int, ...],
    key: str,
) -> None:
    """Draw the rows of `image_rows`."""
    rows = image_rows(selection, scores, options, indices)
    noise = selection.noise
    frame_slider(
        rows,
        steps=[f"{noise.level:g}"],
        columns=len(indices),
        label="Noise level",
        key=key,
        alt=f"{len(indices)} test images with {noise.label} noise: {text.join_words([row.title for row in rows])}",
        caption="Numbers are PSNR in dB: higher is closer to the original.",
    )


def _describe_gain(option: ModelOption, selection: Selection, metrics: pd.DataFrame, noisy: pd.DataFrame) -> str:
    gain_db = float(psnr_gain(metrics, noisy).mean())
    psnr_db = float(counted_psnr_db(metrics).mean()) if option.can_hallucinate(selection.images) else math.inf
    return text.describe_gain(gain_db, psnr_db)


def rank_images(scores: pd.DataFrame) -> dict[str, tuple[int, ...]]:
    """Return the indices of the best, typical (median) and worst images by PSNR, of those that the noise changed."""
    ranked = list(counted_psnr_db(scores).sort_values(ascending=False, kind="stable").index)
    middle = max((len(ranked) - _NUM_PER_RANK) // 2, 0)
    return {
        "Best": tuple(ranked[:_NUM_PER_RANK]),
        "Typical": tuple(ranked[middle : middle + _NUM_PER_RANK]),
        "Worst": tuple(ranked[-_NUM_PER_RANK:]),
    }
