"""Denoisers of the Compare page, and the jobs that measure them step by step."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dae.evaluation import IDENTITY, SHIPPED_RESULTS, DenoiserInfo, MetricsCache, NamedDenoiser, denoisers
from dae.evaluation.benchmark import ProgressCallback, iter_noisy_batches, latency_ms
from dae.evaluation.classical import NUM_TUNING_IMAGES
from dae.evaluation.denoisers import MEMORY
from dae.evaluation.protocols import average_draws
from dae.models import count_parameters
from dae.noise import NoiseSpec
from dae.runs import find_run
from dae.ui import resources
from dae.ui.model_options import ModelOption
from dae.utils.files import fingerprint

# Seed of the first noise draw; the others have the next seeds.
SEED = 0
NUM_DRAWS = 3
_BATCH_SIZE = 256
# Drawing a table costs the browser as much as measuring a small model costs the server.
_UPDATE_INTERVAL_S = 0.25
# Key of the session state: the selection whose measuring the user has stopped.
_STOPPED = "measuring_stopped"


@st.cache_resource(show_spinner=False, max_entries=12)
def metrics_cache(dataset: str, limit: int | None, draw: int = 0) -> MetricsCache:
    """Return the metrics on the first `limit` test images under one noise draw, shared by all sessions and on disk."""
    return MetricsCache(resources.images(dataset, "test", limit), SEED + draw, shipped=SHIPPED_RESULTS)


def denoiser_for(option: ModelOption, dataset: str) -> NamedDenoiser:
    """Return the denoiser of an option.

    Raises:
        DaeError: a model cannot be loaded or does not take images of the data set.
    """
    if option.name == IDENTITY:
        return denoisers.identity_baseline()
    if option.name == MEMORY:
        return denoisers.posterior_mean_baseline(resources.images(dataset, "train"))
    if option.family == "classical":
        return _filter(option.name, dataset)
    images = resources.images(dataset, "test")
    key = weights_key(option.name)
    return denoisers.model_denoiser(option.name, resources.checkpoint(option.name), images, key)


@st.cache_resource(show_spinner=False, max_entries=64)
def _filter(name: str, dataset: str) -> NamedDenoiser:
    return denoisers.filter_denoiser(name, resources.images(dataset, "train", NUM_TUNING_IMAGES))


def weights_key(name: str) -> str:
    """Return a hash of the weights of a run.

    Call this before the weights are loaded. A training may save in between: results of newer weights under the older
    hash are never read again, while results of older weights under the newer hash would stay.
    """
    return _weights_key(name, resources.weights_mtime(name))


@st.cache_data(show_spinner=False, max_entries=256)
def _weights_key(name: str, mtime_ns: int) -> str:
    return fingerprint(find_run(name).model_path.read_bytes())


@st.cache_resource(show_spinner=False)
def _latencies() -> dict[tuple[str, ...], tuple[float, float]]:
    """Return the measured milliseconds per image, alone and in a batch, by `_latency_key`."""
    return {}


def _latency_key(option: ModelOption, dataset: str, noise: NoiseSpec) -> tuple[str, ...]:
    """Return what the latency depends on: for a filter also the noise, which it is tuned for."""
    return denoiser_for(option, dataset).key, dataset, str(noise) if option.family == "classical" else ""


def denoiser_info(option: ModelOption, dataset: str, noise: NoiseSpec) -> DenoiserInfo:
    """Return the facts about an option that the table shows next to its metrics."""
    ms_one, ms_batch = _latencies().get(_latency_key(option, dataset, noise), (None, None))
    if not option.is_model:
        return DenoiserInfo(option.label, option.family, ms_one=ms_one, ms_batch=ms_batch)
    run = find_run(option.name)
    lines = run.progress()
    return DenoiserInfo(
        option.label,
        option.family,
        parameters=count_parameters(resources.checkpoint(option.name).model),
        kilobytes=run.model_path.stat().st_size / 1_000,
        training_s=lines[-1]["seconds"] if lines else None,
        ms_one=ms_one,
        ms_batch=ms_batch,
        curve=tuple(line["scores"]["mse"] for line in lines if line.get("scores")),
    )


@dataclass(frozen=True)
class Job:
    """One measurement: a step of the progress bar."""

    label: str
    is_done: Callable[[], bool]
    run: Callable[[ProgressCallback], object]


def metric_jobs(
    options: Sequence[ModelOption], dataset: str, limit: int | None, noises: Sequence[NoiseSpec], draw: int = 0
) -> list[Job]:
    """Return a job per option and noise that measures the metrics on the first `limit` test images."""
    cache = metrics_cache(dataset, limit, draw)

    def job(option: ModelOption, noise: NoiseSpec) -> Job:
        denoiser = denoiser_for(option, dataset)
        return Job(
            f"{option.label}, {noise.label}" + (f", noise draw {draw + 1} of {NUM_DRAWS}" if draw else ""),
            lambda: cache.get(denoiser, noise) is not None,
            lambda on_progress: cache.compute(denoiser, noise, on_progress),
        )

    return [job(option, noise) for noise in noises for option in options if option.supports(noise)]


def average_metrics(
    option: ModelOption, dataset: str, limit: int | None, noise: NoiseSpec, draws: int
) -> pd.DataFrame | None:
    """Return per-image metrics averaged over the first noise draws; None unless all of them are measured."""
    denoiser = denoiser_for(option, dataset)
    tables = [metrics_cache(dataset, limit, draw).get(denoiser, noise) for draw in range(draws)]
    measured = [table for table in tables if table is not None]
    return average_draws(measured) if len(measured) == draws else None


def latency_jobs(options: Sequence[ModelOption], dataset: str, noise: NoiseSpec) -> list[Job]:
    """Return a job per option that measures its latency; none during a training, which would slow it down."""

    def is_training() -> bool:
        return bool(resources.training_queue().jobs())

    def job(option: ModelOption) -> Job:
        denoiser, key = denoiser_for(option, dataset), _latency_key(option, dataset, noise)

        def run(on_progress: ProgressCallback) -> None:
            if is_training():
                return
            _, noisy = next(iter_noisy_batches(resources.images(dataset, "test", _BATCH_SIZE), noise, SEED))
            denoise = denoiser.for_noise(noise)
            _latencies()[key] = latency_ms(denoise, noisy[:1]), latency_ms(denoise, noisy)

        return Job(f"speed of {option.label}", lambda: key in _latencies() or is_training(), run)

    return [] if is_training() else [job(option) for option in options if option.name != IDENTITY]


def run_jobs(
    jobs: Sequence[Job], placeholder: DeltaGenerator, selection_key: str, key: str, on_update: Callable[[], object]
) -> bool:
    """Run the jobs that are not done, under a progress bar with a button that stops them.

    Args:
        placeholder: `st.empty()` for the bar; empty again afterwards.
        selection_key: identifies the selection; once stopped, its jobs run again only if the user continues.
        key: prefix of the keys of the buttons.
        on_update: called before the first job, every 0.25 s and after the last one; not if all jobs are done.

    Returns:
        Whether all jobs are done.
    """
    remaining = [job for job in jobs if not job.is_done()]
    if not remaining:
        return True
    num_done = len(jobs) - len(remaining)
    with placeholder.container(horizontal=True, vertical_alignment="center"):
        if st.session_state.get(_STOPPED) == selection_key:
            st.markdown(f"Stopped: {num_done} of {len(jobs)} done.")
            st.button("Continue", key=f"{key}_go_on", on_click=lambda: st.session_state.pop(_STOPPED, None))
            return False
        bar = st.progress(0.0)
        st.button("Stop", key=f"{key}_stop", on_click=lambda: st.session_state.update({_STOPPED: selection_key}))
    on_update()
    updated_s = time.monotonic()
    for index, job in enumerate(remaining, start=num_done):
        _run_job(job, bar, index, len(jobs))
        if time.monotonic() - updated_s > _UPDATE_INTERVAL_S or job is remaining[-1]:
            on_update()
            updated_s = time.monotonic()
    placeholder.empty()
    return True


def run_jobs_and_rerun(
    jobs: Sequence[Job], placeholder: DeltaGenerator, selection_key: str, key: str, rerun_s: float = math.inf
) -> bool:
    """Run the jobs like `run_jobs`; draw the page again `rerun_s` after the start and at the end.

    Returns:
        Whether there was no job to run.
    """
    rerun_at_s = time.monotonic() + rerun_s

    def rerun() -> None:
        # One run of the page can draw a chart only once.
        if time.monotonic() > rerun_at_s or all(job.is_done() for job in jobs):
            st.rerun()

    return run_jobs(jobs, placeholder, selection_key, key, rerun)


def _run_job(job: Job, bar: DeltaGenerator, index: int, num_jobs: int) -> None:
    """Run one of several jobs; its own progress moves the bar."""

    def on_progress(fraction: float) -> None:
        bar.progress(min((index + fraction) / num_jobs, 1.0), f"Measuring {job.label} …")

    on_progress(0)
    with resources.compute_lock(lambda: bar.progress(index / num_jobs, "Waiting for another computation …")):
        job.run(on_progress)
