"""What every model shares: the contract, what is known of it, and seeded initial weights."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Generator, Tensor, nn

Shape = tuple[int, int, int]  # channels, height, width of one image


class Autoencoder(nn.Module):
    """An encoder and a decoder: noisy (B, C, H, W) in, denoised of the same shape out.

    The output is not always within [0, 1]: whoever shows or measures it clamps it. Models whose decoder needs
    more than the code (skip connections) override `forward`.

    Attributes:
        multiple: the sides of a picture are padded to a multiple of this.
    """

    encoder: nn.Module
    decoder: nn.Module
    multiple: int = 1

    def encode(self, noisy: Tensor) -> Tensor:
        """The code of each image, (B, ...)."""
        code: Tensor = self.encoder(noisy)
        return code

    def forward(self, noisy: Tensor) -> Tensor:
        denoised: Tensor = self.decoder(self.encode(noisy))
        return denoised

    def learn(self, noisy: Tensor) -> tuple[Tensor, Tensor | float]:
        """What `forward` gives, and a scalar to add to the loss, for models that learn more than to denoise."""
        return self(noisy), 0.0

    def context(self, noisy: Tensor) -> dict[str, Tensor]:
        """What of whole images a part of them needs, as keywords of `forward`; most models look only around a pixel."""
        return {}

    def level(self, noisy: Tensor) -> Tensor | None:
        """How strong the noise of each image is, (B,), as the model sees it; None for models that do not say."""
        return None


@dataclass(frozen=True)
class Model:
    """An architecture, as pages, the command line and tests need it."""

    label: str
    family: str  # "linear", "convolutional" or "modern"
    help: str
    build: Callable[[Shape], Autoencoder]
    bounded: bool = True  # what it gives back is within [0, 1], as binary cross-entropy needs
    any_size: bool = False  # denoises pictures of every height and width, whatever it was trained on
    bfloat16: bool = False  # trains faster, and no worse, in bfloat16
    color: str = "#882255"


def initialise(model: nn.Module, generator: Generator) -> None:
    """Give every layer the initial weights that PyTorch's layers choose, drawn from `generator`.

    PyTorch itself draws them from the one global generator, which a page and a training thread would share.
    """
    for layer in model.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.kaiming_uniform_(layer.weight, a=math.sqrt(5), generator=generator)
            if layer.bias is not None:
                fan_in = layer.weight[0].numel()
                nn.init.uniform_(layer.bias, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in), generator=generator)
        elif any(True for _ in layer.parameters(recurse=False)) or any(True for _ in layer.buffers(recurse=False)):
            if not isinstance(layer, (nn.BatchNorm2d, nn.GroupNorm)):
                raise TypeError(f"{type(layer).__name__} has weights that `initialise` does not know how to draw.")
            layer.reset_parameters()  # draws nothing: ones and zeros


def count_parameters(model: nn.Module) -> int:
    """The number of weights and biases."""
    return sum(parameter.numel() for parameter in model.parameters())
