"""The Jacobian of a denoiser: how uncertain its output is, and which input pixels an output pixel comes from.

Under Gaussian noise the covariance of the clean image given the noisy one is level^2 times the Jacobian of the
posterior mean (Tweedie's formula; Miyasawa 1961, Efron 2011), so its diagonal is the expected squared error of each
pixel. A row of the Jacobian is the filter that the network applies at that pixel (Mohan et al. 2020, arXiv 1906.05478).
"""

from collections.abc import Callable, Iterator

import torch
from torch import Generator, Tensor

from dae.errors import SpecError

# Distance in pixels between the entries that one vector probes; STRIDE^2 vectors cover an image.
STRIDE = 5


def jacobian_row(model: Callable[[Tensor], Tensor], noisy: Tensor, row: int, column: int) -> Tensor:
    """Return the derivative of one output pixel, summed over its channels, with respect to each input pixel.

    Args:
        noisy: images (B, C, H, W).
        row: of the pixel, from the top.
        column: of the pixel, from the left.

    Returns:
        The filter of each image, (B, C, H, W).

    Raises:
        SpecError: the pixel is outside the images.
    """
    height, width = noisy.shape[-2:]
    if not (0 <= row < height and 0 <= column < width):
        raise SpecError(f"Pixel ({row}, {column}) is outside an image of {height} x {width}. Count from 0.")
    with torch.enable_grad():
        inputs = noisy.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(model(inputs)[..., row, column].sum(), inputs)
    return gradient


def jacobian_diagonal(
    model: Callable[[Tensor], Tensor], noisy: Tensor, generator: Generator, stride: int = STRIDE
) -> Iterator[Tensor]:
    """Yield estimates of the diagonal of the Jacobian, (B, C, H, W), each complete for one more part of the pixels.

    The last estimate covers all pixels; before, the others are 0. A vector of random signs on a grid reads all
    derivatives on the grid at once (Bekas et al. 2007; Tang and Saad 2012). Only derivatives with respect to other
    pixels of the grid disturb it, and these are at least `stride` pixels away.

    Args:
        noisy: images (B, C, H, W).
        generator: on the device of the images; the only source of randomness.
    """
    estimate, channels = torch.zeros_like(noisy), noisy.shape[1]
    inputs = noisy.detach().requires_grad_()
    with torch.enable_grad():
        output = model(inputs)
    for channel in range(channels):
        for start in range(stride**2):
            probe = torch.zeros_like(noisy)
            grid = probe[:, channel, start // stride :: stride, start % stride :: stride]
            grid.copy_(torch.randint(0, 2, grid.shape, generator=generator, device=noisy.device) * 2 - 1)
            (gradient,) = torch.autograd.grad(output, inputs, probe, retain_graph=True)
            estimate = estimate + probe * gradient
            yield estimate
