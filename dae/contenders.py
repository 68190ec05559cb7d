"""Who can be compared: doing nothing, a classical filter, a trained run; all behind one call."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial

from torch import Tensor

from dae.checkpoints import Checkpoint
from dae.classical import CLASSICAL, TUNING_IMAGES, classical_denoiser, tuned
from dae.ensemble import VIEWS, self_ensemble
from dae.errors import DataError
from dae.models import MODELS, Shape
from dae.noise import NoiseSpec
from dae.packed import ImageSet
from dae.registry import lookup
from dae.training import denoise

Denoiser = Callable[[Tensor], Tensor]  # noisy (B, C, H, W) float32 -> denoised, of the same shape, in [0, 1]

NOISY = "noisy"


@dataclass(frozen=True)
class Contender:
    """One that denoises.

    Attributes:
        name: of the run, or of the filter; NOISY for doing nothing.
        model: the architecture, or the filter.
        key: contenders with the same key give the same pictures; empty where that cannot be known.
        denoiser: its call under a noise; a filter is set to its best strength, which takes a moment the first time.
    """

    name: str
    model: str
    key: str
    denoiser: Callable[[NoiseSpec], Denoiser]


def doing_nothing() -> Contender:
    """The noisy images themselves."""
    return Contender(NOISY, "nothing", "nothing", lambda noise: nothing)


def trained(name: str, checkpoint: Checkpoint, images: ImageSet, key: str = "") -> Contender:
    """A run's model; raises DataError where it cannot take such images."""
    denoiser = as_denoiser(checkpoint, images)
    return Contender(name, checkpoint.name, key, lambda noise: denoiser)


def ensembled(contender: Contender) -> Contender:
    """The same, answering with the mean over eight views of a picture."""
    return replace(
        contender,
        name=f"{contender.name} x{VIEWS}",
        key=f"{contender.key} x{VIEWS}" if contender.key else "",
        denoiser=lambda noise: partial(self_ensemble, contender.denoiser(noise)),
    )


def classical(name: str, train: ImageSet) -> Contender:
    """A filter, tuned under each noise on the first TUNING_IMAGES of the training images; raises UnknownName."""
    entry = lookup("classical filter", CLASSICAL, name)
    train = train.head(TUNING_IMAGES)
    key = f"{name} {entry.strengths} {train.digest()}"
    best = lru_cache(maxsize=256)(partial(tuned, name, train))
    return Contender(name, name, key, lambda noise: classical_denoiser(name, best(noise)))


def nothing(noisy: Tensor) -> Tensor:
    """Doing nothing: the noisy images, clamped to [0, 1]."""
    return noisy.clamp(0, 1)


def fits(model: str, learnt: Shape, shape: Shape) -> bool:
    """Whether an architecture that has learnt from images of one shape can take those of another."""
    return learnt == shape or (MODELS[model].any_size and learnt[0] == shape[0])


def as_denoiser(checkpoint: Checkpoint, images: ImageSet) -> Denoiser:
    """The checkpoint's model behind the common call.

    Raises:
        DataError: the model cannot take images of that shape.
    """
    if not fits(checkpoint.name, checkpoint.shape, images.shape):
        theirs, ours = (" x ".join(map(str, shape)) for shape in (checkpoint.shape, images.shape))
        raise DataError(
            f"This {checkpoint.name} was trained on {theirs} pictures (channels, height, width) and cannot take the "
            f"{ours} ones of {images.name}. Choose a data set or a model that fits."
        )
    return lambda noisy: denoise(checkpoint.model, noisy)
