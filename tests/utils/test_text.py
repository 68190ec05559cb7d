"""Readable text for decibels, durations and lists."""

import math

import pytest

from dae.utils.text import (
    HALLUCINATION_BELOW_DB,
    approximate_duration,
    describe_gain,
    format_db,
    format_duration,
    join_words,
)


@pytest.mark.parametrize(
    ("gain_db", "text"),
    [
        (7.94, "7.9 dB clearer"),
        (0.05, "0.1 dB clearer"),
        (0.0, "about the same"),
        (-0.04, "about the same"),
        (-3.1, "3.1 dB worse"),
        (math.inf, "no noise added"),
        (math.nan, "no noise added"),
    ],
)
def test_describe_gain_names_size_and_direction(gain_db: float, text: str) -> None:
    assert describe_gain(gain_db) == text


def test_larger_gain_never_has_a_worse_verdict() -> None:
    ladder = ["worse", "same", "clearer"]
    verdicts = [ladder.index(describe_gain(tenth / 10).split()[-1]) for tenth in range(-100, 101)]
    assert verdicts == sorted(verdicts) and set(verdicts) == set(range(len(ladder)))


def test_hallucinated_images_are_not_called_clear() -> None:
    assert describe_gain(8.6, HALLUCINATION_BELOW_DB - 0.1) == "8.6 dB closer, partly invented"
    assert describe_gain(8.6, HALLUCINATION_BELOW_DB) == "8.6 dB clearer"
    assert describe_gain(-4, HALLUCINATION_BELOW_DB - 0.1) == "4.0 dB worse"


@pytest.mark.parametrize(("psnr_db", "text"), [(20.44, "20.4"), (-1.0, "-1.0"), (math.inf, "same")])
def test_format_db(psnr_db: float, text: str) -> None:
    assert format_db(psnr_db) == text
    assert format_db(psnr_db, " dB") == (text if text == "same" else f"{text} dB")


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
def test_format_duration_keeps_the_two_largest_units(seconds: float | None, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("words", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_join_words(words: list[str], text: str) -> None:
    assert join_words(words) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "a few seconds"), (38, "about 40 s"), (89, "about 90 s"), (90, "about 2 min"), (5_500, "about 2 h")],
)
def test_approximate_duration_is_rounded(seconds: float, text: str) -> None:
    assert approximate_duration(seconds) == text
