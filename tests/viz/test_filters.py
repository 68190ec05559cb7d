"""Filters of the first layer: which models have them, their colors, and how they are laid out."""

import numpy as np
import pytest
import torch
from PIL import Image

from dae.viz.filters import first_layer_filters, stack_filters
from dae.viz.images import hstack
from tests.helpers import untrained_checkpoint


@pytest.mark.parametrize(
    ("model", "shape", "expected"),
    [
        ("linear-32", (1, 28, 28), (8, 1, 28, 28)),
        ("conv-64", (1, 28, 28), (8, 1, 3, 3)),
        ("unet", (3, 28, 28), (8, 3, 3, 3)),
        # Its first layer works on groups of four pixels.
        ("res-unet", (1, 28, 28), None),
    ],
)
def test_models_whose_first_layer_works_on_pixels_have_filters(
    model: str, shape: tuple[int, int, int], expected: tuple[int, ...] | None
) -> None:
    filters = first_layer_filters(untrained_checkpoint(model, shape).model, shape)
    assert (None if filters is None else tuple(filters.shape)) == expected


def test_zero_weights_are_gray_and_the_largest_weight_is_white_or_black() -> None:
    layer = torch.nn.Conv2d(1, 3, (1, 3))
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.0, 2.0, -1.0], [-4.0, 0.0, 4.0], [0.0, 0.0, 0.0]]).view(3, 1, 1, 3))
    filters = first_layer_filters(layer, (1, 9, 9))
    assert filters is not None
    assert filters.flatten(1).tolist() == [[128, 255, 64], [1, 128, 255], [128, 128, 128]]


def test_filters_are_enlarged_in_the_middle_of_their_cells() -> None:
    filters = torch.tensor([[[[0, 50], [100, 250]]], [[[9, 9], [9, 9]]], [[[1, 1], [1, 1]]]], dtype=torch.uint8)
    sheet = np.asarray(stack_filters([None, hstack(filters)], (5, 5), columns=2))
    assert sheet.shape == (10, 10) and (sheet[:5] == 128).all()
    assert sheet[5, :5].tolist() == [0, 0, 50, 50, 128] and sheet[7, :5].tolist() == [100, 100, 250, 250, 128]
    assert (sheet[5:9, 5:9] == 9).all()
    color = stack_filters([Image.new("RGB", (6, 3), "red"), None], (3, 3), columns=2)
    assert color.mode == "RGB" and color.getpixel((0, 3)) == (128, 128, 128)
