"""Summarize evaluation results: a table, ranking sentences and crossover sentences."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dae.evaluation.benchmark import ci95_half_width, counted_psnr_db, psnr_gain
from dae.evaluation.denoisers import IDENTITY
from dae.evaluation.metrics import CHANGED
from dae.utils.text import join_words

FORMATS = {"psnr_db": "{:.2f}", "gain_db": "{:+.2f}", "ssim": "{:.4f}", "mse": "{:.5f}", "l2": "{:.3f}"}
HEADINGS = {
    "label": "Model",
    "psnr_db": "PSNR (dB)",
    "gain_db": "Gain (dB)",
    "ssim": "SSIM",
    "mse": "MSE",
    "l2": "L2 distance",
    "ms_batch": "ms/image (batch)",
    "ms_one": "ms/image (single)",
    "parameters": "Parameters",
    "curve": "Validation curve",
    "training_s": "Training time (s)",
    "kilobytes": "Size (kB)",
    "family": "Family",
    "run": "Run",
}
LOWER_IS_BETTER = ("mse", "l2")
# Format specifications of the other columns, for documents.
_PLAIN_FORMATS = {"parameters": ",.0f", "kilobytes": ",.0f", "training_s": ",.0f", "ms_one": ".3g", "ms_batch": ".3g"}
# The families whose best models are compared with each other.
_RIVALS = ("linear", "convolutional")


@dataclass(frozen=True)
class DenoiserInfo:
    """Facts about a denoiser besides its metrics; None if unknown or not applicable.

    Attributes:
        label: display name.
        family: of the model; "classical" for a filter and "noisy input" for the noisy input.
        ms_one: latency of a single image in milliseconds.
        ms_batch: latency per image in a batch of 256.
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


def summary_table(rows: Sequence[Mapping[str, Any]], infos: Mapping[str, DenoiserInfo]) -> pd.DataFrame:
    """Join rows of `summary_row` with the infos of their runs: one line per denoiser, numbers in full precision."""
    table = pd.DataFrame([{**row, **vars(infos[row["run"]])} for row in rows])
    return table[[*HEADINGS, *(name for name in table if name not in HEADINGS)]]


def best_value(column: pd.Series) -> float:
    """Return the best value of a metric's column; NaN is never the best."""
    return float(column.min() if column.name in LOWER_IS_BETTER else column.max())


def format_with_interval(row: Mapping[Any, Any], metric: str, suffix: str = "_95") -> str:
    """Format a mean with its uncertainty, for example "20.41 ± 0.05".

    Args:
        suffix: of the column with the uncertainty: "_95" for the confidence interval, "_sd" for the standard deviation.
    """
    value, interval = row[metric], row[f"{metric}{suffix}"]
    if not math.isfinite(value):
        return "–" if math.isnan(value) else "same"
    text = FORMATS[metric].format(value)
    if math.isnan(interval) or not interval:
        return text
    decimals = len(text.partition(".")[2])
    # Add decimals until the interval has a significant digit.
    if not round(interval, decimals):
        needed = -math.floor(math.log10(interval))
        text, decimals = FORMATS[metric].replace(f".{decimals}f", f".{needed}f").format(value), needed
    return f"{text} ± {interval:.{decimals}f}"


def to_text_table(table: pd.DataFrame) -> pd.DataFrame:
    """Format a summary table for a document: headings, units and intervals, without the validation curves."""
    columns = {}
    for name, heading in HEADINGS.items():
        if name in FORMATS:
            columns[heading] = [format_with_interval(row, name) for row in table.to_dict("records")]
        elif name in _PLAIN_FORMATS:
            columns[heading] = ["–" if pd.isna(value) else format(value, _PLAIN_FORMATS[name]) for value in table[name]]
        elif name != "curve":
            columns[heading] = list(table[name])
    return pd.DataFrame(columns)


def ranking_sentences(scores: Mapping[str, pd.DataFrame], infos: Mapping[str, DenoiserInfo]) -> Iterator[str]:
    """Yield sentences on the best denoiser, its lead and its cost; a lead within its 95% interval is a tie.

    Args:
        scores: results of `per_image_metrics` on the same images and noise, by name; IDENTITY is among them.
    """
    if not scores[IDENTITY][CHANGED].any():
        yield "Without noise there is nothing to gain."
        return
    psnr_db = {name: float(counted_psnr_db(frame).mean(skipna=False)) for name, frame in scores.items()}
    invalid = [name for name in psnr_db if math.isnan(psnr_db[name])]
    ranked = sorted((name for name in psnr_db if name not in invalid), key=lambda name: -psnr_db[name])
    if len(scores) == 1:
        others = "The others are not measured yet." if len(infos) > 1 else "Choose a model to compare."
        yield f"Leaving the image alone gives {psnr_db[IDENTITY]:.1f} dB. {others}"
        return
    first, second = [*ranked, ""][:2]
    if second:
        yield _compare_pair(first, second, scores, infos)
    best = {family: next((name for name in ranked if infos[name].family == family), "") for family in _RIVALS}
    rivals = sorted(filter(None, best.values()), key=ranked.index)
    if len(rivals) == 2 and rivals != [first, second]:
        yield _compare_pair(rivals[0], rivals[1], scores, infos)
    filters = [name for name in ranked if infos[name].family == "classical"]
    if first != IDENTITY and filters and filters[0] not in (first, second) and math.isfinite(psnr_db[first]):
        behind = _format_gain(psnr_db[first] - psnr_db[filters[0]])
        yield f"The best classical filter ({infos[filters[0]].label}) is {behind} dB behind."
    if invalid:
        yield f"The output of {join_words([infos[name].label for name in invalid])} contains NaN, so it ranks last."


def _compare_pair(
    first: str, second: str, scores: Mapping[str, pd.DataFrame], infos: Mapping[str, DenoiserInfo]
) -> str:
    """Return a sentence on the lead of `first` over `second`, by the paired differences of their PSNRs."""
    gains = psnr_gain(scores[first], scores[second])
    lead, interval = float(gains.mean()), ci95_half_width(gains)
    labels = [infos[name].label for name in (first, second) if name != IDENTITY]
    pair = " and ".join([*labels, "the noisy input"][:2])
    if len(gains) < 2:
        return f"Too few images to compare {pair}."
    if math.isnan(interval):
        return f"{pair} cannot be compared: an image is restored exactly."
    if not lead > interval:
        return f"{pair} are tied ({lead:.2f} ± {interval:.2f} dB)."
    if first == IDENTITY:
        return f"Here, leaving the image alone is best; even {labels[0]} makes it {_format_gain(lead)} dB worse."
    if second == IDENTITY:
        return f"{labels[0]} makes the images {_format_gain(lead)} dB clearer."
    costs = join_words(list(_relative_costs(infos[first], infos[second])))
    return f"{labels[0]} beats {labels[1]} by {_format_gain(lead)} dB{costs and f', with {costs}'}."


def _format_gain(gain_db: float) -> str:
    return f"{gain_db:.1f}" if gain_db >= 0.1 else f"{gain_db:.2f}"


def _relative_costs(info: DenoiserInfo, other: DenoiserInfo) -> Iterator[str]:
    """Yield relative size and latency: "56% of the parameters", "about 20× the time per image"."""
    if info.parameters and other.parameters:
        ratio = info.parameters / other.parameters
        yield "about as many parameters" if 0.95 < ratio < 1.05 else f"{_format_ratio(ratio)} the parameters"
    if info.ms_batch and other.ms_batch:
        ratio = info.ms_batch / other.ms_batch
        if 0.95 < ratio < 1.05:
            yield "about the same time per image"
        elif ratio > 1 / 1.5:
            yield f"{_format_ratio(ratio)} the time per image"
        else:
            yield f"{_format_ratio(1 / ratio)} faster inference"


def _format_ratio(ratio: float) -> str:
    """Return "56% of", "1.7×" or "8×"; from 10 on in tens, "about 20×", as times vary with the load of the machine."""
    if ratio >= 10:
        return f"about {round(ratio, -1):.0f}×"
    return f"{ratio:.0%} of" if ratio < 1.5 else f"{ratio:.{int(ratio < 2)}f}×"


def crossover_sentences(curves: pd.DataFrame, infos: Mapping[str, DenoiserInfo]) -> Iterator[str]:
    """Yield sentences on the noise levels at which the order of two denoisers changes.

    Args:
        curves: rows of `summary_row` at several levels, with run, level, psnr_db and psnr_db_95; IDENTITY is among the
            runs.
    """
    # 0 dB, the worst PSNR of images in [0, 1], ranks NaN last.
    valid = curves["psnr_db"].notna()
    curves = curves.assign(psnr_db=curves["psnr_db"].fillna(0), psnr_db_95=curves["psnr_db_95"].where(valid, 0))
    psnr_db, interval = (
        curves.pivot_table(index="level", columns="run", values=values, sort=True, dropna=False)
        for values in ("psnr_db", "psnr_db_95")
    )

    def crossovers(one: str, other: str) -> tuple[list[float], bool]:
        margin = (interval[one] ** 2 + interval[other] ** 2) ** 0.5
        return _crossovers(psnr_db[one] - psnr_db[other], margin)

    models = [str(name) for name in psnr_db if name != IDENTITY and infos[str(name)].family != "classical"]
    for name in models:
        if (psnr_db[name] < psnr_db[IDENTITY]).all():
            yield f"{infos[name].label} never helps with this noise."
        levels, starts_ahead = crossovers(IDENTITY, name)
        if levels:
            yield f"{_format_ranges(levels, starts_ahead)}, leaving the image alone beats {infos[name].label}."
    for one, other in itertools.combinations(models, 2):
        if {infos[one].family, infos[other].family} == set(_RIVALS):
            levels, starts_ahead = crossovers(one, other)
            if levels:
                winner, loser = (other, one) if starts_ahead else (one, other)
                yield f"{_format_ranges(levels, False)}, {infos[winner].label} beats {infos[loser].label}."


def _crossovers(lead: pd.Series, margin: pd.Series) -> tuple[list[float], bool]:
    """Return the levels at which a lead changes its sign, and whether it is positive at the lowest level.

    Only levels whose lead exceeds its margin count; the line between two of them is straight.
    """
    certain = lead[lead.abs() > margin]
    levels, leads = certain.index.to_numpy(dtype=float), certain.to_numpy()
    before = np.flatnonzero(leads[:-1] * leads[1:] < 0)
    after = before + 1
    share = leads[before] / (leads[before] - leads[after])
    return (levels[before] + share * (levels[after] - levels[before])).tolist(), bool((leads[:1] > 0).any())


def _format_ranges(crossovers: Sequence[float], starts_inside: bool) -> str:
    """Return the ranges of levels between crossovers: "Between noise levels 0.64 and 0.86".

    Args:
        starts_inside: whether the first range begins below the first crossover.
    """
    edges = [*([-math.inf] if starts_inside else []), *crossovers, math.inf]
    ranges = []
    for low, high in zip(edges[::2], edges[1::2], strict=False):
        if low == -math.inf:
            ranges.append(f"below noise level {high:.2g}")
        elif high == math.inf:
            ranges.append(f"above noise level {low:.2g}")
        else:
            ranges.append(f"between noise levels {low:.2g} and {high:.2g}")
    phrase = join_words(ranges)
    return phrase[0].upper() + phrase[1:]
