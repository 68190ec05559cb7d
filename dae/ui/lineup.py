"""The same noisy pictures through every contender, side by side, as they were measured."""

import math
from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from dae import pictures, words
from dae.contenders import NOISY
from dae.evaluation import CHANGED, gains_db, noisy_at
from dae.noise import NoiseSpec
from dae.ui import contest, shared
from dae.ui.gallery import may_guess
from dae.ui.shared import Choice
from dae.ui.slider import FrameRow, frame_slider

_EACH = 3  # best, median and worst pictures


@st.cache_data(show_spinner=False, max_entries=128)
def strip(_choice: Choice, name: str, version: int, dataset: str, noise: str, places: tuple[int, ...]) -> bytes:
    """A PNG of what a contender makes of these test images; no name is the clean ones. `version` is for the key."""
    spec = NoiseSpec.parse(noise)
    clean, noisy = noisy_at(shared.images(dataset, "test"), spec, contest.SEED, places)
    denoised = contest.contender(_choice, dataset).denoiser(spec)(noisy) if name else clean
    return pictures.to_png(pictures.strip(denoised))


def lineup(
    choices: Sequence[Choice],
    scores: Mapping[str, pd.DataFrame],
    dataset: str,
    noise: NoiseSpec,
    places: tuple[int, ...],
    key: str,
) -> list[tuple[str, bytes]]:
    """Draw a row a contender, clean first; returns title and PNG of each."""
    nobody = choices[0]
    rows = [FrameRow("Clean", strip(nobody, "", 0, dataset, str(noise), places), words=("what it should find again",))]
    for choice in choices:
        version = 0 if choice.family in ("classical", "nothing") else shared.version(choice.name)
        mine, noisy = (scores[name].iloc[list(places)] for name in (choice.name, NOISY))
        gain = float(gains_db(mine, noisy).mean())
        guesses = may_guess(choice, shared.images(dataset, "test"))
        ends_at = float(mine["psnr_db"][noisy[CHANGED]].mean()) if guesses else math.inf
        rows.append(
            FrameRow(
                "Noisy" if choice.name == NOISY else choice.label,
                strip(choice, choice.name, version, dataset, str(noise), places),
                color="" if choice.name == NOISY else choice.color,
                words=("what everybody is given" if choice.name == NOISY else words.gain(gain, ends_at),),
                numbers=(tuple(map(words.decibels, mine["psnr_db"])),),
            )
        )
    frame_slider(
        rows,
        steps=[f"{noise.level:g}"],
        columns=len(places),
        value=0,
        label="Noise strength",
        key=key,
        alt=f"{len(places)} test pictures with {noise}: {words.listing([row.title for row in rows])}",
        caption="Under each picture its PSNR in dB: higher is closer to the clean picture.",
    )
    return [(row.title, row.sheet) for row in rows]


def extremes(scores: pd.DataFrame) -> tuple[int, ...]:
    """The places of the best, the median and the worst pictures by PSNR, of those that the noise changed."""
    counted = scores["psnr_db"][scores[CHANGED]] if scores[CHANGED].any() else scores["psnr_db"]
    ranked = list(counted.sort_values(ascending=False, kind="stable").index)
    middle = max((len(ranked) - _EACH) // 2, 0)
    return tuple(dict.fromkeys([*ranked[:_EACH], *ranked[middle : middle + _EACH], *ranked[-_EACH:]]))
