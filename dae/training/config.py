"""TrainConfig: every setting of a training run, validated on construction."""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from dae.data import is_folder
from dae.data.datasets import find_dataset
from dae.errors import SpecError
from dae.models import MODELS, Shape, canonical_model_name
from dae.noise import NoiseSpec, corrupt
from dae.training.augmentation import AUGMENTATIONS
from dae.training.muon import Muon
from dae.utils.registry import lookup

# The loss "psnr" ends at 60 dB; no image needs to be closer.
_MIN_MSE = 1e-6


def _bce(denoised: Tensor, clean: Tensor) -> Tensor:
    """Return the binary cross-entropy; NaN for NaN outputs, for which PyTorch's raises or aborts the device."""
    return F.binary_cross_entropy(denoised.nan_to_num(), clean) + 0 * denoised.mean()


def _psnr_loss(denoised: Tensor, clean: Tensor) -> Tensor:
    """Return the mean PSNR deficit to 60 dB, in decibels (NAFNet, Chen et al. 2022).

    Over a range of noise levels, the highest ones dominate a mean squared error.
    """
    mse = (denoised - clean).square().flatten(1).mean(1)  # (B,)
    return 10 * (1 + mse / _MIN_MSE).log10().mean()


def geometric_mean_mse(psnr_loss: np.ndarray) -> np.ndarray:
    """Convert values of the loss "psnr" to the geometric mean of the images' MSE.

    It is below their arithmetic mean, the more so the more the images differ.
    """
    mse: np.ndarray = _MIN_MSE * (10 ** (psnr_loss / 10) - 1)
    return mse


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mse": F.mse_loss,
    "bce": _bce,
    "l1": F.l1_loss,
    "psnr": _psnr_loss,
}
TARGETS: dict[str, Callable[[Tensor, NoiseSpec, Generator], Tensor]] = {
    "clean": lambda clean, noise, generator: clean,
    # Noise2Noise (Lehtinen et al. 2018): a second copy with independent noise.
    "noisy": corrupt,
}
OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "muon": Muon,
}
SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda done: 1.0,
    # Smith and Topin 2017: rise to the full rate in the first quarter, then fall to zero.
    "one-cycle": lambda done: min(0.04 + 3.84 * done, 0.5 + 0.5 * math.cos(math.pi * (done - 0.25) / 0.75)),
}
# Field names in older run directories.
_RENAMED_FIELDS = {
    "images": "max_images",
    "average": "ema_decay",
    "distillation": "distillation_weight",
    "fresh_epochs": "num_noise_epochs",
}


@dataclass(frozen=True)
class TrainConfig:
    """Every setting of a training run.

    Raises:
        SpecError: a value is out of range or contradicts another. UnknownNameError: a name is not in its registry.
    """

    dataset: str = "digits"
    model: str = "conv-64"
    pretrained: str = ""  # run with the same model to take the initial weights from; "": random weights
    noise: NoiseSpec = NoiseSpec("gaussian", 0.5)
    epochs: int = 5
    batch_size: int = 128
    lr: float = 3e-3  # highest learning rate of the schedule
    weight_decay: float = 0.0
    loss: str = "mse"
    target: str = "clean"  # "noisy" trains on pairs of noisy images (Noise2Noise)
    augment: str = "none"  # of the clean training images, see AUGMENTATIONS
    crop: int | None = None  # side of the random crops to train on, in pixels; None: whole images
    # Share of the color images that become gray, with the same noise in all channels: a gray photograph has no
    # independent noise per channel, so to a color model its noise looks like texture.
    gray_share: float = 0.0
    teacher: str = ""  # run whose outputs are distilled; "": no distillation
    distillation_weight: float = 0.5  # of the teacher's output in the target; the clean image gets the rest
    # Epochs with their own order and noise. Later epochs repeat them in turn, so that the outputs of a teacher can be
    # cached, one byte per value. None: every epoch.
    num_noise_epochs: int | None = None
    optimizer: str = "adamw"
    beta2: float = 0.99  # of Adam; below the usual 0.999 because runs are short
    schedule: str = "one-cycle"
    # EMA decay of the evaluated weights, for example 0.999; 0 disables the EMA. It helps at a constant learning rate;
    # after one-cycle it changes nothing.
    ema_decay: float = 0.0
    max_images: int | None = None  # train on the first images only
    precision: str = "auto"  # "auto" measures whether float32 or bfloat16 is faster
    seed: int = 42
    device: str = "auto"

    def __post_init__(self) -> None:
        if not is_folder(self.dataset):
            find_dataset(self.dataset)
        object.__setattr__(self, "model", canonical_model_name(self.model))
        lookup("model", MODELS, self.model)
        lookup("loss", LOSSES, self.loss)
        lookup("target", TARGETS, self.target)
        lookup("augmentation", AUGMENTATIONS, self.augment)
        lookup("optimizer", OPTIMIZERS, self.optimizer)
        lookup("schedule", SCHEDULES, self.schedule)
        if not isinstance(self.noise, NoiseSpec):
            raise SpecError(f"Noise must be a NoiseSpec, got {self.noise!r}. Use NoiseSpec.parse to read it from text.")
        if self.loss == "bce" and not MODELS[self.model].bounded:
            raise SpecError(
                f"Loss 'bce' needs outputs within 0 to 1, and {self.model!r} does not guarantee that. Use loss 'mse'."
            )
        if self.target == "noisy":
            _check_noisy_target(self.noise, self.loss)
        if self.teacher and self.target != "clean":
            raise SpecError(
                f"Target {self.target!r} cannot be combined with teacher {self.teacher!r}. Set teacher='' or "
                "target='clean'."
            )
        lookup("precision", dict.fromkeys(("auto", "float32", "bfloat16")), self.precision)
        _check("Epochs", self.epochs, 1, 10_000, integer=True)
        _check("Batch size", self.batch_size, 1, 65_536, integer=True)
        _check("Learning rate", self.lr, 1e-7, 10)
        _check("Weight decay", self.weight_decay, 0, 10)
        _check("Beta2", self.beta2, 0, 0.999999)
        _check("EMA decay", self.ema_decay, 0, 0.999999)
        _check("Distillation weight", self.distillation_weight, 0, 1)
        _check("Gray share", self.gray_share, 0, 1)
        if self.crop is not None:
            _check("Crop", self.crop, 8, 4096, integer=True)
            if not MODELS[self.model].any_size:
                raise SpecError(f"Model {self.model!r} needs whole images. Set crop=None, or use a model for any size.")
        _check("Seed", self.seed, 0, 2**32 - 1, integer=True)
        if self.max_images is not None:
            _check("Number of training images", self.max_images, 1, 10**9, integer=True)
        if self.num_noise_epochs is not None:
            _check("Number of noise epochs", self.num_noise_epochs, 1, 10_000, integer=True)

    def input_shape(self, shape: Shape) -> Shape:
        """Return the shape (C, H, W) of what the model is trained on: images of `shape`, or crops of them.

        Raises:
            SpecError: the crops do not fit into the images.
        """
        if self.crop is None:
            return shape
        if self.crop > min(shape[1:]):
            raise SpecError(
                f"Crops of {self.crop} pixels do not fit into images of {shape[1]} x {shape[2]}. Use smaller crops."
            )
        return shape[0], self.crop, self.crop

    def to_json(self) -> dict[str, object]:
        """Return the settings as JSON values, the noise as text."""
        return asdict(self) | {"noise": str(self.noise)}

    @classmethod
    def from_json(cls, values: dict[str, object]) -> "TrainConfig":
        """Read what `to_json` wrote; fields of earlier versions are renamed.

        Raises:
            SpecError: a key is unknown, or a value has another type.
        """
        values = {_RENAMED_FIELDS.get(key, key): value for key, value in values.items()}
        types: dict[str, Any] = {field.name: field.type for field in fields(cls)}
        for key, value in values.items():
            expected_type = lookup("setting", types, key)
            if expected_type is float and type(value) is int:
                continue
            if not isinstance(value, str if expected_type is NoiseSpec else expected_type) or isinstance(value, bool):
                raise SpecError(f"Setting {key!r} has the wrong type: {json.dumps(value)}.")
        return cls(**values | {"noise": NoiseSpec.parse(str(values.get("noise", cls.noise)))})  # type: ignore[arg-type]


def _check_noisy_target(noise: NoiseSpec, loss: str) -> None:
    """Raise SpecError unless noisy and clean targets have the same optimum, the mean (Noise2Noise)."""
    if not noise.is_zero_mean:
        raise SpecError(
            f"Target 'noisy' needs noise with zero mean, which {str(noise)!r} does not have: clipping and replaced "
            "pixels shift the mean. Use unclipped noise, such as 'gaussian:0.5:unclipped', or target 'clean'."
        )
    if loss != "mse":
        # The optimum of L1 is the median, and cross-entropy accepts no target outside 0 to 1.
        raise SpecError(f"Target 'noisy' needs a loss whose optimum is the mean, not {loss!r}. Use loss 'mse'.")


def _check(name: str, value: float, low: float, high: float, integer: bool = False) -> None:
    """Raise SpecError unless `value` is a number within the limits."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if number and not low <= value <= high:
        # Whole numbers are printed with all digits.
        shown, *limits = (f"{x:,}" if isinstance(x, int) else f"{x:g}" for x in (value, low, high))
        raise SpecError(f"{name} {shown} is outside {' to '.join(limits)}.")
    if not number or (integer and not isinstance(value, int)):
        raise SpecError(f"{name} must be a {'whole ' if integer else ''}number, got {value!r}.")
