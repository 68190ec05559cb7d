"""Image sets for the tests of linear probes."""

import torch

from dae.data import ImageSet
from tests.helpers import tiny_dataset


def images_of_brightness(number: int, split: str, classes: int = 3) -> ImageSet:
    """Return images whose class is their brightness."""
    labels = torch.arange(number) % classes
    dark = tiny_dataset(number, seed=len(split), split=split).images // 8
    images = dark + (labels * 70).to(torch.uint8).view(-1, 1, 1, 1)
    return ImageSet("brightness", split, images, labels, tuple("abc"[:classes]))
