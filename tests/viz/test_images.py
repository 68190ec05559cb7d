"""Image tensors become Pillow images with the right position and value of every pixel."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from dae.viz.images import error_map, hstack, make_grid, to_png


def images(number: int, channels: int = 1, height: int = 5, width: int = 4) -> torch.Tensor:
    count = number * channels * height * width
    return (torch.arange(count) % 251).byte().view(number, channels, height, width)


@pytest.mark.parametrize("channels", [1, 3])
def test_hstack_places_images_side_by_side(channels: int) -> None:
    batch = images(3, channels)
    image = hstack(batch)
    assert image.size == (12, 5) and image.mode == ("L" if channels == 1 else "RGB")
    array = np.asarray(image).reshape(5, 12, channels)
    for place in range(3):
        assert np.array_equal(array[:, 4 * place : 4 * place + 4].transpose(2, 0, 1), batch[place].numpy())


def test_the_rest_of_the_last_row_of_a_grid_is_black() -> None:
    batch = images(5) + 1
    array = np.asarray(make_grid(batch, columns=2))
    assert array.shape == (3 * 5, 2 * 4)
    for place in range(5):
        top, left = place // 2 * 5, place % 2 * 4
        assert np.array_equal(array[top : top + 5, left : left + 4], batch[place, 0].numpy())
    assert (array[10:, 4:] == 0).all()


def test_float_images_are_clamped_and_rounded() -> None:
    values = torch.tensor([-1.0, 0.0, 0.5, 127.6 / 255, 1.0, 7.0]).view(1, 1, 1, 6)
    assert np.asarray(hstack(values))[0].tolist() == [0, 0, 128, 128, 255, 255]
    every = torch.arange(256).view(1, 1, 16, 16)
    assert np.array_equal(np.asarray(hstack(every / 255)), every[0, 0].numpy())


def test_a_png_keeps_all_pixels() -> None:
    image = make_grid(images(4, 3), columns=2)
    with Image.open(io.BytesIO(to_png(image))) as decoded:
        assert decoded.format == "PNG" and np.array_equal(np.asarray(decoded), np.asarray(image))


def test_an_error_map_gets_brighter_with_the_error_up_to_its_maximum() -> None:
    clean = Image.fromarray(np.array([[0, 0, 0, 0]], dtype=np.uint8))
    denoised = Image.fromarray(np.array([[0, 64, 128, 255]], dtype=np.uint8))
    none, small, maximum, beyond = np.asarray(error_map(denoised, clean)).astype(int).sum(-1)[0]
    assert none < 10 < small < maximum == beyond
    color = error_map(denoised.convert("RGB"), clean.convert("RGB"))
    assert np.array_equal(np.asarray(color), np.asarray(error_map(denoised, clean)))
