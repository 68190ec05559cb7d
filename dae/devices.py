"""Which device to compute on, and in which precision."""

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import torch
from torch import Tensor

from dae.errors import OutOfMemory, SpecError
from dae.models import MODELS


def as_device(name: str) -> torch.device:
    """The device called `name`; "auto" is CUDA where there is one, else the CPU; MPS, so far untried, has to be named.

    Raises:
        SpecError: no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.partition(":")[0] not in available_devices():
        raise SpecError(f"There is no device {name!r} here. Choose from: auto, {', '.join(available_devices())}.")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise SpecError(f"There is no device {name!r} here. Write for example cuda:0.") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise SpecError(
            f"There is no device {name!r} here: graphics cards are counted from cuda:0 to "
            f"cuda:{torch.cuda.device_count() - 1}."
        )
    return device


def describe_device(device: torch.device) -> str:
    """The device in words: "CPU, 2 threads" or the graphics card's name."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' * (threads > 1)}" if device.type == "cpu" else device.type.upper()


def available_devices() -> list[str]:
    """The kinds of device here, the fastest first."""
    return [
        *(["cuda"] if torch.cuda.is_available() else []),
        *(["mps"] if torch.backends.mps.is_available() else []),
        "cpu",
    ]


def as_measured(images: Tensor) -> Tensor:
    """The same images where metrics can be computed: they need float64, which MPS has not."""
    return images.cpu() if images.device.type == "mps" else images


@contextmanager
def told_memory(device: torch.device, batch_size: int) -> Iterator[None]:
    """Raises OutOfMemory where the device has too little."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise OutOfMemory(str(device), batch_size) from error


def cores() -> int:
    """How many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Flushing(threading.local):
    """How many trainings of this thread want denormal numbers flushed, and what was set before the first."""

    users = 0
    before = False


_flushing = _Flushing()
_OMP_PAUSE_SOFT = 1  # OpenMP's number for it


@contextmanager
def flushed_denormals() -> Iterator[None]:
    """Meanwhile what is too near to 0 for full precision counts as 0: processors are many times as slow with it.

    A pixel that is always black leaves such gradients behind, a unit that no image excites any more such moments.
    Trainings that take turns in one thread begin and end in any order: the last one sets things back.
    """
    if not _flushing.users:
        _flushing.before = not torch.tensor(1e-30) * 1e-10
        _flush(True)
    _flushing.users += 1
    try:
        yield
    finally:
        _flushing.users = max(_flushing.users - 1, 0)  # a generator nobody holds may be ended by another thread
        if not _flushing.users:
            _flush(_flushing.before)


def _flush(wanted: bool) -> None:
    """Set it for this thread, and for the OpenMP threads that help it, which inherit it only where they begin."""
    torch.set_flush_denormal(wanted)
    with suppress(AttributeError, TypeError, OSError):  # no OpenMP 5, or not in sight
        ctypes.CDLL(None).omp_pause_resource_all(_OMP_PAUSE_SOFT)  # ends them: the next work begins new ones


def uses_bfloat16(precision: str, model: str, device: torch.device) -> bool:
    """Whether to train `model` in bfloat16: as asked, or for "auto" where the model and the device gain by it."""
    if precision != "auto":
        return precision == "bfloat16"
    if device.type == "cuda":
        return MODELS[model].bfloat16 and torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)() if device.type == "cpu" else {}
    return MODELS[model].bfloat16 and bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))
