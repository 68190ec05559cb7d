"""Test readings of the images of a drawn digit."""

from dae.data import load_dataset
from dae.imagination.nearest import UNREADABLE
from dae.noise import NoiseSpec
from dae.ui.explore.gallery.sprites import Gallery, ImageSelection, compute_sprites
from dae.ui.explore.readings import describe_drawing, read_drawing


def test_a_digit_is_read_without_noise_but_not_under_the_strongest_noise() -> None:
    test = load_dataset("digits", "test", limit=20)
    index = int((test.labels == 3).nonzero()[0])
    gallery = Gallery((), ImageSelection("digits", (index,)), NoiseSpec("gaussian", 0.5), seed=0)
    sprites = compute_sprites(gallery)
    assert read_drawing(gallery, sprites, step=0) == {"the noisy image": "3"}
    assert read_drawing(gallery, sprites, step=50) == {"the noisy image": UNREADABLE}


def test_readings_are_grouped_and_unreadable_images_come_last() -> None:
    readings = {"the noisy image": UNREADABLE, "Linear": "1", "Convolutional": "7", "U-Net": "7"}
    described = describe_drawing(readings)
    assert described == "Read as **7**: Convolutional and U-Net. Read as **1**: Linear. No digit: the noisy image."
    assert describe_drawing({}) == ""
