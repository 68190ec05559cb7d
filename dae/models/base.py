"""The interface of all models, their registry entry, and seeded weight initialization."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Generator, Tensor, nn

from dae.errors import SpecError

Shape = tuple[int, int, int]  # channels, height, width of one image


class Autoencoder(nn.Module):
    """An encoder and a decoder: noisy images (B, C, H, W) in, denoised images of the same shape out.

    The output may leave [0, 1], so the caller clamps it. Models with skip connections, whose decoder needs more than
    the latent code, override `forward`.

    Attributes:
        size_multiple: height and width are padded to a multiple of this.
        takes_level: whether `forward` accepts `level`, the noise level of each image, (B,) in pixel units.
        max_exported_side: height and width up to which an exported graph computes the same; None for any.
    """

    encoder: nn.Module
    decoder: nn.Module
    size_multiple: int = 1
    takes_level: bool = False
    max_exported_side: int | None = None

    def encode(self, noisy: Tensor) -> Tensor:
        """Return the latent code of each image, (B, ...)."""
        code: Tensor = self.encoder(noisy)
        return code

    def forward(self, noisy: Tensor) -> Tensor:
        """Return denoised images (B, C, H, W)."""
        denoised: Tensor = self.decoder(self.encode(noisy))
        return denoised

    def forward_with_loss(self, noisy: Tensor, target: Tensor) -> tuple[Tensor, Tensor | float]:
        """Return denoised images and an auxiliary loss, a scalar that training adds to the denoising loss.

        Args:
            noisy, target: images (B, C, H, W).
        """
        return self(noisy), 0.0

    def global_context(self, noisy: Tensor) -> dict[str, Tensor]:
        """Return features of whole images that their tiles need, as keyword arguments of `forward`."""
        return {}

    def estimate_noise_level(self, noisy: Tensor) -> Tensor | None:
        """Return the estimated noise level of each image, (B,), or None for models without an estimator."""
        return None


@dataclass(frozen=True)
class ModelInfo:
    """A registry entry: one architecture."""

    label: str
    family: str  # "linear", "convolutional" or "residual CNN"
    help: str
    build: Callable[[Shape], Autoencoder]
    bounded: bool = False  # whether the output stays in [0, 1], which binary cross-entropy needs
    any_size: bool = False  # whether it accepts every height and width, whatever the training size
    bfloat16: bool = False  # whether training in bfloat16 is faster without loss of quality
    color: str = "#882255"


def init_weights(model: nn.Module, generator: Generator) -> None:
    """Initialize all layers with PyTorch's default distributions, drawn from `generator`.

    PyTorch's own initialization draws from the global generator, which page sessions and the training thread share. A
    layer of another type with weights or buffers needs a method `init_weights(generator)`.

    Raises:
        SpecError: a layer with weights or buffers cannot be initialized.
    """
    for layer in model.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.kaiming_uniform_(layer.weight, a=math.sqrt(5), generator=generator)
            if layer.bias is not None:
                bound = 1 / math.sqrt(layer.weight[0].numel())
                nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
        elif isinstance(layer, (nn.BatchNorm2d, nn.GroupNorm)):
            # Sets ones and zeros without random draws.
            layer.reset_parameters()
        elif callable(initialize := getattr(layer, "init_weights", None)):
            initialize(generator)
        elif [*layer.parameters(recurse=False), *layer.buffers(recurse=False)]:
            raise SpecError(
                f"Weights of a layer {type(layer).__name__} cannot be initialized. Give it init_weights(generator)."
            )


def with_relu_between(*layers: nn.Module) -> list[nn.Module]:
    """Return the layers with a ReLU between consecutive ones."""
    return [module for layer in layers for module in (layer, nn.ReLU())][:-1]


def count_parameters(model: nn.Module) -> int:
    """Return the number of weights and biases."""
    return sum(parameter.numel() for parameter in model.parameters())
