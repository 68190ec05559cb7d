"""Readings of noisy digits by models: the questions of Guess, their share right, and the drawings of the wall."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from dae.data import ImageSet
from dae.data.uploads import normalize_digit
from dae.evaluation.denoisers import Denoiser
from dae.imagination import NearestImages
from dae.noise import NoiseSpec, corrupt
from dae.ui.room.guess import Question, Reading
from dae.ui.room.wall import SIDE, Drawing, WallImage
from dae.utils.random import make_generator
from dae.viz.images import hstack, to_png

# From a digit that nobody can read to one that nearly everybody can; the highest are beyond what models train on.
LEVELS = (2.0, 1.5, 1.2, 0.9, 0.7, 0.5)
WALL_LEVEL = 0.5
# Test digits per noise level that a model's share right is measured on.
NUM_SHARE_DIGITS = 100
_NOISE = NoiseSpec("gaussian", 1.0)


@dataclass(frozen=True, eq=False)
class Contestant:
    """A model that reads what the audience reads.

    Attributes:
        label: display name.
        color: CSS color.
    """

    label: str
    color: str
    denoise: Denoiser


@dataclass(frozen=True)
class ModelShares:
    """The color of a model, and the fraction of digits that it makes readable, by noise level."""

    color: str
    by_level: Mapping[float, float]


def make_questions(
    digits: ImageSet, contestants: Sequence[Contestant], nearest: NearestImages, levels: Sequence[float], seed: int
) -> tuple[Question, ...]:
    """Return a question per noise level, each with another test digit, and what the models read in it."""
    generator = make_generator(seed)
    chosen = _pick_different(digits, len(levels), generator)
    clean = digits.to_float(chosen)
    noisy = corrupt(clean, _NOISE, generator, level=torch.tensor(levels))
    denoised = [contestant.denoise(noisy) for contestant in contestants]
    texts = nearest.read(torch.cat(denoised)) if denoised else []
    return tuple(
        Question(
            level,
            int(digits.classes[int(digits.labels[chosen[index]])]),
            _png(noisy[index]),
            _png(clean[index]),
            tuple(
                Reading(contestant.label, contestant.color, texts[row * len(levels) + index], _png(images[index]))
                for row, (contestant, images) in enumerate(zip(contestants, denoised, strict=True))
            ),
        )
        for index, level in enumerate(levels)
    )


def measure_shares(
    digits: ImageSet, contestants: Sequence[Contestant], nearest: NearestImages, levels: Sequence[float], seed: int
) -> dict[str, ModelShares]:
    """Return by label how many of the first test digits a model makes readable."""
    digits = digits.take(NUM_SHARE_DIGITS)
    if not contestants:
        return {}
    clean, right = digits.to_float(), [digits.classes[int(label)] for label in digits.labels]
    noisy = torch.cat([corrupt(clean, _NOISE, make_generator(seed), level=level) for level in levels])
    # All at once: each call of `read` converts all training images.
    texts = nearest.read(torch.cat([contestant.denoise(noisy) for contestant in contestants]))
    is_right = [text == digit for text, digit in zip(texts, itertools.cycle(right), strict=False)]
    means = torch.tensor(is_right).view(len(contestants), len(levels), len(right)).double().mean(2).tolist()
    return {
        contestant.label: ModelShares(contestant.color, dict(zip(levels, shares, strict=True)))
        for contestant, shares in zip(contestants, means, strict=True)
    }


def read_drawings(drawings: Sequence[Drawing], contestant: Contestant, nearest: NearestImages) -> dict[int, WallImage]:
    """Return the noisy and the denoised image of each drawing, and what it reads as, by the id of the drawing."""
    if not drawings:
        return {}
    clean = torch.cat([normalize_digit(Image.frombytes("L", (SIDE, SIDE), drawing.pixels)) for drawing in drawings])
    # The noise of a drawing does not depend on the others.
    noisy = torch.cat(
        [
            corrupt(image[None], _NOISE, make_generator(drawing.id), level=WALL_LEVEL)
            for image, drawing in zip(clean, drawings, strict=True)
        ]
    )
    denoised = contestant.denoise(noisy)
    texts = nearest.read(denoised)
    return {
        drawing.id: WallImage(_png(noisy[index]), _png(denoised[index]), texts[index])
        for index, drawing in enumerate(drawings)
    }


def _pick_different(digits: ImageSet, count: int, generator: torch.Generator) -> list[int]:
    """Return indices of random images, no two neighbors of the same class."""
    chosen: list[int] = []
    order: list[int] = torch.randperm(len(digits), generator=generator).tolist()
    for index in order:
        if len(chosen) == count:
            break
        if not chosen or digits.labels[index] != digits.labels[chosen[-1]]:
            chosen.append(index)
    return chosen


def _png(image: Tensor) -> bytes:
    """Return one image (C, H, W) as a PNG file."""
    return to_png(hstack(image[None]))
