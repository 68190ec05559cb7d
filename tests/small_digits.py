"""The drawn digits with few images, for tests of pages: what is measured on a page does not matter there."""

from dataclasses import replace
from pathlib import Path

from dae.data import DATASETS
from dae.data.image_set import Arrays
from dae.data.synthetic_digits import draw_digits

NUM_IMAGES = {"train": 1_000, "test": 60}
# Classical filters are tuned on so many.
NUM_TUNING_IMAGES = 4


def _load(root: Path, split: str) -> Arrays:
    images, labels = draw_digits(split, 0, NUM_IMAGES[split])
    return images.numpy(), labels.numpy(), tuple("0123456789")


# The first images of both published splits. They are cached under the name of all digits: use a cache of their own.
SMALL_DIGITS = replace(DATASETS["digits"], load=_load, load_range=None)
