"""The measurements that Compare shows, collected from the cache."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from dae.evaluation import IDENTITY, DenoiserInfo, ranking_sentences, summary_row, summary_table
from dae.ui import measuring
from dae.ui.compare.selection import Selection
from dae.utils.text import join_words


@dataclass(frozen=True)
class Comparison:
    """Measurements of a selection, as far as they are done.

    Attributes:
        scores: per-image metrics by name of the denoiser, averaged over noise draws; those of the noisy input among
            them.
        shown_scores: the same under the first noise draw alone, which is that of the images on the page.
        infos: facts about every selected denoiser, by name.
        table: one row per measured denoiser, see `summary_table`.
        sentences: the ranking, headline first.
        draws: number of noise draws.
        is_complete: whether every selected denoiser is measured.
    """

    scores: Mapping[str, pd.DataFrame]
    shown_scores: Mapping[str, pd.DataFrame]
    infos: Mapping[str, DenoiserInfo]
    table: pd.DataFrame
    sentences: tuple[str, ...]
    draws: int
    is_complete: bool


def compute(selection: Selection) -> Comparison | None:
    """Collect the measurements of a selection so far; None until the noisy input is measured.

    All denoisers are averaged over the same noise draws: those under which all of them are measured, else the first.
    """
    for draws in range(measuring.NUM_DRAWS, 0, -1):
        scores = _scores(selection, draws)
        if len(scores) == len(selection.options):
            break
    if IDENTITY not in scores:
        return None
    rows = [
        summary_row(
            measuring.denoiser_for(option, selection.dataset),
            selection.images.name,
            selection.noise,
            scores[option.name],
            scores[IDENTITY],
            draws,
        )
        for option in selection.options
        if option.name in scores
    ]
    infos = {
        option.name: measuring.denoiser_info(option, selection.dataset, selection.noise) for option in selection.options
    }
    return Comparison(
        scores,
        scores if draws == 1 else _scores(selection, 1),
        infos,
        summary_table(rows, infos),
        (*ranking_sentences(scores, infos), *untrained_sentence(selection)),
        draws,
        len(scores) == len(selection.options),
    )


def untrained_sentence(selection: Selection) -> list[str]:
    """Return a sentence that names the models which were not trained on this kind of noise, if there are any."""
    untrained = [option.label for option in selection.models if not option.noise.component(selection.noise.kind)]
    if not untrained:
        return []
    if len(untrained) == len(selection.models) > 1:
        return ["None of these models was trained on this kind of noise."]
    return [f"{join_words(untrained)} {'was' if len(untrained) == 1 else 'were'} not trained on this kind of noise."]


def _scores(selection: Selection, draws: int) -> dict[str, pd.DataFrame]:
    """Return the per-image metrics, averaged over noise draws, of every denoiser that is measured under all of them."""
    scores = {
        option.name: measuring.average_metrics(option, selection.dataset, selection.limit, selection.noise, draws)
        for option in selection.options
    }
    return {name: metrics for name, metrics in scores.items() if metrics is not None}
