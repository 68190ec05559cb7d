"""Test what models read: the questions of a game, the share of right readings, and drawings."""

import pytest
import torch
from PIL import Image

from dae.data import ImageSet, load_dataset
from dae.data.uploads import normalize_digit
from dae.imagination import NearestImages
from dae.ui.room import readings
from dae.ui.room.readings import Contestant
from dae.ui.room.wall import NUM_BYTES, SIDE, Drawing


@pytest.fixture
def digits() -> ImageSet:
    return load_dataset("digits", "test", limit=40)


@pytest.fixture
def nearest(digits: ImageSet) -> NearestImages:
    """Return a reader whose training images are the test digits, so that it reads a perfect output correctly."""
    return NearestImages(digits, load_dataset("digits", "validation", limit=40))


def test_questions_are_determined_by_the_seed_and_the_noise_levels(digits: ImageSet, nearest: NearestImages) -> None:
    contestant = Contestant("Identity", "#123456", lambda noisy: noisy.clamp(0, 1))
    first, again, other = (
        readings.make_questions(digits, [contestant], nearest, (2.0, 0.1), seed) for seed in (1, 1, 2)
    )
    assert first == again and first != other
    assert [question.level for question in first] == [2.0, 0.1]
    assert first[0].digit != first[1].digit and first[1].readings[0].text == str(first[1].digit)
    assert first[0].readings[0].image == first[0].noisy != first[0].clean


def test_questions_need_no_model(digits: ImageSet, nearest: NearestImages) -> None:
    (question,) = readings.make_questions(digits, [], nearest, (1.0,), 1)
    assert question.readings == ()


def test_the_share_of_right_readings_is_1_for_a_perfect_model_and_0_for_a_black_output(
    digits: ImageSet, nearest: NearestImages
) -> None:
    perfect = Contestant(
        "Perfect", "#123456", lambda noisy: digits.to_float().repeat(len(noisy) // len(digits), 1, 1, 1)
    )
    black = Contestant("Black", "#654321", torch.zeros_like)
    shares = readings.measure_shares(digits, [perfect, black], nearest, (1.0, 2.0), 0)
    assert shares["Perfect"].by_level == {1.0: 1.0, 2.0: 1.0} and shares["Black"].by_level == {1.0: 0.0, 2.0: 0.0}
    assert readings.measure_shares(digits, [], nearest, (1.0,), 0) == {}


@pytest.mark.parametrize("index", range(3))
def test_a_drawing_of_a_test_digit_is_read_as_its_class(index: int, digits: ImageSet, nearest: NearestImages) -> None:
    image = Image.fromarray(digits.images[index, 0].numpy()).resize((SIDE, SIDE))
    clean = Contestant("Clean", "#123456", lambda noisy: normalize_digit(image).expand(len(noisy), -1, -1, -1))
    results = readings.read_drawings([Drawing(1, image.tobytes())], clean, nearest)
    assert results[1].reading == digits.classes[int(digits.labels[index])]


def test_every_drawing_has_a_result(nearest: NearestImages) -> None:
    pixels = torch.zeros(SIDE, SIDE, dtype=torch.uint8)
    pixels[10:70, 40:48] = 255
    one = Drawing(7, pixels.numpy().tobytes())
    identity = Contestant("Identity", "#123456", lambda noisy: noisy.clamp(0, 1))
    results = readings.read_drawings([one, Drawing(8, bytes(NUM_BYTES))], identity, nearest)
    assert set(results) == {7, 8} and results[7].noisy == results[7].denoised
    assert readings.read_drawings([], identity, nearest) == {}
