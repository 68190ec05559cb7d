"""Readings of the images of a drawn digit: the class of the most similar training image."""

import torch

from dae.data.uploads import resize_image
from dae.imagination.nearest import UNREADABLE
from dae.ui import resources
from dae.ui.explore.gallery.inspector import crop_sprite
from dae.ui.explore.gallery.sprites import Gallery, GallerySprites
from dae.ui.imagine.subject import nearest_images
from dae.utils import text

# First training images to compare with, so that an answer takes less than 0.1 s.
_NUM_TRAINING_IMAGES = 10_000


def read_drawing(gallery: Gallery, sprites: GallerySprites, step: int) -> dict[str, str]:
    """Return the readings of the noisy image and of each model's output, by name, at the noise level with index `step`.

    Returns:
        Name -> class of the most similar training image, or UNREADABLE; empty for a data set without classes.
    """
    dataset = gallery.images.dataset
    train = resources.images(dataset, "train", _NUM_TRAINING_IMAGES)
    if len(train.classes) < 2:
        return {}
    names = ["the noisy image", *(model.label for model in gallery.models)]
    sheets = (sprites.noisy, *sprites.denoised)
    images = torch.cat([resize_image(crop_sprite(sheet.png, train.shape, 0, step), train.shape) for sheet in sheets])
    nearest = nearest_images(train, resources.images(dataset, "validation"))
    return dict(zip(names, nearest.read(images), strict=True))


def describe_drawing(readings: dict[str, str]) -> str:
    """Return Markdown that groups the rows by reading: "Read as **7**: Linear. No digit: the noisy image."."""
    groups: dict[str, list[str]] = {}
    for name, reading in readings.items():
        groups.setdefault(reading, []).append(name)
    ranked = sorted(groups.items(), key=lambda item: (item[0] == UNREADABLE, -len(item[1])))
    parts = [
        f"{'No digit' if reading == UNREADABLE else f'Read as **{reading}**'}: {text.join_words(names)}."
        for reading, names in ranked
    ]
    return " ".join(parts)
