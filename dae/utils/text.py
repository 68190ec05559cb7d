"""Readable text for decibels, durations and lists."""

import math
from collections.abc import Mapping, Sequence

# Measured on MNIST with three models and a classifier: of denoised images below this
# PSNR, the classifier reads a fifth or more as another digit, for every kind of noise.
HALLUCINATION_BELOW_DB = 16.0


def describe_gain(gain_db: float, psnr_db: float = math.inf) -> str:
    """Return a PSNR gain in words, such as "7.9 dB clearer", "7.9 dB closer, partly invented" or "about the same".

    Args:
        psnr_db: PSNR after denoising by a model; omit it for methods that cannot hallucinate.
    """
    if math.isnan(psnr_db):
        return "not a number"
    if not math.isfinite(gain_db):
        return "no noise added"
    if gain_db >= 1 and is_hallucinated(psnr_db):
        return f"{gain_db:.1f} dB closer, partly invented"
    if abs(gain_db) < 0.05:
        return "about the same"
    return f"{abs(gain_db):.1f} dB {'clearer' if gain_db > 0 else 'worse'}"


def is_hallucinated(psnr_db: float) -> bool:
    """Return whether a denoised image with this PSNR probably contains parts that the model invented."""
    return psnr_db < HALLUCINATION_BELOW_DB


def format_db(psnr_db: float, unit: str = "") -> str:
    """Return a PSNR with one decimal and a unit, or "same" for identical images."""
    return "same" if psnr_db == math.inf else f"{psnr_db:.1f}{unit}"


def label_with_db(name: str, psnr_db: float) -> str:
    """Return a title with a PSNR: "noisy, 20.3 dB"."""
    return f"{name}, same as the clean one" if psnr_db == math.inf else f"{name}, {psnr_db:.1f} dB"


def format_duration(seconds: float | None) -> str:
    """Return a duration in its two largest units: "45 s", "3 min 20 s" or "1 h 5 min"; a dash for None."""
    if seconds is None:
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def approximate_duration(seconds: float) -> str:
    """Return a rounded estimate: "a few seconds", "about 40 s", "about 7 min" or "about 2 h"."""
    if seconds < 10:
        return "a few seconds"
    if seconds < 90:
        return f"about {round(seconds, -1):.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5_400 else f"about {seconds / 3_600:.0f} h"


def join_words(words: Sequence[str]) -> str:
    """Return an enumeration: "a", "a and b" or "a, b and c"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun in the singular or plural: "1 noise draw", "3 noise draws"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def describe_terms(descriptions: Mapping[str, str]) -> str:
    """Return a Markdown list of terms and their descriptions."""
    return "\n".join(f"- **{term}**: {description}" for term, description in descriptions.items())
