"""A common interface for the denoisers being compared: the identity, classical filters and trained models."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial

from torch import Tensor

from dae.data import ImageSet
from dae.errors import DataError
from dae.evaluation.classical import FILTERS, NUM_TUNING_IMAGES, make_filter, tune_strength
from dae.evaluation.posterior_mean import posterior_mean_denoiser
from dae.models import MODELS, Checkpoint, Shape, denoise, denoise_tiled, self_ensemble
from dae.models.inference import TILE, VIEWS
from dae.noise import NoiseSpec
from dae.utils.registry import lookup

# Noisy images (B, C, H, W), float32, to denoised images of the same shape in [0, 1].
Denoiser = Callable[[Tensor], Tensor]

IDENTITY = "noisy"
# The posterior mean over the training images.
MEMORY = "memory"


@dataclass(frozen=True)
class NamedDenoiser:
    """A denoiser with the names that tables and caches use.

    Attributes:
        name: of the run or the filter; IDENTITY for the noisy input itself.
        model: the architecture or the filter.
        key: equal keys mean identical outputs; empty if the outputs cannot be identified, so that none are cached.
        for_noise: returns the denoiser for a noise. A filter is tuned at the first call for each noise.
    """

    name: str
    model: str
    key: str
    for_noise: Callable[[NoiseSpec], Denoiser]


def identity(noisy: Tensor) -> Tensor:
    """Return the noisy images, clamped to [0, 1]."""
    return noisy.clamp(0, 1)


def identity_baseline() -> NamedDenoiser:
    """Return the baseline that every denoiser must beat: the noisy input itself."""
    return NamedDenoiser(IDENTITY, "noisy input", "nothing", lambda noise: identity)


def model_denoiser(name: str, checkpoint: Checkpoint, images: ImageSet, key: str = "") -> NamedDenoiser:
    """Return the model of a run as a named denoiser.

    Raises:
        DataError: the model cannot process images of this shape.
    """
    denoiser = make_denoiser(checkpoint, images)
    return NamedDenoiser(name, checkpoint.name, key, lambda noise: denoiser)


def with_self_ensemble(base: NamedDenoiser) -> NamedDenoiser:
    """Add test-time augmentation: average the outputs for eight flips and rotations of each image."""
    return replace(
        base,
        name=f"{base.name} x{VIEWS}",
        key=f"{base.key} x{VIEWS}" if base.key else "",
        for_noise=lambda noise: partial(self_ensemble, base.for_noise(noise)),
    )


def filter_denoiser(name: str, train: ImageSet) -> NamedDenoiser:
    """Return a classical filter, tuned for each noise on the first NUM_TUNING_IMAGES training images.

    Raises:
        UnknownNameError: the filter does not exist.
    """
    strengths = lookup("classical filter", FILTERS, name).strengths
    train = train.take(NUM_TUNING_IMAGES)
    best_strength = lru_cache(maxsize=256)(partial(tune_strength, name, train))
    return NamedDenoiser(
        name, name, f"{name} {strengths} {train.fingerprint()}", lambda noise: make_filter(name, best_strength(noise))
    )


def posterior_mean_baseline(train: ImageSet) -> NamedDenoiser:
    """Return the posterior mean over the training images as a named denoiser; see `posterior_mean_denoiser`."""
    return NamedDenoiser(
        MEMORY, MEMORY, f"{MEMORY} {train.fingerprint()}", lambda noise: posterior_mean_denoiser(train, noise)
    )


def is_compatible(model: str, trained_shape: Shape, shape: Shape) -> bool:
    """Return whether an architecture trained on images of one shape (C, H, W) can process those of another."""
    return trained_shape == shape or (MODELS[model].any_size and trained_shape[0] == shape[0])


def check_compatible(checkpoint: Checkpoint, images: ImageSet, name: str = "") -> None:
    """Raise DataError if a model cannot process images of this shape.

    Args:
        name: of the model, for the message; by default its architecture.
    """
    if not is_compatible(checkpoint.name, checkpoint.shape, images.shape):
        expected, actual = (" x ".join(map(str, shape)) for shape in (checkpoint.shape, images.shape))
        raise DataError(
            f"Model {name or checkpoint.name} cannot process the images of {images.name}: they are {actual} (channels, "
            f"height, width), not {expected}. Choose a data set or a model that fits."
        )


def make_denoiser(checkpoint: Checkpoint, images: ImageSet) -> Denoiser:
    """Return the model of a checkpoint as a function of noisy images.

    Raises:
        DataError: the model cannot process images of this shape.
    """
    check_compatible(checkpoint, images)
    # Only models for any size receive such images.
    return lambda noisy: (denoise_tiled if max(noisy.shape[2:]) > TILE else denoise)(checkpoint.model, noisy)
