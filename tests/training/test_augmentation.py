"""Augmentations: shape, range and determinism of the output, and the pixel values that they keep."""

import pytest
import torch

from dae.training.augmentation import AUGMENTATIONS, MAX_SHIFT, dihedral, random_crop, shift, to_gray
from dae.utils.random import make_generator
from tests.helpers import tiny_dataset

IMAGES = tiny_dataset(16).to_float()


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_augmentations_keep_shape_and_unit_range_and_depend_on_the_seed(name: str) -> None:
    first, again, other = (AUGMENTATIONS[name](IMAGES.clone(), make_generator(seed)) for seed in (0, 0, 1))
    assert first.shape == IMAGES.shape and first.min() >= 0 and first.max() <= 1
    assert torch.equal(first, again)
    assert name == "none" or not torch.equal(first, other)


def test_augmentation_none_returns_its_input_and_draws_no_random_numbers() -> None:
    generator = make_generator(0)
    before = generator.get_state()
    assert AUGMENTATIONS["none"](IMAGES, generator) is IMAGES
    assert torch.equal(generator.get_state(), before)


def test_shift_moves_by_whole_pixels_up_to_the_maximum_in_every_direction() -> None:
    point = torch.zeros(400, 2, 9, 11)
    point[:, :, 4, 5] = 1
    moved = shift(point, make_generator(0))
    rows, columns = moved[:, 0].nonzero()[:, 1:].T
    assert moved.sum() == point.sum() and torch.equal(moved[:, 0], moved[:, 1])
    assert (rows.min(), rows.max()) == (4 - MAX_SHIFT, 4 + MAX_SHIFT)
    assert (columns.min(), columns.max()) == (5 - MAX_SHIFT, 5 + MAX_SHIFT)


def test_dihedral_keeps_the_pixels_and_the_shape_of_images_that_are_not_square() -> None:
    images = torch.rand(4, 3, 6, 9, generator=make_generator(0))
    moved = dihedral(images, make_generator(1))
    assert moved.shape == images.shape
    assert torch.equal(moved.flatten(2).sort().values, images.flatten(2).sort().values)


def test_random_crops_come_from_every_position() -> None:
    image = torch.arange(30).view(1, 1, 5, 6).expand(400, 3, 5, 6)
    crops = random_crop(image, 3, make_generator(0))
    assert crops.shape == (400, 3, 3, 3)
    assert set(crops[:, 0, 0, 0].tolist()) == {6 * row + column for row in range(3) for column in range(4)}
    assert torch.equal(crops - crops[:, :, :1, :1], (image[:, :, :3, :3] - image[:, :, :1, :1]))


def test_gray_is_the_luma_in_all_channels() -> None:
    gray = to_gray(torch.tensor([1.0, 0.5, 0.25]).view(1, 3, 1, 1))
    torch.testing.assert_close(gray.flatten(), torch.full((3,), 0.299 + 0.587 / 2 + 0.114 / 4))
