"""Classification of images by their most similar training image, and sentences about the classes."""

import pytest
import torch

from dae.errors import DataError
from dae.imagination import NearestImages, describe_readings
from dae.imagination.nearest import UNREADABLE
from tests.helpers import tiny_dataset
from tests.representation.image_sets import images_of_brightness


def test_images_read_as_the_class_of_the_most_similar_training_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dae.imagination.nearest._CHUNK", 7)
    train, validation = images_of_brightness(60, "train"), images_of_brightness(30, "validation")
    nearest = NearestImages(train, validation)
    assert nearest.accuracy > 0.9
    images = train.to_float([50, 4, 12])
    similarities, indices = nearest.find(images)
    assert indices.tolist() == [50, 4, 12] and similarities.min() > 0.9999
    assert nearest.read(images) == ["c", "b", "a"]
    assert nearest.read(torch.rand(1, 1, 28, 28, generator=torch.Generator().manual_seed(0))) == [UNREADABLE]


def test_images_without_classes_cannot_be_read() -> None:
    images = tiny_dataset()
    images = type(images)(images.name, "train", images.images, images.labels, ("one",))
    with pytest.raises(DataError, match="no classes to read"):
        NearestImages(images, images)


@pytest.mark.parametrize(
    ("readings", "sentence"),
    [
        (["3"] * 8, "All eight read as 3."),
        (["9", "4", "4", "4", "9", "4", "4", UNREADABLE], "Five read as 4, two as 9 and one as no digit."),
        ([UNREADABLE, "4"], "One reads as 4 and one as no digit."),
        (["1"] * 24, "All 24 read as 1."),
        (["T-shirt", "T-shirt", "Dress"], "Two read as T-shirt and one as Dress."),
    ],
)
def test_describe_readings_counts_each_class_in_a_sentence(readings: list[str], sentence: str) -> None:
    assert describe_readings(readings) == sentence
