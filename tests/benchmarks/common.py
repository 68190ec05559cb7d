"""Helpers of all benchmarks: a description of the machine, and one message for a user's mistake."""

import platform
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from dae.errors import DaeError
from dae.utils.device import processor_name
from dae.utils.threads import cpu_count

ROOT = Path(__file__).parents[2]


def run_benchmark(main: Callable[[], None]) -> None:
    """Run a benchmark; print a `DaeError` as one line and exit with code 2, as the command line does."""
    try:
        main()
    except DaeError as error:
        print(f"dae: {error}", file=sys.stderr)
        sys.exit(2)


def describe_machine() -> str:
    """Return the processor, number of cores, GPUs and PyTorch version, on one line."""
    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    gpus += ["MPS"] * torch.backends.mps.is_available()
    return (
        f"{processor_name()}, {cpu_count()} cores, {torch.get_num_threads()} threads, {', '.join(gpus) or 'no GPU'}, "
        f"Python {platform.python_version()}, torch {torch.__version__}"
    )


def images_per_second(begin: Mapping[str, Any], end: Mapping[str, Any], batch_size: int) -> float:
    """Return the training speed between two lines of a run's progress."""
    return float((end["step"] - begin["step"]) * batch_size / (end["seconds"] - begin["seconds"]))
