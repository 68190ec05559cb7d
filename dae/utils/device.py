"""Device selection, batch sizes that fit into memory, and translation of out-of-memory errors."""

import math
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from torch import Tensor

from dae.errors import OutOfMemoryError, SpecError
from dae.utils.text import counted
from dae.utils.threads import cpu_count

# Networks and metrics allocate about a hundred times as many values as their input has.
_MAX_ELEMENTS = 1 << 20


def as_device(name: str) -> torch.device:
    """Return the device `name`; "auto" is CUDA if available, else the CPU.

    MPS is untested, so "auto" never selects it.

    Raises:
        SpecError: this machine lacks the device.
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
        last = torch.cuda.device_count() - 1
        raise SpecError(f"There is no device {name!r} here. Choose from cuda:0 to cuda:{last}.")
    return device


def available_devices() -> list[str]:
    """Return the device types of this machine, fastest first."""
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return [name for name, is_available in available.items() if is_available]


def describe_device(device: torch.device) -> str:
    """Return a description such as "CPU, 2 threads" or the name of the GPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU, {counted(cpu_count(), 'thread')}" if device.type == "cpu" else device.type.upper()


def processor_name() -> str:
    """Return the model name of the CPU, or the architecture if the system does not provide it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def to_metric_device(images: Tensor) -> Tensor:
    """Return the images on a device with float64, which metrics need and MPS lacks."""
    return images.cpu() if images.device.type == "mps" else images


def max_batch_size(shape: Sequence[int], limit: int, max_elements: int = _MAX_ELEMENTS) -> int:
    """Return the largest batch size up to `limit` with at most `max_elements` values; at least 1.

    Args:
        shape: of one image, (C, H, W).
    """
    return max(1, min(limit, max_elements // math.prod(shape)))


@contextmanager
def translate_oom_errors(device: torch.device, batch_size: int) -> Iterator[None]:
    """Translate out-of-memory errors of GPU and CPU inside the block into `OutOfMemoryError`."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise OutOfMemoryError(str(device), batch_size) from error
    except RuntimeError as error:
        # The CPU's allocator raises no specific exception class.
        if "can't allocate memory" not in str(error):
            raise
        raise OutOfMemoryError(str(device), batch_size) from error
