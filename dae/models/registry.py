"""The registry of architectures, and functions that build them."""

from functools import partial

import torch
from torch import Generator

from dae.errors import SpecError
from dae.models.base import Autoencoder, ModelInfo, Shape, count_parameters, init_weights
from dae.models.conv import ConvBottleneck64, ConvFeatureMap, ConvFullResolution, ConvPool
from dae.models.dncnn import DnCNN
from dae.models.level_unet import LevelUNet
from dae.models.linear import linear_10, linear_32
from dae.models.res_unet import ResUNet
from dae.models.unet import UNet
from dae.utils.registry import lookup

# 0.5 GiB of float32 weights. A training state is up to four times as large.
MAX_PARAMETERS = 1 << 27
# Names in older run directories, checkpoints and command lines.
_RENAMED_MODELS = {"res-unet-level": "res-unet-blind"}

MODELS: dict[str, ModelInfo] = {
    "linear-32": ModelInfo(
        label="Linear",
        family="linear",
        help="Fully connected; compresses the image to 32 numbers.",
        build=linear_32,
        bounded=True,
        color="#D55E00",
    ),
    "linear-10": ModelInfo(
        label="Linear (10-number code)",
        family="linear",
        help="Fully connected and deeper; compresses the image to 10 numbers.",
        build=linear_10,
        bounded=True,
        color="#CC79A7",
    ),
    "conv-64": ModelInfo(
        label="Convolutional",
        family="convolutional",
        help="Detects small patterns, then compresses them to 64 numbers.",
        build=ConvBottleneck64,
        bounded=True,
        bfloat16=True,
        color="#0072B2",
    ),
    "conv-pool": ModelInfo(
        label="Convolutional (pooling)",
        family="convolutional",
        help="Convolutions and pooling down to 512 numbers; very few weights.",
        build=ConvPool,
        bounded=True,
        bfloat16=True,
        color="#56B4E9",
    ),
    "conv-flat": ModelInfo(
        label="Convolutional (full size)",
        family="convolutional",
        help="Convolutions at full size: filters without compressing.",
        build=ConvFullResolution,
        bounded=True,
        any_size=True,
        color="#E69F00",
    ),
    "conv-7x7": ModelInfo(
        label="Convolutional (7 x 7 map)",
        family="convolutional",
        help="Convolutions down to a small map of 32 features, for color images.",
        build=ConvFeatureMap,
        bounded=True,
        bfloat16=True,
        color="#8A6FDF",
    ),
    "unet": ModelInfo(
        label="U-Net",
        family="residual CNN",
        help="Predicts the noise at several scales and subtracts it; any size.",
        build=UNet,
        any_size=True,
        bfloat16=True,
        color="#A6761D",
    ),
    "res-unet": ModelInfo(
        label="Residual U-Net",
        family="residual CNN",
        help="A deeper U-Net with more weights: the best model; any size.",
        build=ResUNet,
        any_size=True,
        bfloat16=True,
        color="#009E73",
    ),
    "res-unet-blind": ModelInfo(
        label="U-Net (any noise)",
        family="residual CNN",
        help="The residual U-Net with a small network that estimates the noise and adapts to it; any size.",
        build=partial(ResUNet, widths=(64, 96), noise_conditioned=True),
        any_size=True,
        bfloat16=True,
        color="#4B5FA5",
    ),
    "level-unet": ModelInfo(
        label="U-Net (noise level)",
        family="residual CNN",
        help="The residual U-Net with the noise level as an input, which it estimates or you choose; any size.",
        build=LevelUNet,
        any_size=True,
        bfloat16=True,
        color="#1B7F8C",
    ),
    "dncnn": ModelInfo(
        label="DnCNN",
        family="residual CNN",
        help="The classic deep denoiser: 17 full-size layers; slow; any size.",
        build=DnCNN,
        any_size=True,
        bfloat16=True,
        color="#B03A2E",
    ),
}


def canonical_model_name(name: str) -> str:
    """Return the present name of an architecture, for its present or former name."""
    return _RENAMED_MODELS.get(name, name)


def build_on_meta(name: str, shape: Shape) -> Autoencoder:
    """Build the architecture `name` for images (C, H, W) on the meta device, which allocates no memory.

    Raises:
        UnknownNameError: there is no such model.
        SpecError: the model would have more than MAX_PARAMETERS.
    """
    info = lookup("model", MODELS, name)
    with torch.device("meta"):
        model = info.build(shape)
    if (count := count_parameters(model)) > MAX_PARAMETERS:
        raise SpecError(
            f"Model {name!r} would have {count:,} weights for images of {shape[1]} x {shape[2]}, more than "
            f"{MAX_PARAMETERS:,}. Use smaller images, such as folder:PATH@64, or a convolutional model."
        )
    return model


def build_model(name: str, shape: Shape, generator: Generator) -> Autoencoder:
    """Build the architecture `name` on the CPU, with initial weights drawn from `generator`.

    Raises:
        UnknownNameError: there is no such model.
        SpecError: the model is too large, or cannot process images of this shape.
    """
    model = build_on_meta(name, shape)
    model.to_empty(device="cpu")
    init_weights(model, generator)
    validate_input_shape(model, name, shape)
    return model


def validate_input_shape(model: Autoencoder, name: str, shape: Shape) -> None:
    """Raise SpecError unless `model`, with its weights, maps images of `shape` to images of the same shape.

    It denoises a black image on the CPU, because the meta device takes seconds to warm up.
    """
    if MODELS[name].any_size:
        return
    cause: RuntimeError | None = None
    try:
        with torch.no_grad():
            output = model(torch.zeros(1, *shape)).shape[1:]
        reason = f"its output has the shape {tuple(output)}" if output != shape else ""
    except RuntimeError as error:
        cause, reason = error, str(error).partition("\n")[0]
    if reason:
        advice = "" if shape[1:] == (28, 28) else " Use 28 x 28 images, or a model for any size such as 'unet'."
        raise SpecError(
            f"Model {name!r} cannot process images of {shape[1]} x {shape[2]}: {reason.rstrip('.')}.{advice}"
        ) from cause
