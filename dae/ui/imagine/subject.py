"""The digit that the Imagine view asks about: a test image, a drawing or an upload, under Gaussian noise."""

import threading
from dataclasses import dataclass

import cachetools
import streamlit as st
import torch
from torch import Tensor

from dae.data import ImageSet
from dae.imagination import NearestImages
from dae.ui import resources, selectors
from dae.ui.shell import auth
from dae.ui.user_image import select_user_image
from dae.utils.random import make_generator

TEST_IMAGE, DRAWING, UPLOAD = "Test image", "Draw a digit", "Your image"
NUM_DIGITS = 1_000
_LEVELS = tuple(f"{tenths / 10:.1f}" for tenths in range(1, 11))


@dataclass(frozen=True)
class Subject:
    """A digit.

    Attributes:
        pixels: float32 (1, C, H, W) as bytes, so that results can be looked up.
        name: what it is.
    """

    pixels: bytes
    shape: tuple[int, int, int]
    name: str

    def clean(self) -> Tensor:
        """Return the digit, float32 (1, C, H, W) in [0, 1]."""
        return torch.frombuffer(bytearray(self.pixels), dtype=torch.float32).view(1, *self.shape)

    def noisy(self, level: float, seed: int) -> Tensor:
        """Return the digit under unclipped Gaussian noise of this standard deviation, (1, C, H, W)."""
        clean = self.clean()
        return clean + level * torch.randn(clean.shape, generator=make_generator(seed))


def test_digits() -> ImageSet:
    """Return the test digits: MNIST if it is on this machine, else drawn digits."""
    return resources.images(dataset(), "test", NUM_DIGITS)


def dataset() -> str:
    """Return the name of the data set of the test digits."""
    return "mnist" if "mnist" in resources.available_datasets() else "digits"


def select_subject(images: ImageSet, default: int) -> Subject | None:
    """Draw the choice of a digit; return None while there is none.

    Args:
        default: number of the test image that is shown first.
    """
    # Only the presenter may upload to the server.
    sources = [TEST_IMAGE, DRAWING, UPLOAD] if auth.is_presenter() else [TEST_IMAGE, DRAWING]
    source = selectors.url_choice("Digit", sources, key="imagine_source")
    if source in (DRAWING, UPLOAD):
        with st.container(width=300):
            pixels = select_user_image(images, source == DRAWING)
        name = "your drawing" if source == DRAWING else "your image"
        return None if pixels is None else Subject(pixels.numpy().tobytes(), images.shape, name)
    number = selectors.url_number_input(
        "Image no.",
        1,
        len(images),
        key="imagine_digit",
        default=default,
        help=f"1 to {len(images):,}, in the order of the test images.",
        width=120,
    )
    pixels = images.to_float([number - 1])
    return Subject(pixels.numpy().tobytes(), images.shape, f"test image {number}")


def select_level(default: str) -> float:
    """Draw the choice of the noise level, the standard deviation of Gaussian noise."""
    level = st.select_slider(
        "Noise level",
        _LEVELS,
        value=default,
        key="imagine_level",
        bind="query-params",
        width=260,
        help="Standard deviation of Gaussian noise; white is 1.",
    )
    return float(level)


def select_seed(button: str) -> int:
    """Draw the choice of the seed of all random numbers, and a button for the next one."""
    return selectors.select_seed("Seed", button, key="imagine_seed", help="The same seed gives the same images.")


def load_training_digits() -> tuple[ImageSet, ImageSet]:
    """Return the training and the validation digits."""
    return resources.images(dataset(), "train"), resources.images(dataset(), "validation")


@cachetools.cached(
    cachetools.LRUCache(2), key=lambda train, validation: (train.name, len(train)), lock=threading.Lock()
)
def nearest_images(train: ImageSet, validation: ImageSet) -> NearestImages:
    """Return the training digits to compare with, prepared once for all sessions; this takes some seconds.

    It calls no Streamlit function, so that samplers can use it in the background.
    """
    return NearestImages(train, validation)
