"""How long a training will take, judged by runs that are finished."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from dae.config import TrainConfig
from dae.data import DATASETS
from dae.errors import DaeError
from dae.runs import RunDirectory


class Known(NamedTuple):
    """What a finished run tells of the trainings like it."""

    run: str
    device: str
    config: TrainConfig
    pictures: int  # it has learnt from, all epochs together
    seconds: float


class Expected(NamedTuple):
    """An estimate, and the run and the device that it was judged by."""

    seconds: float
    run: str
    device: str


def finished(runs: Iterable[RunDirectory]) -> list[Known]:
    """What there is to judge by: the first of `runs` for each recipe and model, trained to its end by one process."""
    found: dict[tuple[str, ...], Known] = {}
    for run in runs:
        key = run.recipe, run.model, run.dataset
        if key in found or run.dataset not in DATASETS or run.state != "finished":
            continue
        lines, facts = run.progress(), run.facts()
        if not lines or not lines[-1]["seconds"] or not facts or facts.processes > 1:
            continue
        try:
            config = run.config
        except DaeError:
            continue  # of another version
        pictures = lines[-1]["step"] * config.batch_size
        found[key] = Known(run.name, facts.device, config, pictures, lines[-1]["seconds"])
    return list(found.values())


def expected(config: TrainConfig, known: Sequence[Known]) -> Expected | None:
    """By the same training where it is known, else by the most that a picture cost the same model; else None."""
    for each in known:
        if each.config == config:
            return Expected(each.seconds, each.run, each.device)
    like = [each for each in known if _costs(each.config) == _costs(config)]
    sizes = [each.pictures / each.config.epochs for each in known if _whole(each.config) == config.dataset]
    if not like or not (config.images or sizes):
        return None
    slowest = max(like, key=lambda each: each.seconds / each.pictures)
    pictures = config.epochs * (config.images or sizes[0])
    return Expected(pictures * slowest.seconds / slowest.pictures, slowest.run, slowest.device)


def _whole(config: TrainConfig) -> str:
    """The data set, where all of it is learnt from."""
    return "" if config.images else config.dataset


def _costs(config: TrainConfig) -> tuple[object, ...]:
    """What decides how much work a picture is."""
    shape = DATASETS[config.dataset].shape if config.dataset in DATASETS else ()
    return config.model, bool(config.teacher), shape  # a teacher costs as much as it is large, which nobody knows here
