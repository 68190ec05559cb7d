"""Select and compute: a batch of images at every noise level, denoised by each model; results are cached."""

from dataclasses import dataclass, replace

import streamlit as st
import torch
from torch import Tensor

from dae.data import ImageSet
from dae.evaluation import make_denoiser, make_filter, tune_strength
from dae.evaluation.classical import NUM_TUNING_IMAGES
from dae.noise import NoiseSpec
from dae.ui import resources
from dae.ui.model_options import ModelOption
from dae.viz import noise_sweep
from dae.viz.noise_sweep import NUM_LEVELS, SpriteSheet

# A filter is tuned at every tenth noise level and keeps that strength at the levels nearby.
_TUNING_STRIDE = 10


@dataclass(frozen=True)
class ImageSelection:
    """Images of a gallery as hashable values, so that results can be cached.

    Attributes:
        dataset: name of the data set of the test images; an image of the user has its shape.
        indices: indices of the test images; for an image of the user a 0 per copy.
        limit: maximum number of test images to load.
        user_pixels: pixels of the user's image, float32 (C, H, W) as bytes; empty for test images.
    """

    dataset: str
    indices: tuple[int, ...] = (0,)
    limit: int | None = None
    user_pixels: bytes = b""

    def image_set(self) -> ImageSet:
        """Return the image set that the indices refer to."""
        test = resources.images(self.dataset, "test", self.limit)
        if not self.user_pixels:
            return test
        pixels = torch.frombuffer(bytearray(self.user_pixels), dtype=torch.float32).view(1, *test.shape)
        images = pixels.mul(255).round().byte()
        return replace(test, name="your image", images=images, labels=torch.zeros(1, dtype=torch.int64))

    def clean(self) -> Tensor:
        """Return the clean images, float32 (B, C, H, W) in [0, 1]."""
        return self.image_set().to_float(list(self.indices))


@dataclass(frozen=True)
class Gallery:
    """Selection of a gallery: a row per model, all with the same noisy images.

    Attributes:
        models: trained models and classical filters.
        noise: its level is the one that the slider starts at.
        seed: seed of the noise.
        unclipped: names of the models that receive the noisy images before these are clipped.
    """

    models: tuple[ModelOption, ...]
    images: ImageSelection
    noise: NoiseSpec
    seed: int
    unclipped: tuple[str, ...] = ()

    def noise_for(self, model: ModelOption) -> NoiseSpec:
        """Return the noise of the images that a model receives; for all models the same draw."""
        return replace(self.noise, clipped=False) if model.name in self.unclipped else self.noise


@dataclass(frozen=True)
class GallerySprites:
    """Images of a gallery at every noise level.

    Attributes:
        clean: PNG of the clean images side by side.
        denoised: one sheet per model, in the order of the gallery.
    """

    clean: bytes
    noisy: SpriteSheet
    denoised: tuple[SpriteSheet, ...]

    def gain_db(self, model: int, step: int) -> float:
        """Return the mean PSNR of a model minus that of the noisy images at a noise level, in dB."""
        return self.denoised[model].mean_psnr_db[step] - self.noisy.mean_psnr_db[step]


def compute_sprites(gallery: Gallery) -> GallerySprites:
    """Compute the noisy and the denoised images of a gallery at every noise level; results are cached.

    Raises:
        DaeError: a run or the data set cannot be read.
    """
    high = gallery.noise.info.high
    noisy = _sprites(None, gallery.images, str(gallery.noise.with_level(high)), gallery.seed)
    denoised = tuple(
        _sprites(model, gallery.images, str(gallery.noise_for(model).with_level(high)), gallery.seed)
        for model in gallery.models
    )
    return GallerySprites(noise_sweep.clean_sprites(gallery.images.clean()), noisy, denoised)


def _sprites(model: ModelOption | None, images: ImageSelection, noise: str, seed: int) -> SpriteSheet:
    """Return the row of a model or a filter; of the noisy images for None."""
    # Sprites show the user's image, so they are dropped when the session ends.
    compute = _session_sprites if images.user_pixels else _shared_sprites
    if model is None:
        return compute("", 0, (), images, noise, seed)
    if model.family == "classical":
        return compute(model.name, 0, _tuned_strengths(model.name, images.dataset, noise), images, noise, seed)
    return compute(model.name, resources.weights_mtime(model.name), (), images, noise, seed)


def _compute_sprites(
    name: str, version: int, strengths: tuple[float, ...], images: ImageSelection, noise: str, seed: int
) -> SpriteSheet:
    """Compute one row.

    Args:
        name: run or filter; empty for the noisy images.
        version: modification time of the weights; only part of the cache key.
        strengths: of a filter, one per noise level; empty for a run.
    """
    clean, spec = images.clean(), NoiseSpec.parse(noise)
    if not name:
        return noise_sweep.noisy_sprites(clean, spec, seed)
    if not strengths:
        denoiser = make_denoiser(resources.checkpoint(name), images.image_set())
        return noise_sweep.denoised_sprites(clean, spec, seed, denoiser)

    def filter_levels(noisy: Tensor) -> Tensor:
        levels = zip(strengths, noisy.split(len(clean)), strict=True)
        return torch.cat([make_filter(name, strength)(level) for strength, level in levels])

    return noise_sweep.denoised_sprites(clean, spec, seed, filter_levels)


_shared_sprites = st.cache_data(show_spinner=False, max_entries=64)(_compute_sprites)
_session_sprites = st.cache_data(show_spinner=False, max_entries=16, scope="session")(_compute_sprites)


@st.cache_data(show_spinner="Tuning the filter …", max_entries=64)
def _tuned_strengths(name: str, dataset: str, noise: str) -> tuple[float, ...]:
    """Return the strength of a filter at every noise level, tuned on training images."""
    spec, train = NoiseSpec.parse(noise), resources.images(dataset, "train", NUM_TUNING_IMAGES)
    tuned = [tune_strength(name, train, spec.with_level(level)) for level in noise_sweep.levels(spec)[::_TUNING_STRIDE]]
    return tuple(tuned[round(step / _TUNING_STRIDE)] for step in range(NUM_LEVELS))
