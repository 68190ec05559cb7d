"""Numbers in words that everybody in the room understands."""

import math

# Measured on MNIST by three models and a classifier: whatever the noise, of pictures that end below this a fifth or
# more are read as another digit.
GUESSED_BELOW_DB = 16.0


def gain(gain_db: float, psnr_db: float = math.inf) -> str:
    """How much clearer pictures became: "+7.9 dB, much clearer"; or that this is guesswork.

    Args:
        psnr_db: what a model's pictures ended at; left out where nothing can be made up.
    """
    if not math.isfinite(gain_db):
        return "there is no noise to take away"
    if gain_db >= 1 and is_guessed(psnr_db):
        return f"{gain_db:+.1f} dB, partly guessed"
    for least, words in (
        (6, "much clearer"),
        (3, "clearer"),
        (1, "a little clearer"),
        (-1, "about the same"),
        (-3, "a little worse"),
    ):
        if gain_db >= least:
            return f"{gain_db:+.1f} dB, {words}"
    return f"{gain_db:+.1f} dB, worse"


def is_guessed(psnr_db: float) -> bool:
    """Whether so little is left of the pictures that a model makes some of them up."""
    return psnr_db < GUESSED_BELOW_DB


def decibels(psnr_db: float) -> str:
    """A PSNR to stand under a picture: one decimal, or "same" where the pictures are identical."""
    return "same" if psnr_db == math.inf else f"{psnr_db:.1f}"


def with_decibels(name: str, psnr_db: float) -> str:
    """What stands over a picture: "noisy, 20.3 dB", or that it is the clean one."""
    return f"{name}, same as the clean one" if psnr_db == math.inf else f"{name}, {psnr_db:.1f} dB"


def duration(seconds: float | None) -> str:
    """ "45 s", "3 min 20 s" or "1 h 5 min"; a dash where it is not known yet."""
    if seconds is None:
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def roughly(seconds: float) -> str:
    """An estimate: "some seconds", "about 40 s", "about 7 min" or "about 2 h"."""
    if seconds < 10:
        return "some seconds"
    if seconds < 90:
        return f"about {round(seconds, -1):.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5_400 else f"about {seconds / 3_600:.0f} h"


def listing(names: list[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
