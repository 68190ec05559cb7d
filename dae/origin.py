"""config.json: what was asked for, when, and on which machine."""

import json
import os
import platform
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from dae.config import TrainConfig
from dae.errors import RunError
from dae.files import write_json

FORMAT = 1


@dataclass(frozen=True)
class Origin:
    """What is known of a run before it begins.

    Attributes:
        created: when, in seconds since 1970.
        recipe: the name of the training, where it has one.
        note: a line of whoever started it.
        machine: in words.
        config: the values of a TrainConfig, which may be of another version's.
    """

    created: float
    recipe: str
    note: str
    machine: str
    config: dict[str, Any]


def write(path: Path, config: TrainConfig, recipe: str, note: str) -> None:
    """Write the file of a new run, whole or not at all; raises OSError."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}"
    origin = Origin(round(time.time(), 3), recipe, note, machine, config.to_json())
    write_json(path, {"format": FORMAT} | asdict(origin))


def read(path: Path) -> Origin:
    """What the file says; raises RunError where it is missing, damaged or of a newer format."""
    run = path.parent.name
    try:
        origin = json.loads(path.read_text())
        if origin["format"] != FORMAT:
            raise RunError(
                f"Run {run!r} has format {origin['format']}; this program reads {FORMAT}. Update the program."
            )
        config = dict(origin["config"])
        missing = {"dataset", "model", "noise", "seed"} - config.keys()
        if missing:
            raise KeyError(*missing)
        return Origin(
            float(origin["created"]), str(origin["recipe"]), str(origin["note"]), str(origin["machine"]), config
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
        raise RunError(f"Run {run!r} cannot be read: its config.json is missing or damaged.") from error
