"""Records that a run directory stores beside the weights: config.json, facts.json and seeds.csv.

A pydantic model describes each JSON file. An unknown key produces a warning, so that runs of a newer version stay
readable.
"""

import hashlib
import io
import json
import os
import platform
import time
import warnings
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import pandas as pd
import torch
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from dae.errors import RunError
from dae.evaluation import Scores
from dae.models import canonical_model_name
from dae.training import TrainConfig
from dae.utils.device import processor_name
from dae.utils.files import cached_by_stat, read_regular, write_json

FORMAT = 1
CONFIG_FILE = "config.json"
_METADATA_FILE = "facts.json"
_SEEDS_FILE = "seeds.csv"
_REQUIRED_SETTINGS = {"dataset", "model", "noise", "seed"}
# Baseline names in the files of older versions.
_RENAMED_BASELINES = {"doing nothing": "noisy input"}
_SEED_COLUMNS = dict.fromkeys(("run", "noise", "dataset"), str) | dict.fromkeys(
    ("n", "seeds", "psnr_db", "psnr_db_sd", "ssim", "ssim_sd", "mse", "mse_sd"), float
)


class JsonRecord(BaseModel):
    """A JSON object in a run directory. Unknown keys produce a warning."""

    # Pydantic reads files when it builds a schema, which must not happen at import time.
    model_config = ConfigDict(strict=True, frozen=True, extra="allow", defer_build=True, validate_by_name=True)

    @model_validator(mode="after")
    def _warn_about_unknown_keys(self) -> Self:
        if self.model_extra:
            keys = ", ".join(self.model_extra)
            warnings.warn(f"Unknown keys in a run's {type(self).__name__}: {keys}. Update the program.", stacklevel=2)
        return self


class RunConfigFile(JsonRecord):
    """config.json, written when the run is created.

    Attributes:
        format: version of the run directory's layout.
        created: Unix time in seconds.
        recipe: name of the recipe, "" for none.
        note: one line by the user.
        machine: description of the computer that created the run.
        config: the requested `TrainConfig` as JSON values, possibly of another version.
    """

    format: int
    created: float
    recipe: str
    note: str
    machine: str
    config: dict[str, Any]

    @cached_property
    def train_config(self) -> TrainConfig:
        """Return the requested training; raise SpecError if a value is unknown to this version."""
        return TrainConfig.from_json(self.config)

    @field_validator("config")
    @classmethod
    def _validate_settings(cls, config: dict[str, Any]) -> dict[str, Any]:
        if missing := _REQUIRED_SETTINGS - config.keys():
            raise ValueError(f"config has no {', '.join(sorted(missing))}")
        return config | {"model": canonical_model_name(str(config["model"]))}


class RunMetadata(JsonRecord):
    """facts.json, written whenever training starts or resumes.

    Attributes:
        device: description of the device, see `describe_device`.
        baselines: validation scores of denoisers that need no training, by name.
        world_size: number of processes that train together.
        note: remark about the images, such as the number of unreadable files.
        machine_id: `machine_id()` of the computer that did all of the training, "" if several did or none was recorded.
        images: fingerprint of the training images, "" if none was recorded.
        num_images: number of training images, 0 if it was not recorded.
        precision: of the forward pass in training, "float32" or "bfloat16"; "" if it was not recorded.
    """

    device: str
    baselines: dict[str, Scores] = Field(validation_alias="references", serialization_alias="references")
    world_size: int = Field(1, gt=0, validation_alias="processes", serialization_alias="processes")
    note: str = ""
    machine_id: str = ""
    images: str = ""
    num_images: int = 0
    precision: str = ""

    def is_same_machine(self, other: "RunMetadata") -> bool:
        """Return whether both trained on the same computer, device and number of processes."""
        own, others = ((run.machine_id, run.device, run.world_size) for run in (self, other))
        return own == others

    @field_validator("baselines")
    @classmethod
    def _apply_present_names(cls, baselines: dict[str, Scores]) -> dict[str, Scores]:
        return {_RENAMED_BASELINES.get(name, name): scores for name, scores in baselines.items()}


def write_run_config(run_dir: Path, config: TrainConfig, recipe: str, note: str) -> None:
    """Write the config.json of a new run atomically; raise OSError if the write fails."""
    record = RunConfigFile(
        format=FORMAT,
        created=round(time.time(), 3),
        recipe=recipe,
        note=note,
        machine=f"{processor_name()}, {os.cpu_count()} cores, torch {torch.__version__}",
        config=config.to_json(),
    )
    write_json(run_dir / CONFIG_FILE, record.model_dump())


def read_run_config(run_dir: Path) -> RunConfigFile:
    """Return the content of config.json; raise RunError if it is missing, damaged or of another format."""
    try:
        return _read_config(run_dir / CONFIG_FILE)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(
            f"Run {run_dir.name!r} cannot be read: its config.json is missing or damaged. Restore it, or delete "
            "the run."
        ) from error


@cached_by_stat
def _read_config(path: Path) -> RunConfigFile:
    values = json.loads(read_regular(path))
    if (version := values["format"]) != FORMAT:
        raise RunError(
            f"Run {path.parent.name!r} has format {version}, but this program reads format {FORMAT}. Update the "
            "program."
        )
    return RunConfigFile.model_validate(values)


def write_metadata(run_dir: Path, metadata: RunMetadata) -> None:
    """Write facts.json atomically; raise OSError if the write fails."""
    write_json(run_dir / _METADATA_FILE, metadata.model_dump(by_alias=True))


def read_metadata(run_dir: Path) -> RunMetadata | None:
    """Return the content of facts.json, or None if it is missing or damaged."""
    try:
        return _read_metadata(run_dir / _METADATA_FILE)
    except (OSError, ValueError):
        return None


@cached_by_stat
def _read_metadata(path: Path) -> RunMetadata:
    return RunMetadata.model_validate_json(read_regular(path))


def read_seed_results(run_dir: Path) -> list[dict[str, Any]]:
    """Return the rows of this run in seeds.csv over two seeds or more; empty if the file is missing or damaged.

    Returns:
        Rows of `dae.evaluation.aggregate_seeds`, which `dae evaluate RUN OTHERS --aggregate-seeds --csv` prints, with
        the columns run, noise, dataset, n, seeds, and mean and standard deviation of psnr_db, ssim and mse.
    """
    try:
        content = io.BytesIO(read_regular(run_dir / _SEEDS_FILE))
        table = pd.read_csv(content, usecols=list(_SEED_COLUMNS), dtype=_SEED_COLUMNS)
    except (OSError, ValueError):
        return []
    rows = table[(table["run"] == run_dir.name) & (table["seeds"] > 1)].to_dict("records")
    return [{str(column): value for column, value in row.items()} for row in rows]


def machine_id() -> str:
    """Return an anonymous identifier of this computer, derived from its host name, architecture and core count."""
    description = f"{platform.node()}, {platform.machine()}, {os.cpu_count()} cores"
    return hashlib.sha256(description.encode()).hexdigest()[:16]
