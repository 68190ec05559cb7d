"""Read images by their most similar training image, and find that image."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from dae.data import ImageSet
from dae.errors import DataError
from dae.utils.text import join_words

# Training images per matrix product, which bounds memory, and validation images that calibrate.
_CHUNK = 5_000
NUM_CALIBRATION_IMAGES = 200
# Fraction of the validation images that count as readable.
_READABLE = 0.99
UNREADABLE = "no digit"
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


class NearestImages:
    """A 1-nearest-neighbor classifier on the pixels of training images.

    Attributes:
        accuracy: fraction of the first validation images that it reads correctly.
        min_similarity: cosine similarity below which an image counts as unreadable: 99% of the validation images are
            more similar to a training image.

    Raises:
        DataError: there are no classes.
    """

    def __init__(self, train: ImageSet, validation: ImageSet) -> None:
        if len(train.classes) < 2:
            raise DataError(f"{train.name} has no classes to read. Choose a data set with classes, for example mnist.")
        self.train = train
        held_out = validation.take(NUM_CALIBRATION_IMAGES)
        similarities, indices = self.find(held_out.to_float())
        self.accuracy = float((train.labels[indices] == held_out.labels).double().mean())
        self.min_similarity = float(similarities.quantile(1 - _READABLE))

    def find(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the cosine similarity of the most similar training image and its index, (B,) each.

        Args:
            images: (B, C, H, W).
        """
        best, indices = torch.full((len(images),), -torch.inf), torch.zeros(len(images), dtype=torch.int64)
        directions = F.normalize(images.flatten(1))
        for start in range(0, len(self.train), _CHUNK):
            chunk = F.normalize(self.train.to_float(slice(start, start + _CHUNK)).flatten(1))
            similarities, found = (directions @ chunk.T).max(1)
            is_closer = similarities > best
            best, indices = torch.where(is_closer, similarities, best), torch.where(is_closer, found + start, indices)
        return best, indices

    def read(self, images: Tensor) -> list[str]:
        """Return the class name of the training image most similar to each image (B, C, H, W).

        The name is UNREADABLE if the similarity is too small.
        """
        similarities, indices = self.find(images)
        return [
            self.train.classes[int(self.train.labels[index])] if similarity >= self.min_similarity else UNREADABLE
            for similarity, index in zip(similarities.tolist(), indices.tolist(), strict=True)
        ]


def describe_readings(readings: Sequence[str]) -> str:
    """Return in words how many images read as what: "All eight read as 3." or "Five read as 4 and three as 9."."""
    counts = {reading: readings.count(reading) for reading in dict.fromkeys(readings)}
    ranked = sorted(counts.items(), key=lambda item: (item[0] == UNREADABLE, -item[1], item[0]))
    if len(ranked) == 1:
        return f"All {_number(len(readings))} read as {ranked[0][0]}."
    (name, count), *others = ranked
    first = f"{_number(count)} {'reads' if count == 1 else 'read'} as {name}"
    return f"{join_words([first[0].upper() + first[1:], *(f'{_number(count)} as {name}' for name, count in others)])}."


def _number(count: int) -> str:
    return _NUMBERS[count] if count < len(_NUMBERS) else f"{count:,}"
