"""TrainConfig: all that decides what a training does, checked when it is made."""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from dae.data import DATASETS
from dae.errors import SpecError
from dae.models import MODELS
from dae.muon import Muon
from dae.noise import NoiseSpec, corrupt
from dae.registry import lookup

_LEAST_MSE = 1e-6  # 60 dB: closer than that no picture need come


def _bce(denoised: Tensor, clean: Tensor) -> Tensor:
    """Binary cross-entropy; NaN where the model gives NaN, for which PyTorch's own raises or stops the device."""
    return F.binary_cross_entropy(denoised.nan_to_num(), clean) + 0 * denoised.mean()


def _decibels(denoised: Tensor, clean: Tensor) -> Tensor:
    """How many decibels each image is short of 60, on average: weak noise counts as much as strong.

    As NAFNet's (Chen et al. 2022). Over a range of levels a mean squared error looks at the strongest alone.
    """
    mse = (denoised - clean).square().flatten(1).mean(1)  # (B,)
    return 10 * (1 + mse / _LEAST_MSE).log10().mean()


def geometric_mean_mse(decibels: np.ndarray) -> np.ndarray:
    """What the loss "psnr" stands for: the geometric mean of the images' MSE, which are so many decibels short of 60.

    It lies below their arithmetic mean, the more the more the images differ.
    """
    mse: np.ndarray = _LEAST_MSE * (10 ** (decibels / 10) - 1)
    return mse


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mse": F.mse_loss,
    "bce": _bce,
    "l1": F.l1_loss,
    "psnr": _decibels,
}
TARGETS: dict[str, Callable[[Tensor, NoiseSpec, Generator], Tensor]] = {
    "clean": lambda clean, noise, generator: clean,
    "noisy": corrupt,  # Noise2Noise (Lehtinen et al. 2018): a second copy with noise of its own
}
OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "muon": Muon,
}
SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda done: 1.0,
    # Smith and Topin 2017: up to the full rate in the first quarter, then down to nothing
    "one-cycle": lambda done: min(0.04 + 3.84 * done, 0.5 + 0.5 * math.cos(math.pi * (done - 0.25) / 0.75)),
}


@dataclass(frozen=True)
class TrainConfig:
    """All that decides what a training does.

    Raises:
        SpecError: a value breaks its rule; `UnknownName`, one of its kinds, names the choices.
    """

    dataset: str = "digits"
    model: str = "conv-64"
    pretrained: str = ""  # a run of the same model whose weights the training begins with, instead of random ones
    noise: NoiseSpec = NoiseSpec("gaussian", 0.5)
    epochs: int = 5
    batch_size: int = 128
    lr: float = 3e-3  # the highest rate of a schedule
    weight_decay: float = 0.0
    loss: str = "mse"
    target: str = "clean"  # what the loss compares with; "noisy" learns without ever seeing a clean picture
    teacher: str = ""  # a run whose answers to the same noisy pictures are learnt, too
    distillation: float = 0.5  # what a teacher's answers weigh in the target; the clean pictures weigh the rest
    # How many epochs have an order and noise of their own; those after them repeat these, in turn, so that a teacher
    # need not answer again: its answers are kept in memory, a byte a value. None: all.
    fresh_epochs: int | None = None
    optimizer: str = "adamw"
    beta2: float = 0.99  # forgets old gradients sooner than the usual 0.999, which short runs need
    schedule: str = "one-cycle"
    # What the kept weights remember of themselves at each step, such as 0.999; 0: no average. Worth it at a constant
    # rate: with it Muon took 784-128-32 to 0.0144 instead of 0.0171 in 10 epochs; after one-cycle it changes nothing.
    average: float = 0.0
    images: int | None = None  # train on the first so many only
    precision: str = "auto"  # bfloat16 where model and processor gain by it, else float32
    seed: int = 42
    device: str = "auto"

    def __post_init__(self) -> None:
        if not self.dataset.startswith("folder:"):
            lookup("data set", DATASETS, self.dataset)
        lookup("model", MODELS, self.model)
        lookup("loss", LOSSES, self.loss)
        lookup("target", TARGETS, self.target)
        lookup("optimizer", OPTIMIZERS, self.optimizer)
        lookup("schedule", SCHEDULES, self.schedule)
        if not isinstance(self.noise, NoiseSpec):
            raise SpecError(f"Noise is {self.noise!r}; it must be a NoiseSpec, which NoiseSpec.parse reads from text.")
        if self.loss == "bce" and not MODELS[self.model].bounded:
            raise SpecError(
                f"Loss 'bce' needs a model that stays within 0 to 1, and {self.model!r} does not; use 'mse'."
            )
        if self.target == "noisy":
            _check_noisy_target(self.noise, self.loss)
        if self.teacher and self.target != "clean":
            raise SpecError(f"Target {self.target!r} leaves nothing to teacher {self.teacher!r}; choose one of them.")
        lookup("precision", dict.fromkeys(("auto", "float32", "bfloat16")), self.precision)
        _check("Epochs", self.epochs, 1, 10_000, whole=True)
        _check("Batch size", self.batch_size, 1, 65_536, whole=True)
        _check("Learning rate", self.lr, 1e-7, 10)
        _check("Weight decay", self.weight_decay, 0, 10)
        _check("Beta2", self.beta2, 0, 0.999999)
        _check("Average", self.average, 0, 0.999999)
        _check("Distillation", self.distillation, 0, 1)
        _check("Seed", self.seed, 0, 2**32 - 1, whole=True)
        if self.images is not None:
            _check("Number of training images", self.images, 1, 10**9, whole=True)
        if self.fresh_epochs is not None:
            _check("Fresh epochs", self.fresh_epochs, 1, 10_000, whole=True)

    def to_json(self) -> dict[str, object]:
        return asdict(self) | {"noise": str(self.noise)}

    @classmethod
    def from_json(cls, values: dict[str, object]) -> "TrainConfig":
        """The inverse of `to_json`; raises SpecError on unknown keys and on values of another type."""
        known = {field.name: field for field in fields(cls)}
        for key, value in values.items():
            lookup("setting", known, key)
            wanted: Any = known[key].type
            if wanted is float and type(value) is int:
                continue
            if not isinstance(value, str if wanted is NoiseSpec else wanted) or isinstance(value, bool):
                raise SpecError(f"Setting {key!r} is {json.dumps(value)}, which is of the wrong type.")
        return cls(**values | {"noise": NoiseSpec.parse(str(values.get("noise", cls.noise)))})  # type: ignore[arg-type]


def _check_noisy_target(noise: NoiseSpec, loss: str) -> None:
    """Raise SpecError unless the best answer to noisy targets is the best one to clean targets: their mean."""
    if not noise.zero_mean:
        raise SpecError(
            f"Target 'noisy' needs noise that is zero on average, and {str(noise)!r} is not: clipping and lost pixels "
            "shift the mean. Use a kind that may be unclipped, such as 'gaussian:0.5:unclipped', or the target 'clean'."
        )
    if loss != "mse":  # cross-entropy takes no target outside 0 to 1
        raise SpecError(
            f"Target 'noisy' needs a loss whose best answer is the mean of any target, and {loss!r} is none; use 'mse'."
        )


def _check(what: str, value: float, low: float, high: float, whole: bool = False) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if number and not low <= value <= high:
        raise SpecError(f"{what} {value:g} is outside {low:g} to {high:g}.")
    if not number or (whole and not isinstance(value, int)):
        raise SpecError(f"{what} is {value!r}; it must be a {'whole ' if whole else ''}number.")
