"""A photograph under added noise, denoised at its own size by a model that accepts any size."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import streamlit as st
from PIL import Image
from torch import Tensor

from dae.data.uploads import to_tensor
from dae.evaluation import metrics
from dae.noise import NOISES, NoiseSpec, corrupt
from dae.ui import resources, selectors
from dae.ui.cleaning.jobs import restore_with_progress, view_urls
from dae.ui.cleaning.view import fit_view
from dae.ui.components.divider import Step, data_url, strength_divider
from dae.ui.model_options import ModelOption, photo_options
from dae.utils import text
from dae.utils.random import make_generator
from dae.viz.images import make_grid, to_png

# Larger images are denoised only on request.
_MAX_AUTOMATIC_PIXELS = 500_000
_PSNR_ROWS = 256
# Noise that is visible and leaves details.
_DEFAULT_LEVEL = 0.1
# Session state: the latest result with its key, and the key whose denoising was requested.
_RESULT, _REQUESTED = "full_resolution", "full_resolution_requested"


@dataclass(frozen=True, eq=False)
class FullResolution:
    """Selection of the view.

    Attributes:
        image: as returned by `decode_image`.
        noise: added to the image; of a single level.
    """

    image: Image.Image
    model: ModelOption
    noise: NoiseSpec
    seed: int

    @cached_property
    def digest(self) -> str:
        """Return a hash of the pixels."""
        return hashlib.blake2b(self.image.tobytes(), digest_size=12).hexdigest()

    def key(self) -> tuple[object, ...]:
        """Return a key that identifies the result."""
        version = resources.weights_mtime(self.model.name)
        return self.model.name, version, self.digest, str(self.noise), self.seed


@dataclass(frozen=True, eq=False)
class FullResolutionResult:
    """Noisy and denoised image.

    Attributes:
        before: data URL of the noisy image.
        views: data URLs of the denoised image and of the removed noise; until they are computed, of the noisy image
            and empty.
        denoised: None until it is computed.
    """

    before: str
    noisy_psnr_db: float
    views: tuple[str, str]
    denoised: Image.Image | None = None
    psnr_db: float = math.nan


def render_full_resolution(image: Image.Image, kind: str, seed: int) -> bool:
    """Draw the choice of a model and of the noise level, and the noisy image against the denoised one.

    Args:
        image: as returned by `decode_image`.
        kind: of the noise to add, a key of NOISES.

    Returns:
        Whether there is a model for images of any size.
    """
    options, num_pixels = photo_options(), image.width * image.height
    if not options:
        st.info("No model for photographs yet. Train a U-Net first: it takes images of any size.")
        selectors.link_to_train()
        return False
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        model = selectors.select_model(options, "whole_run")
        low, high = NOISES[kind].low, NOISES[kind].high
        level = st.slider("Noise level", low, high, _DEFAULT_LEVEL, 0.01, key="whole_level", bind="query-params")
        selection = FullResolution(image, model, NoiseSpec(kind, level), seed)
        key, is_large = selection.key(), num_pixels > _MAX_AUTOMATIC_PIXELS
        if is_large and st.button(f"Denoise ({num_pixels / 1e6:.1f} MP)", key="whole_go", type="primary"):
            st.session_state[_REQUESTED] = key
    # One result at most: a large image takes a lot of memory.
    saved_key, result = st.session_state.get(_RESULT, (None, None))
    if saved_key != key:
        result = compare(*corrupt_image(selection))
        st.session_state[_RESULT] = key, result
    _render_images(result, selection)
    if result.denoised:
        _render_summary(result.denoised, summarize(result, selection))
    elif not is_large or st.session_state.get(_REQUESTED) == key:
        bar = st.progress(0.0, "Denoising …")
        st.session_state[_RESULT] = key, denoise(*corrupt_image(selection), selection.model, bar.progress)
        st.rerun()
    return True


def corrupt_image(selection: FullResolution) -> tuple[Tensor, Tensor]:
    """Return the clean and the noisy image, float32 (1, C, H, W); a gray image has one channel."""
    clean = to_tensor(selection.image, 1 if selection.image.mode == "L" else 3)
    return clean, corrupt(clean, selection.noise, make_generator(selection.seed))


def compare(clean: Tensor, noisy: Tensor, denoised: Tensor | None = None) -> FullResolutionResult:
    """Convert images (1, C, H, W) for display and measure their PSNR."""
    noisy = noisy.clamp(0, 1)
    before, noisy_psnr_db = data_url(make_grid(noisy, 1)), _psnr_db(noisy, clean)
    if denoised is None:
        return FullResolutionResult(before, noisy_psnr_db, (before, ""))
    views = view_urls(noisy, denoised)
    return FullResolutionResult(before, noisy_psnr_db, views, make_grid(denoised, 1), _psnr_db(denoised, clean))


def denoise(
    clean: Tensor, noisy: Tensor, model: ModelOption, on_progress: Callable[[float, str], object]
) -> FullResolutionResult:
    """Denoise an image (1, C, H, W) tile by tile.

    Args:
        on_progress: called after each tile with the share that is done and a caption; may raise to cancel.
    """
    checkpoint = resources.checkpoint(model.name)
    denoised = restore_with_progress(
        checkpoint,
        noisy,
        level=None,
        amount=1.0,
        on_progress=lambda done: on_progress(done, f"Denoising … {done:.0%}"),
        on_wait=lambda done: on_progress(done, "Waiting for another computation …"),
    )
    return compare(clean, noisy, denoised)


def _psnr_db(image: Tensor, clean: Tensor) -> float:
    """Return the PSNR of (1, C, H, W) in dB, a few rows at a time to bound the memory of float64 copies."""
    parts = zip(image.split(_PSNR_ROWS, dim=2), clean.split(_PSNR_ROWS, dim=2), strict=True)
    total = sum(float(metrics.mse(part, target)) * target.shape[2] for part, target in parts)
    return -10 * math.log10(total / clean.shape[2]) if total else math.inf


def _render_images(result: FullResolutionResult, selection: FullResolution) -> None:
    """Draw noisy against denoised; without the denoised image, the noisy one on both sides."""
    size, name = selection.image.size, selection.model.label if result.denoised else "not denoised yet"
    strength_divider(
        result.before,
        size,
        [Step(name, *result.views)],
        0,
        # Another level or model keeps the zoom.
        id=selection.digest,
        width=fit_view(*size),
        key="whole_divider",
        before_words=text.label_with_db("Noisy", result.noisy_psnr_db),
        after_words=text.label_with_db(name, result.psnr_db) if result.denoised else name,
    )


def _render_summary(denoised: Image.Image, summary: str) -> None:
    """Draw the summary and the download of the denoised image."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(summary)
        st.download_button(
            "Denoised image",
            lambda: to_png(denoised),
            "denoised.png",
            "image/png",
            icon=":material/download:",
            on_click="ignore",
            key="whole_download",
        )


def summarize(result: FullResolutionResult, selection: FullResolution) -> str:
    """Return Markdown sentences on the gain and the limits of the model."""
    model, noise = selection.model, selection.noise
    gain = text.describe_gain(result.psnr_db - result.noisy_psnr_db)
    trained = model.noise.component(noise.kind)
    is_trained = trained and trained.low <= noise.level <= trained.high
    ending = "" if is_trained else f", not {noise.label}"
    return f"**{gain[:1].upper()}{gain[1:]}.** This model was trained on {model.noise.label}{ending}."
