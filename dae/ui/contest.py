"""What Compare measures: contenders, the jobs that are still to do, and their doing, a step at a time."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dae import contenders
from dae.classical import TUNING_IMAGES
from dae.comparison import About
from dae.contenders import NOISY, Contender
from dae.evaluation import OnShare, milliseconds, noisy_blocks
from dae.measured import Measurements
from dae.models import count_parameters
from dae.noise import NoiseSpec
from dae.runs import find_run
from dae.ui import shared
from dae.ui.shared import Choice

SEED = 0
_BATCH = 256
_DRAW_EVERY_S = 0.25  # drawing a table costs the browser as much as measuring a small model costs the server
_HALTED = "halted"  # in the session: the question whose measuring the user has stopped


@st.cache_resource(show_spinner=False, max_entries=12)
def measurements(dataset: str, limit: int | None) -> Measurements:
    """Of the first test images, shared by all sessions and kept on the disk."""
    return Measurements(shared.images(dataset, "test", limit), SEED)


def contender(choice: Choice, dataset: str) -> Contender:
    """The one whom a choice of the page names."""
    if choice.name == NOISY:
        return contenders.doing_nothing()
    if choice.family == "classical":
        return _filter(choice.name, dataset)
    images = shared.images(dataset, "test")
    checkpoint = shared.checkpoint(choice.name)
    return contenders.trained(choice.name, checkpoint, images, weights_key(choice.name, shared.version(choice.name)))


@st.cache_resource(show_spinner=False, max_entries=64)
def _filter(name: str, dataset: str) -> Contender:
    return contenders.classical(name, shared.images(dataset, "train", TUNING_IMAGES))


@st.cache_data(show_spinner=False, max_entries=256)
def weights_key(name: str, version: int) -> str:
    """What the weights are; `version` is part of the key alone."""
    return hashlib.sha256(find_run(name).model_path.read_bytes()).hexdigest()


@st.cache_resource(show_spinner=False)
def _timings() -> dict[tuple[str, ...], tuple[float, float]]:
    """Milliseconds an image alone and in a batch, by `_timed`."""
    return {}


def _timed(choice: Choice, dataset: str, noise: NoiseSpec) -> tuple[str, ...]:
    """What a time depends on: a filter's also on its strength, and so on the noise."""
    return contender(choice, dataset).key, dataset, str(noise) if choice.family == "classical" else ""


def about(choice: Choice, dataset: str, noise: NoiseSpec) -> About:
    """What stands beside a contender's measurements."""
    alone, batch = _timings().get(_timed(choice, dataset, noise), (None, None))
    if choice.family in ("classical", "nothing"):
        return About(choice.label, choice.family, ms_one=alone, ms_batch=batch)
    run = find_run(choice.name)
    lines = run.progress()
    return About(
        choice.label,
        choice.family,
        parameters=count_parameters(shared.checkpoint(choice.name).model),
        kilobytes=run.model_path.stat().st_size / 1_000,
        training_s=lines[-1]["seconds"] if lines else None,
        ms_one=alone,
        ms_batch=batch,
        curve=tuple(line["scores"]["mse"] for line in lines if line.get("scores")),
    )


@dataclass(frozen=True)
class Job:
    """Something to measure, as long as it takes to draw the table once more."""

    words: str
    is_done: Callable[[], bool]
    do: Callable[[OnShare], object]


def measuring(choices: Sequence[Choice], dataset: str, limit: int | None, noises: Sequence[NoiseSpec]) -> list[Job]:
    """The measuring of every choice under every noise."""
    kept = measurements(dataset, limit)

    def job(choice: Choice, noise: NoiseSpec) -> Job:
        who = contender(choice, dataset)
        return Job(
            f"{choice.label}, {noise}",
            lambda: kept.kept(who, noise) is not None,
            lambda on_share: kept.measure(who, noise, on_share),
        )

    return [job(choice, noise) for noise in noises for choice in choices]


def timing(choices: Sequence[Choice], dataset: str, noise: NoiseSpec) -> list[Job]:
    """How long each choice takes for an image; nothing while this server trains, which would be timed too."""
    if shared.lab().jobs():
        return []

    def job(choice: Choice) -> Job:
        who = contender(choice, dataset)
        place = _timed(choice, dataset, noise)

        def do(on_share: OnShare) -> None:
            if shared.lab().jobs():  # begun meanwhile
                return
            _, noisy = next(noisy_blocks(shared.images(dataset, "test", _BATCH), noise, SEED))
            denoiser = who.denoiser(noise)
            _timings()[place] = milliseconds(denoiser, noisy[:1]), milliseconds(denoiser, noisy)

        return Job(f"the time of {choice.label}", lambda: place in _timings() or bool(shared.lab().jobs()), do)

    return [job(choice) for choice in choices if choice.name != NOISY]


def work(jobs: Sequence[Job], slot: DeltaGenerator, question: str, key: str, after: Callable[[], object]) -> bool:
    """Do what is not done yet, with a bar and a button to stop; whether all of it is done.

    Args:
        slot: empty, for the bar; it is empty again afterwards.
        question: what the page asks; once stopped, it waits until the user goes on or asks something else.
        after: called before the first job, every so often when one is done and after the last, to draw what is known;
            not where nothing is left.
    """
    left = [job for job in jobs if not job.is_done()]
    if not left:
        return True
    with slot.container(horizontal=True, vertical_alignment="center"):
        if st.session_state.get(_HALTED) == question:
            st.markdown(f"Stopped: {len(left)} of {len(jobs)} measurements are missing.")
            st.button("Measure the rest", key=f"{key}_go_on", on_click=lambda: st.session_state.pop(_HALTED, None))
            return False
        bar = st.progress(0.0)
        st.button("Stop", key=f"{key}_stop", on_click=lambda: st.session_state.update({_HALTED: question}))
    after()
    drawn = time.monotonic()
    for done, job in enumerate(left, start=len(jobs) - len(left)):
        _do(job, bar, done / len(jobs), 1 / len(jobs))
        if time.monotonic() - drawn > _DRAW_EVERY_S or job is left[-1]:
            after()
            drawn = time.monotonic()
    slot.empty()
    return True


def _do(job: Job, bar: DeltaGenerator, done: float, part: float) -> None:
    """One job, which is a part of all; its own progress moves the bar."""

    def on_share(share: float) -> None:
        bar.progress(min(done + share * part, 1.0), f"Measuring {job.words} …")

    on_share(0)
    with shared.turn(lambda: bar.progress(done, "Waiting: another page is computing …")):
        job.do(on_share)
