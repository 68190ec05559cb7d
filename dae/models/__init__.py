"""The architectures, one family a file, and the registry that names them."""

from functools import partial

import torch
from torch import Generator

from dae.errors import SpecError
from dae.models.base import Autoencoder, Model, Shape, count_parameters, initialise
from dae.models.conv import Conv64, ConvFlat, ConvPool, ConvSpatial
from dae.models.dncnn import DnCNN
from dae.models.linear import linear_10, linear_32
from dae.models.res_unet import ResUNet
from dae.models.unet import UNet
from dae.registry import lookup

__all__ = [
    "MODELS",
    "Autoencoder",
    "Model",
    "Shape",
    "build_model",
    "check_shape",
    "count_parameters",
    "initialise",
    "meta_model",
]

MOST_PARAMETERS = 1 << 27  # half a gigabyte of weights, and a state to resume from of up to two
MODELS: dict[str, Model] = {
    "linear-32": Model(
        label="Linear (32 numbers)",
        family="linear",
        help="Squeezes the whole picture through 32 numbers with plain matrix layers.",
        build=linear_32,
        color="#D55E00",
    ),
    "linear-10": Model(
        label="Linear (10 numbers)",
        family="linear",
        help="A deeper plain network that keeps only 10 numbers of a picture.",
        build=linear_10,
        color="#CC79A7",
    ),
    "conv-64": Model(
        label="Conv (64 numbers)",
        family="convolutional",
        help="Finds small patterns first, then squeezes them into 64 numbers.",
        build=Conv64,
        bfloat16=True,
        color="#0072B2",
    ),
    "conv-pool": Model(
        label="Conv with pooling",
        family="convolutional",
        help="Convolutions and a pooling step down to 512 numbers; very few weights.",
        build=ConvPool,
        bfloat16=True,
        color="#56B4E9",
    ),
    "conv-flat": Model(
        label="Conv (full size)",
        family="convolutional",
        help="Convolutions that never shrink the picture: it cannot compress, only filter.",
        build=ConvFlat,
        any_size=True,
        color="#E69F00",
    ),
    "conv-7x7": Model(
        label="Conv (7 x 7 map)",
        family="convolutional",
        help="Convolutions down to a small map of 32 features, for colour pictures.",
        build=ConvSpatial,
        bfloat16=True,
        color="#8A6FDF",
    ),
    "unet": Model(
        label="U-Net",
        family="modern",
        help="Looks at the picture at several scales and takes the noise away; works at any size.",
        build=UNet,
        bounded=False,
        any_size=True,
        bfloat16=True,
        color="#7A5C00",
    ),
    "res-unet": Model(
        label="Residual U-Net",
        family="modern",
        help="A deeper U-Net with more weights: the best model, for pictures of any size.",
        build=ResUNet,
        bounded=False,
        any_size=True,
        bfloat16=True,
        color="#009E73",
    ),
    "res-unet-level": Model(
        label="Residual U-Net (level-aware)",
        family="modern",
        help="The residual U-Net with a small network beside it that tells it what the noise is like.",
        build=partial(ResUNet, widths=(64, 96), level_aware=True),
        bounded=False,
        any_size=True,
        bfloat16=True,
        color="#4B5FA5",
    ),
    "dncnn": Model(
        label="DnCNN (17 layers)",
        family="modern",
        help="The classical deep denoiser: many layers at full size, which take the noise away; slow, for any size.",
        build=DnCNN,
        bounded=False,
        any_size=True,
        bfloat16=True,
        color="#B03A2E",
    ),
}


def meta_model(name: str, shape: Shape) -> Autoencoder:
    """The architecture `name` for images of `shape`, without memory for its weights.

    Raises:
        UnknownName: no such model.
        SpecError: it would have more than MOST_PARAMETERS.
    """
    entry = lookup("model", MODELS, name)
    with torch.device("meta"):
        model = entry.build(shape)
    if (count := count_parameters(model)) > MOST_PARAMETERS:
        raise SpecError(
            f"Model {name!r} would have {count:,} weights for pictures of {shape[1]} x {shape[2]}, more than "
            f"{MOST_PARAMETERS:,}. Use smaller pictures, such as folder:PATH@64, or a convolutional model."
        )
    return model


def build_model(name: str, shape: Shape, generator: Generator) -> Autoencoder:
    """The architecture `name` on the CPU, with initial weights drawn from `generator`.

    Raises:
        UnknownName: no such model.
        SpecError: the architecture cannot give back an image of this shape.
    """
    model = meta_model(name, shape)
    model.to_empty(device="cpu")
    initialise(model, generator)
    check_shape(model, name, shape)
    return model


def check_shape(model: Autoencoder, name: str, shape: Shape) -> None:
    """Raise SpecError unless `model`, with its weights, gives back an image of this shape.

    A black image is sent through the real thing: PyTorch's meta device would do, but takes seconds to warm up.
    """
    if MODELS[name].any_size:
        return
    try:
        with torch.no_grad():
            fits = model(torch.zeros(1, *shape)).shape[1:] == shape
    except RuntimeError:
        fits = False
    if not fits:
        size = f"{shape[1]} x {shape[2]}"
        raise SpecError(
            f"Model {name!r} cannot take {size} pictures: it would not give back {size}. "
            "Use 28 x 28 pictures, or a model for any size such as 'unet'."
        )
