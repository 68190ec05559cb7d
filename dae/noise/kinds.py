"""Registry of noise kinds.

A kind is a function `(clean, level, generator) -> noisy` for float images `(B, C, H, W)` in `[0, 1]` with one level per
image, `(B, 1, 1, 1)`. It draws from `generator` only and returns the images unchanged at level 0. It does not clip:
`dae.noise.corrupt` does, unless the specification is unclipped. Noise that can leave `[0, 1]` has zero mean before
clipping. Kinds that replace pixels replace all channels of a pixel.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from dae.utils.random import NoiseBank

# Read noise of a camera as a standard deviation in electrons: typical of a CMOS sensor.
_READ_NOISE = 2.0
# Bilinear demosaicing: weights of the neighboring samples of a color. Half of the samples are green.
_RED_BLUE_WEIGHTS = ((0.25, 0.5, 0.25), (0.5, 1.0, 0.5), (0.25, 0.5, 0.25))
_GREEN_WEIGHTS = ((0.0, 0.25, 0.0), (0.25, 1.0, 0.25), (0.0, 0.25, 0.0))
# Brightness of a photon at the lowest levels, for which the counts would exceed the range of float32.
_MIN_PHOTON = 1e-12


def _gaussian(clean: Tensor, level: Tensor, generator: Generator) -> Tensor:
    return torch.addcmul(clean, level, _randn(clean, generator))


def _uniform(clean: Tensor, level: Tensor, generator: Generator) -> Tensor:
    return clean + level * (2 * _rand(clean.shape, clean, generator) - 1)


def _speckle(clean: Tensor, level: Tensor, generator: Generator) -> Tensor:
    return torch.addcmul(clean, clean * level, _randn(clean, generator))


def _poisson(clean: Tensor, level: Tensor, generator: Generator) -> Tensor:
    # A photon count n has variance n, so photons of this brightness give a white pixel
    # the standard deviation `level`.
    photon = level.square().clamp(min=_MIN_PHOTON)
    rate = torch.where(level > 0, clean.clamp(min=0) / photon, 0)
    counts = torch.poisson(rate, generator=generator)
    return torch.where(level > 0, counts * photon, clean)


def _camera(clean: Tensor, level: Tensor, generator: Generator) -> Tensor:
    """Add the noise of a color camera.

    Each sensor pixel measures one color of a Bayer mosaic: a Poisson photon count plus Gaussian read noise, so that the
    variance grows with brightness (Foi et al. 2008; Brooks et al. 2019). Bilinear demosaicing spreads it over the
    neighbors, which correlates the noise. It is linear, so only the noise is demosaiced, and the clean image keeps its
    sharpness. Pixel values count as proportional to light. A gray image gets the mean of the three channels of noise.

    The result can leave [0, 1]. The JPEG compression of a camera is left out: it would change the clean image as well,
    and noise of a level near 0 would not leave the image nearly unchanged.
    """
    mosaic = _bayer_mosaic(clean)
    sensor = (clean * mosaic).sum(1, keepdim=True)  # (B, 1, H, W)
    # The variance at a white pixel is level² = photon + (read noise * photon)².
    photon = 2 * level.square() / (1 + (1 + (2 * _READ_NOISE * level).square()).sqrt())
    photon = photon.clamp(min=_MIN_PHOTON)
    rate = torch.where(level > 0, sensor.clamp(min=0) / photon, 0)
    # Read noise comes first, because the number of draws of the photons depends on the images.
    electrons = _READ_NOISE * _randn(sensor, generator) + torch.poisson(rate, generator=generator)
    noise = _demosaic((electrons * photon - sensor) * mosaic, mosaic)
    if clean.shape[1] == 1:
        noise = noise.mean(1, keepdim=True)
    return torch.where(level > 0, clean + noise, clean)


def _bayer_mosaic(clean: Tensor) -> Tensor:
    """Return which sensor pixels measure red, green and blue, in the order RGGB: 0 or 1, (3, H, W)."""
    mosaic = clean.new_zeros(3, *clean.shape[2:])
    mosaic[0, ::2, ::2] = mosaic[1, ::2, 1::2] = mosaic[1, 1::2, ::2] = mosaic[2, 1::2, 1::2] = 1
    return mosaic


def _demosaic(samples: Tensor, mosaic: Tensor) -> Tensor:
    """Interpolate the samples (B, 3, H, W) of a mosaic, 0 where a color is not measured; at borders from fewer."""
    weights = samples.new_tensor([_RED_BLUE_WEIGHTS, _GREEN_WEIGHTS, _RED_BLUE_WEIGHTS])[:, None]
    total = F.conv2d(mosaic[None], weights, padding=1, groups=3)
    # A single row or column measures two of the colors only.
    return F.conv2d(samples, weights, padding=1, groups=3) / total.clamp(min=0.25)


def _masking(clean: Tensor, level: Tensor, generator: Generator) -> Tensor:
    draw = _rand(_one_channel(clean), clean, generator)
    return torch.where(draw < level, 0, clean)


def _salt_and_pepper(clean: Tensor, level: Tensor, generator: Generator) -> Tensor:
    draw = _rand(_one_channel(clean), clean, generator)
    noisy = torch.where(draw < level, 0, clean)
    return torch.where(draw < level / 2, 1, noisy)


def _occlusion(clean: Tensor, level: Tensor, generator: Generator) -> Tensor:
    """Hide one rectangle with exactly the fraction `level` of the area; its border may cover part of a pixel."""
    height, width = clean.shape[-2:]
    aspect, top, left = _rand((3, len(clean), 1), clean, generator)  # each (B, 1)
    area = level.view(-1, 1)
    # Side lengths as fractions of the image: rect_height * rect_width = area.
    rect_height, rect_width = area**aspect, area ** (1 - aspect)
    rows = _coverage(top * (1 - rect_height) * height, rect_height * height, height)  # (B, H)
    columns = _coverage(left * (1 - rect_width) * width, rect_width * width, width)  # (B, W)
    hidden = rows[:, None, :, None] * columns[:, None, None, :]
    return torch.where(level > 0, clean * (1 - hidden), clean)


def _coverage(start: Tensor, length: Tensor, size: int) -> Tensor:
    """Return the fraction of each of `size` unit cells that the intervals (B, 1) cover: (B, size) in [0, 1]."""
    cell = torch.arange(size, device=start.device, dtype=start.dtype)
    return (torch.minimum(cell + 1, start + length) - torch.maximum(cell, start)).clamp(0, 1)


def _one_channel(clean: Tensor) -> tuple[int, ...]:
    return (len(clean), 1, *clean.shape[2:])


def _rand(shape: tuple[int, ...], like: Tensor, generator: Generator) -> Tensor:
    return torch.rand(shape, generator=generator, device=like.device, dtype=like.dtype)


def _randn(like: Tensor, generator: Generator) -> Tensor:
    if isinstance(generator, NoiseBank):
        return generator.randn(like.shape)
    return torch.randn(like.shape, generator=generator, device=like.device, dtype=like.dtype)


@dataclass(frozen=True)
class NoiseInfo:
    """A registry entry: one kind of noise."""

    label: str
    help: str
    level_unit: str
    corrupt: Callable[[Tensor, Tensor, Generator], Tensor]
    in_unit_range: bool  # whether noisy values stay in [0, 1] without clipping
    default_level: float = 0.5
    low: float = 0.0  # lowest level
    high: float = 1.0  # highest level


NOISES: dict[str, NoiseInfo] = {
    "gaussian": NoiseInfo(
        label="Gaussian",
        help="Every pixel gets brighter or darker by a random amount, like grain in a dark photograph.",
        level_unit="standard deviation, where white is 1",
        corrupt=_gaussian,
        in_unit_range=False,
    ),
    "masking": NoiseInfo(
        label="Masking",
        help="Random pixels turn black, like dead pixels of a sensor.",
        level_unit="fraction of pixels turned black",
        corrupt=_masking,
        in_unit_range=True,
    ),
    "salt-and-pepper": NoiseInfo(
        label="Salt and pepper",
        help="Random pixels turn white or black, like sensor faults.",
        level_unit="fraction of pixels changed, half of them white, half black",
        corrupt=_salt_and_pepper,
        in_unit_range=True,
        default_level=0.3,
    ),
    "speckle": NoiseInfo(
        label="Speckle",
        help="Noise grows with brightness, as in radar and ultrasound.",
        level_unit="standard deviation at a white pixel, proportional to brightness",
        corrupt=_speckle,
        in_unit_range=False,
    ),
    "poisson": NoiseInfo(
        label="Poisson",
        help="Photon noise, as in low-light photographs.",
        level_unit="standard deviation at a white pixel, which receives 1 / level² photons on average",
        corrupt=_poisson,
        in_unit_range=False,
    ),
    "occlusion": NoiseInfo(
        label="Occlusion",
        help="A random rectangle of the image turns black.",
        level_unit="fraction of the area hidden",
        corrupt=_occlusion,
        in_unit_range=True,
        default_level=0.2,
    ),
    "uniform": NoiseInfo(
        label="Uniform",
        help="Every pixel changes by a random amount up to the noise level.",
        level_unit="largest change of a pixel, where white is 1",
        corrupt=_uniform,
        in_unit_range=False,
    ),
    "camera": NoiseInfo(
        label="Camera",
        help="Noise of a camera in low light: blotchy, because neighboring pixels share it.",
        level_unit="standard deviation of a sensor pixel at white, before colors are interpolated",
        corrupt=_camera,
        in_unit_range=False,
    ),
}
