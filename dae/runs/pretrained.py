"""Load finished runs that another training builds on: its initial weights or its distillation teacher."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from dae.data import ImageSet
from dae.errors import RunError
from dae.evaluation import make_denoiser
from dae.models import Autoencoder, Shape, build_on_meta
from dae.runs.directory import Run
from dae.runs.listing import find_run
from dae.training import TrainConfig
from dae.training.precision import uses_bfloat16
from dae.utils.files import SHIPPED_RUNS


def load_pretrained(config: TrainConfig, shape: Shape, root: Path | str | None = None) -> Autoencoder | None:
    """Return the model that provides the initial weights, on the CPU, or None if the config names none.

    Args:
        shape: shape of the training images, (C, H, W).
        root: see `get_finished_run`.

    Raises:
        RunError: there is no such finished run, or its model has another architecture or image shape.
        DaeError: its weights are missing or damaged.
    """
    if not config.pretrained:
        return None
    run = get_finished_run(config.pretrained, root, "Or start a new run with random weights: --pretrained ''.")
    checkpoint = run.load()
    trained, required = (
        {name: weight.shape for name, weight in model.state_dict().items()}
        for model in (checkpoint.model, build_on_meta(config.model, shape))
    )
    if checkpoint.name != config.model or trained != required:
        raise RunError(
            f"Run {run.name!r} is {checkpoint.name!r} for {_describe_images(checkpoint.shape)}, which does not fit "
            f"{config.model!r} for {_describe_images(shape)}. Choose a run of that model for such images, or random "
            "weights."
        )
    return checkpoint.model


def load_teacher(
    config: TrainConfig, images: ImageSet, device: torch.device, root: Path | str | None = None
) -> Callable[[Tensor], Tensor] | None:
    """Return the distillation teacher as a function of noisy images, or None if the config names none.

    Args:
        images: training images.
        device: device of the teacher and of its input.
        root: see `get_finished_run`.

    Returns:
        A function from noisy images (B, C, H, W) to denoised images of the same shape, both float32.

    Raises:
        RunError: there is no such finished run, or it was trained on another noise.
        DaeError: its weights are missing or damaged, or it cannot process these images.
    """
    if not config.teacher:
        return None
    run = get_finished_run(config.teacher, root, "Or start a new run without a teacher: --teacher ''.")
    if run.noise != str(config.noise):
        raise RunError(
            f"Teacher {run.name!r} was trained on {run.noise}, not on {config.noise}. Choose a teacher for that noise, "
            "or none: --teacher ''."
        )
    checkpoint = run.load()
    checkpoint.model.to(device).to(memory_format=torch.channels_last)
    denoiser = make_denoiser(checkpoint, images)
    bfloat16 = uses_bfloat16("auto", checkpoint.name, checkpoint.shape, device)
    autocast = torch.autocast(device.type, torch.bfloat16, enabled=bfloat16)

    def teacher(noisy: Tensor) -> Tensor:
        with autocast:
            return denoiser(noisy).float()

    return teacher


def get_finished_run(name: str, root: Path | str | None, alternative: str) -> Run:
    """Return the finished run `name`. Unfinished runs of this name, such as the run to be trained, are skipped.

    Args:
        root: runs directory to search first. The default one and the shipped runs follow.
        alternative: how to train without this run, for the error message.

    Raises:
        RunError: there is no such run.
    """
    error: RunError | None = None
    for folder in (root, None, SHIPPED_RUNS):
        try:
            run = find_run(name, folder)
        except RunError as missing:
            error = error or missing
            continue
        if run.state == "finished":
            return run
        error = RunError(f"Run {name!r} is {run.state}. It must be finished before another training can build on it.")
    raise RunError(f"{error} {alternative}")


def _describe_images(shape: Shape) -> str:
    channels, height, width = shape
    return f"{'gray' if channels == 1 else 'color'} images of {height} x {width}"
