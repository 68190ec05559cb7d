"""A trained model as the teacher of another (distillation, Hinton et al. 2015)."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from dae.config import TrainConfig
from dae.contenders import as_denoiser
from dae.devices import uses_bfloat16
from dae.errors import RunError
from dae.packed import ImageSet
from dae.pretrained import finished_run


def find_teacher(
    config: TrainConfig, images: ImageSet, device: torch.device, root: Path | str | None = None
) -> Callable[[Tensor], Tensor] | None:
    """What gives a teacher's answers to noisy images (B, C, H, W) on `device`; None where the training has none.

    Args:
        images: that are to be learnt from.
        root: as `finished_run`.

    Raises:
        RunError: there is no such finished run, or it has learnt another noise.
        DaeError: its weights are missing or damaged, or it cannot take these images.
    """
    if not config.teacher:
        return None
    run = finished_run(config.teacher, root, "Or begin a new run without a teacher: --teacher ''.")
    if run.noise != str(config.noise):
        raise RunError(
            f"Run {run.name!r} has learnt {run.noise} and cannot teach {config.noise}. Name a teacher of that noise, "
            "or none: --teacher ''."
        )
    checkpoint = run.load()
    checkpoint.model.to(device).to(memory_format=torch.channels_last)
    answer = as_denoiser(checkpoint, images)
    autocast = torch.autocast(device.type, torch.bfloat16, enabled=uses_bfloat16("auto", checkpoint.name, device))

    def answers(noisy: Tensor) -> Tensor:
        with autocast:
            return answer(noisy).float()

    return answers
