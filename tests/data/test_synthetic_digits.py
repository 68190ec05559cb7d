"""Synthetic digits: determinism, ranges, class balance and MNIST's placement."""

import hashlib

import pytest
import torch

from dae.data.synthetic_digits import BLOCK, COUNTS, IMAGE_SIZE, draw_digits
from dae.errors import DataError

GOLDEN = "8c2c32f94b9f17ebab90e28f31031f86ab37c11e84e961d429e8469614606796"


def test_bytes_are_the_same_on_every_machine() -> None:
    images, labels = draw_digits("test", 0, 64)
    content = images.numpy().tobytes() + labels.numpy().astype("<i8").tobytes()
    assert hashlib.sha256(content).hexdigest() == GOLDEN


def test_images_and_labels_have_the_documented_shapes_and_dtypes() -> None:
    images, labels = draw_digits("train", 7, 30)
    assert images.shape == (23, 1, IMAGE_SIZE, IMAGE_SIZE) and images.dtype == torch.uint8
    assert labels.shape == (23,) and labels.dtype == torch.int64


def test_empty_range_gives_empty_tensors() -> None:
    images, labels = draw_digits("test", 10, 10)
    assert images.shape == (0, 1, IMAGE_SIZE, IMAGE_SIZE) and labels.shape == (0,)


@pytest.mark.parametrize(("start", "stop"), [(0, 3), (BLOCK - 2, BLOCK + 2), (BLOCK, 2 * BLOCK)])
def test_a_range_is_a_slice_of_a_larger_one(start: int, stop: int) -> None:
    all_images, all_labels = draw_digits("train", 0, 2 * BLOCK)
    images, labels = draw_digits("train", start, stop)
    assert torch.equal(images, all_images[start:stop])
    assert torch.equal(labels, all_labels[start:stop])


def test_last_index_of_each_split_can_be_drawn() -> None:
    for split, count in COUNTS.items():
        assert len(draw_digits(split, count - 1, count)[0]) == 1


def test_splits_seeds_and_blocks_differ() -> None:
    draws = [
        draw_digits("train", 0, 100)[0],
        draw_digits("test", 0, 100)[0],
        draw_digits("train", 0, 100, seed=1)[0],
        draw_digits("train", BLOCK, BLOCK + 100)[0],
    ]
    for i, one in enumerate(draws):
        for other in draws[:i]:
            assert (one != other).flatten(1).any(dim=1).all()


def test_no_two_digits_are_identical() -> None:
    images, _ = draw_digits("train", 0, 500)
    assert len({image.numpy().tobytes() for image in images}) == 500


def test_classes_are_balanced_and_shuffled() -> None:
    _, labels = draw_digits("train", 0, 5000)
    counts = labels.bincount(minlength=10)
    assert len(counts) == 10 and counts.min() > 400 and counts.max() < 600
    assert not torch.equal(labels, labels.sort().values)


def test_digits_fit_a_20_pixel_box_and_are_centered_by_mass() -> None:
    images, _ = draw_digits("test", 0, 2000)
    pixels = images[:, 0].double()
    index = torch.arange(IMAGE_SIZE)
    for axis in (1, 2):
        has_ink = pixels.amax(axis) > 0
        first = torch.where(has_ink, index, IMAGE_SIZE).amin(1)
        last = torch.where(has_ink, index, -1).amax(1)
        assert (last - first + 1).max() <= 20
        profile = pixels.sum(axis)
        center = (profile * index).sum(1) / profile.sum(1)
        assert (center - IMAGE_SIZE // 2).abs().max() < 1


def test_ink_is_white_on_black_with_soft_edges() -> None:
    images, _ = draw_digits("test", 0, 500)
    gray = (images > 0) & (images < 255)
    assert (images.flatten(1) == 0).float().mean(1).min() > 0.4
    assert (images.flatten(1).amax(1) > 200).all()
    assert gray.flatten(1).any(dim=1).all()
    assert (images.flatten().bincount(minlength=256) > 0).all()


@pytest.mark.parametrize(
    ("split", "start", "stop", "seed", "value"),
    [
        ("valid", 0, 1, 0, "'valid'"),
        ("test", -1, 1, 0, "-1"),
        ("test", 0, COUNTS["test"] + 1, 0, "10001.*stop <= 10000"),
        ("train", 5, 4, 0, "5 to 4"),
        ("train", 0, 1, -3, "-3"),
    ],
)
def test_invalid_arguments_raise_an_error_with_their_value(
    split: str, start: int, stop: int, seed: int, value: str
) -> None:
    with pytest.raises(DataError, match=value):
        draw_digits(split, start, stop, seed)
