"""The row of pictures that Explore and the front door drag through: a batch at every noise level, by every model."""

from collections.abc import Sequence

import streamlit as st

from dae import frames, words
from dae.evaluation import as_denoiser
from dae.noise import NoiseSpec
from dae.ui import shared
from dae.ui.shared import Choice
from dae.ui.slider import FrameRow, frame_slider


@st.cache_data(show_spinner=False, max_entries=64)
def _sheet(
    run: str, version: int, dataset: str, places: tuple[int, ...], limit: int | None, noise: str, seed: int
) -> frames.Sheet:
    """One row's sheet; an empty run is doing nothing. `version` is part of the key alone."""
    image_set = shared.images(dataset, "test", limit)
    clean = image_set.clean(list(places))
    spec = NoiseSpec.parse(noise)
    if not run:
        return frames.noisy_sheet(clean, spec, seed)
    return frames.denoised_sheet(clean, spec, seed, as_denoiser(shared.checkpoint(run), image_set))


def gallery(
    runs: Sequence[Choice],
    dataset: str,
    places: tuple[int, ...],
    noise: NoiseSpec,
    seed: int,
    key: str,
    limit: int | None = None,
    show_clean: bool = True,
    play: bool = False,
) -> tuple[int, dict[str, frames.Sheet]]:
    """Draw the pictures and the strength to drag.

    Args:
        runs: a row for each.
        places: which test images.
        noise: the kind, and the level to begin with.
        limit: how many test images to open at the most.

    Returns:
        The step of `frames.levels` that the slider stands on, and each row's sheet by run, "noisy" first.

    Raises:
        DaeError: a run or the data set cannot be used.
    """
    spec = str(noise.at(noise.noise.high))  # all levels are drawn: the one asked for is no part of the key
    sheets = {"noisy": _sheet("", 0, dataset, places, limit, spec, seed)}
    for run in runs:
        sheets[run.name] = _sheet(run.name, shared.version(run.name), dataset, places, limit, spec, seed)
    steps = range(frames.LEVELS)
    base = sheets["noisy"].mean_psnr_db
    rows = [
        FrameRow(
            "Noisy",
            sheets["noisy"].png,
            words=tuple(f"{noise.noise.label}: what the model is given" for _ in steps),
            numbers=_numbers(sheets["noisy"]),
        )
    ]
    if show_clean:
        clean = shared.images(dataset, "test", limit).clean(list(places))
        rows.insert(0, FrameRow("Clean", frames.clean_sheet(clean), words=("what it should find again",)))
    for run in runs:
        sheet = sheets[run.name]
        rows.append(
            FrameRow(
                run.label,
                sheet.png,
                color=run.color,
                words=tuple(words.gain(sheet.mean_psnr_db[step] - base[step]) for step in steps),
                numbers=_numbers(sheet),
            )
        )
    step = frame_slider(
        rows,
        steps=[f"{level:.2f}" for level in frames.levels(noise)],
        columns=len(places),
        value=frames.nearest_step(noise, noise.level),
        label="Noise strength",
        key=key,
        trained=_trained(runs, noise),
        alt=f"{len(places)} test pictures with {noise.noise.label} noise and what each model makes of them",
        caption="Under each picture its PSNR in dB: higher is closer to the clean picture.",
        play=play,
    )
    return step, sheets


def _numbers(sheet: frames.Sheet) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(map(words.decibels, line)) for line in sheet.psnr_db)


def _trained(runs: Sequence[Choice], noise: NoiseSpec) -> tuple[int, int] | None:
    """The levels that all the runs were trained on, as steps; None where they differ or the kind is another."""
    specs = {run.noise for run in runs}
    if len(specs) != 1 or (spec := specs.pop()).kind != noise.kind:
        return None
    return frames.nearest_step(noise, spec.low), frames.nearest_step(noise, spec.high)
