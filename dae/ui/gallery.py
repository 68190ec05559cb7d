"""The row of pictures that Explore and the front door drag through: a batch at every noise level, by every model."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import streamlit as st
import torch
from torch import Tensor

from dae import frames, words
from dae.classical import TUNING_IMAGES, classical_denoiser, tuned
from dae.contenders import as_denoiser
from dae.noise import NoiseSpec
from dae.packed import ImageSet
from dae.ui import own, shared
from dae.ui.shared import Choice
from dae.ui.slider import FrameRow, frame_slider

_TUNED_EVERY = 10  # levels


class Batch(NamedTuple):
    """The pictures of a gallery, told so that they can be found again: test images, or one of the user's own.

    Attributes:
        dataset: whose test images, or whose shape the own picture has.
        places: which test images.
        limit: how many test images to open at the most.
        own: float32 pixels (C, H, W) of the user's picture as bytes; empty for test images.
    """

    dataset: str
    places: tuple[int, ...] = (0,)
    limit: int | None = None
    own: bytes = b""

    def images(self) -> ImageSet:
        """The set that the places are of."""
        test = shared.images(self.dataset, "test", self.limit)
        if not self.own:
            return test
        pixels = torch.frombuffer(bytearray(self.own), dtype=torch.float32).view(1, *test.shape)
        own = pixels.mul(255).round().byte()
        return replace(test, name="your picture", images=own, labels=torch.zeros(1, dtype=torch.int64))

    def clean(self) -> Tensor:
        """float32 (B, C, H, W) in [0, 1]."""
        return self.images().clean(list(self.places))


@st.cache_data(show_spinner=False, max_entries=64)
def _sheet(run: str, version: int, batch: Batch, noise: str, seed: int) -> frames.Sheet:
    """One row's sheet; an empty run is doing nothing. `version` is part of the key alone."""
    clean, spec = batch.clean(), NoiseSpec.parse(noise)
    if not run:
        return frames.noisy_sheet(clean, spec, seed)
    return frames.denoised_sheet(clean, spec, seed, as_denoiser(shared.checkpoint(run), batch.images()))


@st.cache_data(show_spinner="Finding the filter's best strengths …", max_entries=16)
def _filter_sheet(name: str, batch: Batch, noise: str, seed: int) -> frames.Sheet:
    """The row of a classical filter, at each level with the strength that is best near it."""
    spec = NoiseSpec.parse(noise)
    train = shared.images(batch.dataset, "train", TUNING_IMAGES)
    best = [tuned(name, train, spec.at(level)) for level in frames.levels(spec)[::_TUNED_EVERY]]

    def denoiser(noisy: Tensor) -> Tensor:
        parts = noisy.split(len(batch.places))  # one a level
        strengths = [best[round(step / _TUNED_EVERY)] for step in range(frames.LEVELS)]
        return torch.cat([classical_denoiser(name, own)(part) for own, part in zip(strengths, parts, strict=True)])

    return frames.denoised_sheet(batch.clean(), spec, seed, denoiser)


def may_guess(run: Choice, images: ImageSet) -> bool:
    """Whether it makes up what it cannot see: models of digits do, filters have nothing to make it of."""
    return run.family not in ("classical", "nothing") and own.takes_digits(images)


def gallery(
    runs: Sequence[Choice],
    batch: Batch,
    noise: NoiseSpec,
    seed: int,
    key: str,
    show_clean: bool = True,
) -> tuple[int, dict[str, frames.Sheet]]:
    """Draw the pictures and the strength to drag.

    Args:
        runs: a row for each, models and classical filters.
        batch: which pictures.
        noise: the kind, and the level to begin with.

    Returns:
        The step of `frames.levels` that the slider stands on, and each row's sheet by run, "noisy" first.

    Raises:
        DaeError: a run or the data set cannot be used.
    """
    spec = str(noise.at(noise.noise.high))  # all levels are drawn: the one asked for is no part of the key
    sheets = {"noisy": _sheet("", 0, batch, spec, seed)}
    for run in runs:
        if run.family == "classical":
            sheets[run.name] = _filter_sheet(run.name, batch, spec, seed)
        else:
            sheets[run.name] = _sheet(run.name, shared.version(run.name), batch, spec, seed)
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
        rows.insert(0, FrameRow("Clean", frames.clean_sheet(batch.clean()), words=("what it should find again",)))
    for run in runs:
        sheet, guesses = sheets[run.name], may_guess(run, batch.images())
        rows.append(
            FrameRow(
                run.label,
                sheet.png,
                color=run.color,
                words=tuple(
                    words.gain(psnr_db - noisy_db, psnr_db if guesses else math.inf)
                    for psnr_db, noisy_db in zip(sheet.mean_psnr_db, base, strict=True)
                ),
                numbers=_numbers(sheet),
            )
        )
    step = frame_slider(
        rows,
        steps=[f"{level:.2f}" for level in frames.levels(noise)],
        columns=len(batch.places),
        value=frames.nearest_step(noise, noise.level),
        label="Noise strength",
        key=key,
        trained=_trained(runs, noise),
        alt=f"{len(batch.places)} pictures with {noise.noise.label} noise and what each model makes of them",
        caption="Under each picture its PSNR in dB: higher is closer to the clean picture. "
        "Beside each name the mean gain over these pictures.",
        play=True,
    )
    return step, sheets


def _numbers(sheet: frames.Sheet) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(map(words.decibels, line)) for line in sheet.psnr_db)


def _trained(runs: Sequence[Choice], noise: NoiseSpec) -> tuple[int, int] | None:
    """The levels that all the runs were trained on, as steps; None where they differ or the kind is another."""
    parts = {run.noise.part(noise.kind) for run in runs if run.family != "classical"}
    if len(parts) != 1 or not (spec := parts.pop()):
        return None
    return frames.nearest_step(noise, spec.low), frames.nearest_step(noise, spec.high)
