"""Objects that all sessions of a server share: the training queue, opened data sets and loaded models."""

import functools
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st

from dae.data import DATASETS, ImageSet, is_available, is_folder, load_dataset
from dae.errors import DaeError, UnknownNameError
from dae.models import Checkpoint
from dae.runs import Run, TrainingQueue, find_run, list_runs, unreadable_runs
from dae.ui.singletons import process_singleton

# Links and images in Markdown, HTML, control characters, and names that are not UTF-8.
_UNSAFE = re.compile(r"\][(\[:]|<[a-zA-Z/!]|[\x00-\x1f\x7f\ud800-\udfff]")


@process_singleton
def training_queue() -> TrainingQueue:
    """Return the queue whose one thread trains in this process."""
    return TrainingQueue()


@process_singleton
def _compute_lock() -> threading.Lock:
    return threading.Lock()


@contextmanager
def compute_lock(on_wait: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Hold the lock that lets one session at a time compute.

    Args:
        on_wait: called every 0.2 s while another session holds the lock.
    """
    lock = _compute_lock()
    while not lock.acquire(timeout=0.2):
        on_wait()
    try:
        yield
    finally:
        lock.release()


@st.cache_resource(show_spinner="Opening the images …", max_entries=64)
def images(dataset: str, split: str, limit: int | None = None) -> ImageSet:
    """Return the first `limit` images of a data set, loaded once for all sessions."""
    return load_dataset(dataset, split, limit=limit)


# More than the models that several sessions compare at once: one entry too few would load all of them each time.
@st.cache_resource(show_spinner=False, max_entries=64)
def _checkpoint(name: str, mtime_ns: int) -> Checkpoint:
    return find_run(name).load()


def checkpoint(name: str) -> Checkpoint:
    """Return the model of a run, loaded again when its file changes.

    Raises:
        DaeError: the run does not exist or its weights cannot be used.
    """
    return _checkpoint(name, weights_mtime(name))


def weights_mtime(name: str) -> int:
    """Return the time of the last change of a run's weights in nanoseconds, 0 if there are none.

    Raises:
        RunError: the run does not exist.
    """
    run = find_run(name)
    return run.model_path.stat().st_mtime_ns if run.has_model else 0


def available_datasets() -> list[str]:
    """Return the data sets on this machine: MNIST first if present, and image folders that a run was trained on."""
    builtin = sorted(DATASETS, key=lambda name: name != "mnist")
    folders = {run.dataset for run in usable_runs() if is_folder(run.dataset)}
    return [name for name in (*builtin, *sorted(folders)) if is_available(name)]


def usable_runs() -> list[Run]:
    """Return the runs that pages can show, newest first."""
    return [run for run in list_runs() if not _problem(run)]


def unusable_runs() -> dict[str, str]:
    """Return why a run cannot be shown, or its model cannot be used, by name."""
    runs = list_runs()
    problems = {run.name: problem for run in runs if (problem := _problem(run) or _model_problem(run))}
    return unreadable_runs() | problems


def _problem(run: Run) -> str:
    """Return why pages cannot show a run, empty if they can."""
    if any(_UNSAFE.search(text) for text in (run.name, run.dataset, run.model, run.recipe, run.pretrained)):
        return "Its name or settings contain characters that a page cannot show. Remove them."
    return _dataset_problem(run.dataset)


@functools.lru_cache(1_024)
def _dataset_problem(dataset: str) -> str:
    try:
        is_available(dataset)
    except UnknownNameError:
        # Of another version; its curves and images can be shown.
        return ""
    except DaeError as error:
        return str(error)
    return ""


def _model_problem(run: Run) -> str:
    try:
        if run.has_model:
            run.describe_model()
    except DaeError as error:
        return str(error)
    return ""
