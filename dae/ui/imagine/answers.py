"""Eight answers to one digit, and in words what they read as."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from dae.data import ImageSet
from dae.imagination import Frame, describe_readings
from dae.imagination.nearest import NUM_CALIBRATION_IMAGES, UNREADABLE
from dae.ui.components.frame_slider import SpriteRow, frame_slider
from dae.ui.imagine import subject
from dae.ui.imagine.frames import Sampling, Summary, render_sampling, to_uint8
from dae.ui.imagine.streams import Sampler
from dae.utils import text
from dae.viz.images import hstack, to_png

NUM_ANSWERS = 8
NUM_STEPS = 30


class Readings(NamedTuple):
    """Readings of images, and the fraction of held-out images that are read correctly."""

    readings: tuple[str, ...]
    accuracy: float

    @property
    def footnote(self) -> str:
        """A description of the method."""
        return (
            "Each image reads as the digit of the most similar training image, which is right for "
            f"{self.accuracy:.0%} of {NUM_CALIBRATION_IMAGES} held-out images; without a similar one it reads as "
            f"{UNREADABLE}."
        )


def render_answers(name: str, title: str, key: tuple[object, ...], sample: Callable[[], Iterator[Frame]]) -> None:
    """Draw the images of a sampler while they are computed, then what they read as.

    Args:
        name: identifies the sampling on the page.
        title: of the row of images.
        key: hashable values that determine the images.
        sample: starts the sampler.
    """
    train, validation = subject.load_training_digits()

    render_sampling(
        Sampling(
            name=name,
            key=(name, *key),
            create=lambda: read_at_the_end(sample(), train, validation),
            num_frames=NUM_STEPS + 1,
            titles=(title,),
            alt=f"{NUM_ANSWERS} answers of the model, step by step",
            summarize=_summarize,
        )
    )


def _summarize(result: Readings) -> Summary:
    captions = tuple(f"reads as {reading}" for reading in result.readings)
    footnote = f"{result.footnote} How often an answer occurs is not its probability."
    return Summary(describe_readings(result.readings), captions, footnote)


def read_at_the_end(frames: Iterator[Frame], train: ImageSet, validation: ImageSet) -> Sampler:
    """Yield the frames as uint8 images, and return the readings of the last one."""
    images = torch.empty(0)
    for frame in frames:
        images = frame.images
        yield to_uint8(frame)
    nearest = subject.nearest_images(train, validation)
    return Readings(tuple(nearest.read(images)), nearest.accuracy)


def render_strip(title: str, images: list[Tensor], captions: tuple[str, ...], key: str) -> None:
    """Draw images (1, C, H, W) side by side, with a text under each."""
    frame_slider(
        [SpriteRow(title[:1].upper() + title[1:], to_png(hstack(torch.cat(images))), numbers=(captions,))],
        columns=len(images),
        key=f"{key}_strip",
        alt=f"{title}: {text.join_words(captions)}",
    )
