"""Estimate how long a training will take from finished runs on this machine."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from dae.data import DATASETS
from dae.errors import DaeError
from dae.runs.directory import Run
from dae.runs.metadata import machine_id
from dae.runs.progress import read_last_progress
from dae.training import TrainConfig
from dae.utils.device import as_device, describe_device


class Reference(NamedTuple):
    """A finished run.

    Attributes:
        device: description of its device, see `describe_device`.
        is_local: whether it was trained on this machine. Other machines' times are not used.
        num_images: images processed in training, over all epochs.
        seconds: training time.
    """

    run: str
    device: str
    is_local: bool
    config: TrainConfig
    num_images: int
    seconds: float


class DurationEstimate(NamedTuple):
    """An estimated training time, with the run and the device that it is based on."""

    seconds: float
    run: str
    device: str


def reference_runs(runs: Iterable[Run]) -> list[Reference]:
    """Return the finished runs that one process trained, in the order of `runs`."""
    this_machine = machine_id()
    references = []
    for run in runs:
        metadata, last = run.metadata(), read_last_progress(run.path)
        if run.state != "finished" or not metadata or metadata.world_size > 1:
            continue
        if not last.get("step") or not last.get("seconds"):
            continue
        try:
            config = run.config
        except DaeError:
            # The config was written by another version.
            continue
        if config.dataset in DATASETS:
            is_local, num_images = metadata.machine_id == this_machine, last["step"] * config.batch_size
            references.append(Reference(run.name, metadata.device, is_local, config, num_images, last["seconds"]))
    return references


def estimate_duration(config: TrainConfig, references: Sequence[Reference]) -> DurationEstimate | None:
    """Estimate the training time of a config from runs on this machine and on the same kind of device.

    Returns:
        The median of the runs with the same config. Without any, an extrapolation from the run of the same model that
        took longest per image. None if there is no such run or the number of images is unknown.
    """
    try:
        device = _device_kind(describe_device(as_device(config.device)))
    except DaeError:
        return None
    local = [reference for reference in references if reference.is_local and _device_kind(reference.device) == device]
    identical = sorted((run for run in local if run.config == config), key=lambda run: run.seconds)
    if identical:
        median = identical[len(identical) // 2]
        return DurationEstimate(median.seconds, median.run, median.device)
    similar = [run for run in local if _cost_key(run.config) == _cost_key(config)]
    sizes = [size for size in (config.max_images, _dataset_size(config.dataset, references)) if size]
    images_per_epoch = min(sizes, default=0)
    if not similar or not images_per_epoch:
        return None
    slowest = max(similar, key=lambda run: run.seconds / run.num_images)
    num_images = config.epochs * images_per_epoch
    return DurationEstimate(num_images * slowest.seconds / slowest.num_images, slowest.run, slowest.device)


def _dataset_size(dataset: str, references: Sequence[Reference]) -> float:
    """Return the approximate number of training images, 0 if no reference was trained on all of them."""
    sizes = (
        run.num_images / run.config.epochs
        for run in references
        if run.config.dataset == dataset and not run.config.max_images
    )
    return next(sizes, 0.0)


def _device_kind(description: str) -> str:
    """Return a device's description without its number of threads, which differs between processes."""
    return description.partition(",")[0]


def _cost_key(config: TrainConfig) -> tuple[object, ...]:
    """Return the settings that determine the cost of an image. The cost of the teacher, which varies, is ignored."""
    shape = DATASETS[config.dataset].shape if config.dataset in DATASETS else ()
    return config.model, bool(config.teacher), shape
