"""Words: every number reads as a person would say it."""

import math

import pytest

from dae.words import GUESSED_BELOW_DB, decibels, duration, gain, listing, roughly


@pytest.mark.parametrize(
    ("gain_db", "text"),
    [
        (7.94, "+7.9 dB, much clearer"),
        (6.0, "+6.0 dB, much clearer"),
        (3.0, "+3.0 dB, clearer"),
        (1.0, "+1.0 dB, a little clearer"),
        (0.0, "+0.0 dB, about the same"),
        (-1.0, "-1.0 dB, about the same"),
        (-3.0, "-3.0 dB, a little worse"),
        (-3.1, "-3.1 dB, worse"),
    ],
)
def test_a_gain_is_signed_and_judged(gain_db: float, text: str) -> None:
    assert gain(gain_db) == text


def test_a_larger_gain_never_sounds_worse() -> None:
    ladder = ["worse", "a little worse", "about the same", "a little clearer", "clearer", "much clearer"]
    heard = [ladder.index(gain(tenth / 10).partition(", ")[2]) for tenth in range(-100, 101)]
    assert heard == sorted(heard) and set(heard) == set(range(len(ladder)))


def test_guesswork_is_not_called_clear() -> None:
    assert gain(8.6, GUESSED_BELOW_DB - 0.1) == "+8.6 dB, partly guessed"
    assert gain(8.6, GUESSED_BELOW_DB) == "+8.6 dB, much clearer"
    assert gain(-4, GUESSED_BELOW_DB - 0.1) == "-4.0 dB, worse"


@pytest.mark.parametrize(("psnr_db", "text"), [(20.44, "20.4"), (-1.0, "-1.0"), (math.inf, "same")])
def test_decibels_under_a_picture(psnr_db: float, text: str) -> None:
    assert decibels(psnr_db) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0.2, "0 s"),
        (45, "45 s"),
        (59.6, "1 min 0 s"),
        (200, "3 min 20 s"),
        (3_599.4, "59 min 59 s"),
        (3_900, "1 h 5 min"),
        (90_000, "25 h 0 min"),
    ],
)
def test_a_duration_keeps_its_two_largest_units(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("names", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_a_listing_reads_as_a_sentence(names: list[str], text: str) -> None:
    assert listing(names) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "some seconds"), (38, "about 40 s"), (89, "about 90 s"), (90, "about 2 min"), (5_500, "about 2 h")],
)
def test_an_estimate_is_rough(seconds: float, text: str) -> None:
    assert roughly(seconds) == text
