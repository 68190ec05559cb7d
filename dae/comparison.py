"""From measurements to conclusions: a table to read, who is best in words, and where the order turns round."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dae import words
from dae.contenders import NOISY
from dae.evaluation import CHANGED, gains_db, half_width

FORMATS = {"psnr_db": "{:.2f}", "gain_db": "{:+.2f}", "ssim": "{:.4f}", "mse": "{:.5f}", "l2": "{:.3f}"}
HEADINGS = {
    "label": "Model",
    "psnr_db": "PSNR, dB",
    "gain_db": "Gain, dB",
    "ssim": "SSIM",
    "mse": "MSE",
    "l2": "L2 distance",
    "ms_batch": "ms, of 256",
    "ms_one": "ms, alone",
    "parameters": "Parameters",
    "curve": "Learning",
    "training_s": "Training, s",
    "kilobytes": "Size, kB",
    "family": "Family",
    "run": "Run",
}
LOWER_IS_BETTER = ("mse", "l2")
_RIVALS = ("linear", "convolutional")  # families


@dataclass(frozen=True)
class About:
    """What is known of a contender besides its measurements; None where it has no such thing.

    Attributes:
        label: for people.
        family: "linear", "convolutional", "modern", "classical" or "nothing".
        ms_one: milliseconds for one image alone; `ms_batch` an image in a batch of 256.
        curve: validation MSE after each epoch.
    """

    label: str
    family: str
    parameters: int | None = None
    kilobytes: float | None = None
    training_s: float | None = None
    ms_one: float | None = None
    ms_batch: float | None = None
    curve: tuple[float, ...] = ()


def table(rows: Sequence[Mapping[str, Any]], about: Mapping[str, About]) -> pd.DataFrame:
    """One line a contender: rows of `evaluation.row`, and what is known besides; numbers in full precision."""
    lines = [{"label": about[row["run"]].label, **row, **vars(about[row["run"]])} for row in rows]
    whole = pd.DataFrame(lines)
    return whole[[*HEADINGS, *(name for name in whole if name not in HEADINGS)]]


def best(column: pd.Series) -> float:
    """The best number of a metric's column."""
    return float(column.min() if column.name in LOWER_IS_BETTER else column.max())


def in_words(line: Mapping[Any, Any], metric: str, aside: str = "_95") -> str:
    """A mean with half its 95 % interval: "20.41 ± 0.05"; or with its standard deviation where `aside` is "_sd"."""
    value, interval = line[metric], line[f"{metric}{aside}"]
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "same"
    usual = FORMATS[metric]
    text = usual.format(value)
    if math.isnan(interval) or not interval:
        return text
    decimals = len(text.partition(".")[2])
    if not round(interval, decimals):  # more of both, until the interval has a digit
        needed = -math.floor(math.log10(interval))
        text, decimals = usual.replace(f".{decimals}f", f".{needed}f").format(value), needed
    return f"{text} ± {interval:.{decimals}f}"


def readable(measured: pd.DataFrame) -> pd.DataFrame:
    """The table as text, for a document: headings, units, intervals; without the curves."""
    plain = {"parameters": ",.0f", "kilobytes": ",.0f", "training_s": ",.0f", "ms_one": ".3g", "ms_batch": ".3g"}
    columns = {}
    for name, heading in HEADINGS.items():
        if name in FORMATS:
            columns[heading] = [in_words(line, name) for line in measured.to_dict("records")]
        elif name in plain:
            columns[heading] = ["–" if pd.isna(value) else format(value, plain[name]) for value in measured[name]]
        elif name != "curve":
            columns[heading] = list(measured[name])
    return pd.DataFrame(columns)


def verdict(scores: Mapping[str, pd.DataFrame], about: Mapping[str, About]) -> Iterator[str]:
    """Sentences that say who is best, by how much and at what cost; computed, and sure by the paired 95 % interval.

    Args:
        scores: by contender, what `measure` gives on the same images and noise; NOISY is among them.
    """
    noisy = scores[NOISY]
    if not noisy[CHANGED].any():
        yield "Without noise doing nothing is perfect, and everybody else can only lose."
        return
    ranked = sorted(scores, key=lambda name: -_psnr_db(scores[name]))
    first, second = (ranked + [NOISY])[:2]
    if len(ranked) == 1:
        others = "The others are not measured yet." if len(about) > 1 else "Choose a model to compare it with."
        yield f"Doing nothing gives {_psnr_db(noisy):.1f} dB. {others}"
        return
    if first == NOISY:
        lost = _psnr_db(noisy) - _psnr_db(scores[second])
        yield f"At this noise doing nothing is best: even {about[second].label} makes it worse by {lost:.1f} dB."
    else:
        yield _against(first, second, scores, about)
    families = {family: next((name for name in ranked if about[name].family == family), "") for family in _RIVALS}
    rivals = sorted(filter(None, families.values()), key=ranked.index)
    if len(rivals) == 2 and rivals != [first, second]:
        yield _against(rivals[0], rivals[1], scores, about)
    filters = [name for name in ranked if about[name].family == "classical"]
    if first != NOISY and filters and filters[0] not in (first, second):
        behind = _psnr_db(scores[first]) - _psnr_db(scores[filters[0]])
        yield f"The best filter that has learnt nothing, {about[filters[0]].label}, is {_lead(behind)} dB behind."


def _psnr_db(scores: pd.DataFrame) -> float:
    return float(scores["psnr_db"][scores[CHANGED]].mean())


def _against(first: str, second: str, scores: Mapping[str, pd.DataFrame], about: Mapping[str, About]) -> str:
    gains = gains_db(scores[first], scores[second])
    lead, sure = float(gains.mean()), half_width(gains)
    ours, theirs = about[first], about[second]
    if second == NOISY:
        return f"{ours.label} makes the pictures clearer by {lead:.1f} dB."
    if math.isnan(sure):
        return f"{len(gains)} picture cannot tell {ours.label} from {theirs.label}."
    if not lead > sure:
        apart = f"{lead:.2f} ± {sure:.2f} dB apart on {len(gains):,} pictures"
        return f"{ours.label} and {theirs.label} are level: {apart}."
    facts = [f"is {_lead(lead)} dB clearer than {theirs.label}", *_cost(ours, theirs)]
    return f"{ours.label} {words.listing(facts)}."


def _lead(lead_db: float) -> str:
    return f"{lead_db:.1f}" if lead_db >= 0.1 else f"{lead_db:.2f}"


def _cost(ours: About, theirs: About) -> Iterator[str]:
    """What the better one costs beside the other: "has 56% of its parameters", "takes about 9 times as long"."""
    if ours.parameters and theirs.parameters:
        ratio = ours.parameters / theirs.parameters
        yield "has as many parameters" if _level(ratio) else f"has {_times(ratio, 'of')} its parameters"
    if ours.ms_batch and theirs.ms_batch:
        ratio = ours.ms_batch / theirs.ms_batch
        yield "takes as long" if _level(ratio) else f"takes {_times(ratio, 'of its time', 'as long')}"


def _level(ratio: float) -> bool:
    return 0.95 < ratio < 1.05


def _times(ratio: float, of: str, longer: str = "") -> str:
    """ "56% of", "1.7 times" or "about 9 times"; each with what follows it."""
    if ratio < 1.5:
        return f"{ratio:.0%} {of}"
    return f"{ratio:.1f} times {longer}".strip() if ratio < 2 else f"about {ratio:.0f} times {longer}".strip()


def turning_points(curves: pd.DataFrame, about: Mapping[str, About]) -> Iterator[str]:
    """Where the order of two contenders changes with the level of the noise, in sentences.

    Args:
        curves: rows of `evaluation.row` at several levels: run, level, psnr_db, psnr_db_95; NOISY is among the runs.
    """
    lines, sure = (
        curves.pivot_table(index="level", columns="run", values=values, sort=True, dropna=False)
        for values in ("psnr_db", "psnr_db_95")
    )

    def crossings(one: str, other: str) -> Iterator[tuple[float, bool]]:
        margin = (sure[one] ** 2 + sure[other] ** 2) ** 0.5
        return _crossings(lines[one] - lines[other], margin)

    learnt = [str(name) for name in lines if name != NOISY and about[str(name)].family != "classical"]
    for name in learnt:
        label = about[name].label
        if (lines[name] < lines[NOISY]).all():
            yield f"{label} never helps with this noise."
        for level, rising in crossings(name, NOISY):
            side = "Below" if rising else "Above"
            yield f"{side} {level:.2g} doing nothing is better than {label}."
    for one, other in itertools.combinations(learnt, 2):
        if {about[one].family, about[other].family} == set(_RIVALS):
            for level, rising in crossings(one, other):
                ahead, behind = (one, other) if rising else (other, one)
                yield f"Above {level:.2g} {about[ahead].label} overtakes {about[behind].label}."


def _crossings(lead: pd.Series, margin: pd.Series) -> Iterator[tuple[float, bool]]:
    """Levels at which a lead changes its sign, by straight lines between the measured ones, and whether it rises.

    Only those count that have a lead beyond its margin on both sides.
    """
    known = lead.dropna()
    places, leads = [float(str(level)) for level in known.index], known.to_numpy()
    certain = np.abs(leads) > margin[known.index].to_numpy()
    for low, high in itertools.pairwise(range(len(leads))):
        before, after = leads[low], leads[high]
        if before * after < 0 and certain[:high].any() and certain[high:].any():
            yield places[low] + (places[high] - places[low]) * before / (before - after), after > 0
