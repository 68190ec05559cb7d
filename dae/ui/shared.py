"""What all sessions of a server share: the laboratory, opened data sets and loaded models."""

import os
import sys
import threading
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import streamlit as st

from dae.checkpoints import Checkpoint
from dae.classical import CLASSICAL
from dae.contenders import NOISY, fits
from dae.data import DATASETS, is_available, label, load_dataset
from dae.errors import DaeError
from dae.lab import Lab
from dae.models import MODELS, Shape
from dae.noise import NoiseSpec
from dae.packed import ImageSet
from dae.plots import NEUTRAL
from dae.recipes import CODE_FAMILY, RECIPES, is_followed
from dae.runs import find_run, list_runs

_NICE = 10


@st.cache_resource(show_spinner=False, on_release=lambda lab: lab.close())
def lab() -> Lab:
    """The one thread that trains in this process."""
    sys.setswitchinterval(0.0005)  # a page that is being drawn gives the training its turn sooner
    return Lab()


@contextmanager
def turn(waiting: Callable[[], object]) -> Iterator[None]:
    """One heavy computation at a time on this server; `waiting` is called while it is another's turn."""
    lock = _lock()
    while not lock.acquire(timeout=0.2):
        waiting()
    try:
        yield
    finally:
        lock.release()


def step_aside() -> None:
    """Let a training have the processor first where both want it; a page hardly notices. For good, in this thread."""
    if sys.platform == "linux":  # elsewhere a priority is not a thread's own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


@st.cache_resource(show_spinner=False)
def _lock() -> threading.Lock:
    return threading.Lock()


@st.cache_resource(show_spinner="Opening the images …", max_entries=12)
def images(dataset: str, split: str, limit: int | None = None) -> ImageSet:
    """A data set, opened once for all sessions."""
    return load_dataset(dataset, split, limit=limit)


@st.cache_resource(show_spinner=False, max_entries=16)
def _checkpoint(name: str, changed_ns: int) -> Checkpoint:
    return find_run(name).load()


def checkpoint(name: str) -> Checkpoint:
    """A run's model, loaded once and again when its file has changed.

    Raises:
        DaeError: there is no such run, or its weights cannot be used.
    """
    return _checkpoint(name, version(name))


def version(name: str) -> int:
    """When the run's weights were last written, in nanoseconds; 0 where it has none; RunError where there is no run."""
    run = find_run(name)
    return run.model_path.stat().st_mtime_ns if run.has_model else 0


def available_datasets() -> list[str]:
    """The data sets that can be opened at once, MNIST before the drawn digits where it is there.

    Folders of pictures are among them where a run was trained on one.
    """
    order = sorted(DATASETS, key=lambda name: name != "mnist")
    folders = {run.dataset for run in list_runs() if run.dataset.startswith("folder:")}
    return [name for name in (*order, *sorted(folders)) if is_available(name)]


def choose_dataset() -> str:
    """Let the user choose one of these; it is in the address."""
    names = available_datasets()
    return st.selectbox(
        "Data set",
        names,
        format_func=lambda name: option(name, names),
        key="data",
        bind="query-params",
        help="Where the test pictures come from. The models have never seen these pictures.",
        width=200,
    )


def option(dataset: str, among: Sequence[str] | None = None) -> str:
    """What the choice, and so the address, calls a data set: its label, its whole name where two have one label.

    Args:
        among: those that can be opened, for whoever knows them already.
    """
    labels = [label(name) for name in among or available_datasets()]
    return dataset if labels.count(label(dataset)) > 1 else label(dataset)


@dataclass(frozen=True)
class Choice:
    """Who can denoise, as pages list it: a run, a filter of the family "classical", or of "nothing" doing nothing."""

    name: str
    model: str  # the architecture, or the filter
    label: str
    color: str
    family: str
    dataset: str
    recipe: str
    noise: NoiseSpec


def classical(name: str, dataset: str) -> Choice:
    """A filter of `dae.classical`, to stand beside runs."""
    return Choice(name, name, CLASSICAL[name].label, NEUTRAL, "classical", dataset, "", NoiseSpec("gaussian", 0))


def doing_nothing() -> Choice:
    """The noisy pictures themselves, to stand beside runs."""
    return Choice(NOISY, "nothing", "Doing nothing", NEUTRAL, "nothing", "", "", NoiseSpec("gaussian", 0))


def choices(image_set: ImageSet) -> dict[str, Choice]:
    """The runs whose models fit the images, by name: those trained on them first, of these our recipes' first."""
    found = [choice for choice, shape in _trained() if fits(choice.model, shape, image_set.shape)]
    found.sort(key=lambda choice: (choice.dataset != image_set.name, _rank(choice.recipe)))
    return {choice.name: choice for choice in found}


def for_any_size(channels: int, liked: Container[str]) -> list[Choice]:
    """The runs whose models take pictures of any size: first those for so many channels, of these the liked ones."""
    found = [(choice, shape) for choice, shape in _trained() if MODELS[choice.model].any_size]
    found.sort(key=lambda pair: (pair[1][0] != channels, pair[0].name not in liked, pair[0].recipe in CODE_FAMILY))
    return [choice for choice, _ in found]


def _trained() -> Iterator[tuple[Choice, Shape]]:
    """Every run that has weights, and the shape of its images; first those trained to the end, as their recipe says."""
    readable = []
    for run in list_runs():
        try:
            readable.append((run, run.config, *run.describe_model()))
        except DaeError:
            continue  # no weights yet, or damaged: Train says so
    readable.sort(key=lambda known: (known[0].state != "finished", not is_followed(known[0].recipe, known[1])))
    for run, config, model, shape in readable:
        entry = MODELS[model]
        yield (
            Choice(run.name, model, entry.label, entry.color, entry.family, run.dataset, run.recipe, config.noise),
            shape,
        )


def _rank(recipe: str) -> tuple[int, int]:
    """Our recipes first, in their order, then the published ones, then those whose models are half trained."""
    if recipe not in RECIPES or recipe in CODE_FAMILY or recipe.startswith(("quick-", "fast-")):
        return 2, 0
    return int(RECIPES[recipe].published), list(RECIPES).index(recipe)


def in_full(choice: Choice) -> str:
    """What names a choice among all others: as rows and tables do, and a run by its own name as well."""
    return choice.label if choice.family == "classical" else f"{choice.label} · {choice.name}"


def told_apart(runs: list[Choice]) -> list[Choice]:
    """The same runs, the name added to a label that several of them share."""
    labels = [run.label for run in runs]
    return [replace(run, label=in_full(run)) if labels.count(run.label) > 1 else run for run in runs]


def usual(found: dict[str, Choice], families: tuple[str, ...]) -> list[str]:
    """One run of each family to begin with: the first that `choices` lists."""
    picked = [next((name for name, choice in found.items() if choice.family == family), None) for family in families]
    return [name for name in picked if name]
