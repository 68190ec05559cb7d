"""Run directories: the one place a training lives, and the only code that knows its files.

    checkpoints/NAME/
        config.json           what was asked for, when, on which machine
        state.json            queued, running, paused, stopped, finished or failed, and why
        facts.json            the device, and what doing nothing and a median filter give
        progress.jsonl        one line a report
        previews/             clean.png, noisy.png and epoch-0003.png: eight pictures side by side
        model.safetensors     the weights, usable by themselves
        resume.safetensors    weights and optimiser at the end of an epoch, until the run is finished
        failure.txt           the full trace of a failed run
        seeds.csv             what this training gives with other seeds, where somebody measured it
        owner.lock            held by the process that writes the run
        stop.request          put there by whoever wants that process to stop

Every file but failure.txt is written whole or not at all; a line of progress that a crash cut short is ignored by
readers. A run whose owner is gone while it says running is interrupted.
"""

import os
import re
import shutil
from pathlib import Path
from typing import Any

from torch import Tensor

from dae import facts, origin, pictures, progress, retrained
from dae.checkpoints import (
    Checkpoint,
    describe,
    load_checkpoint,
    read_about,
    read_tensors,
    save_checkpoint,
    save_tensors,
)
from dae.config import TrainConfig
from dae.errors import CheckpointError, RunError
from dae.facts import Facts
from dae.files import whole_file
from dae.models import Autoencoder, Shape
from dae.naming import check_name, new_folder
from dae.origin import FORMAT
from dae.state import TrainState
from dae.status import Status
from dae.training import Report


def runs_root(root: Path | str | None = None) -> Path:
    """The folder of runs: `root`, else DAE_CHECKPOINTS, else `checkpoints` in the working directory."""
    return Path(root or os.environ.get("DAE_CHECKPOINTS") or "checkpoints")


def list_runs(root: Path | str | None = None) -> list["RunDirectory"]:
    """Every readable run, the newest first; folders that are no runs are passed over."""
    found = []
    for path in sorted(runs_root(root).glob("*/config.json")):
        try:
            found.append(RunDirectory(path.parent))
        except RunError:
            continue
    return sorted(found, key=lambda run: run.created, reverse=True)


def find_run(name: str, root: Path | str | None = None) -> "RunDirectory":
    """The run called `name`, or at the path `name`; raises RunError with the names that exist."""
    path = Path(name) if os.path.isfile(Path(name, "config.json")) else runs_root(root) / name
    if not os.path.isfile(path / "config.json"):  # unlike Path.is_file, also false for a name that no disk takes
        names = ", ".join(run.name for run in list_runs(root)) or "none yet; `dae train` makes one"
        raise RunError(f"There is no run {name!r} in {runs_root(root)}. Runs there: {names}.")
    return RunDirectory(path)


class RunDirectory:
    """One run; opening it reads its configuration.

    Raises:
        RunError: the folder holds no run, a damaged one, or one of a newer format.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        known = origin.read(path / "config.json")
        self.created, self.recipe, self.note = known.created, known.recipe, known.note
        self._config = known.config
        self.dataset, self.model, self.noise, self.seed, self.pretrained = (
            str(self._config.get(name, "")) for name in ("dataset", "model", "noise", "seed", "pretrained")
        )  # what was asked for
        self.status = Status(path)
        self._resume_path = path / "resume.safetensors"

    @classmethod
    def create(
        cls, config: TrainConfig, *, root: Path | str | None = None, name: str = "", recipe: str = "", note: str = ""
    ) -> "RunDirectory":
        """Make the folder of a new run; a number is added where `name` is not given and the usual one is taken.

        Raises:
            RunError: the name is not allowed or taken, or the folder cannot be written.
        """
        folder = runs_root(root)
        wanted = name or recipe or f"{config.dataset.rpartition('/')[2].replace('folder:', '')}-{config.model}"
        stem = wanted if name else re.sub(r"[^a-z0-9._-]", "-", wanted.lower()).strip("-._")[:56]
        check_name(stem)
        try:
            with new_folder(folder, stem, numbered=not name) as path:
                (path / "previews").mkdir()
                Status(path).set("stopped", "Not started yet.")
                origin.write(path / "config.json", config, recipe, note)  # last: a folder without it is no run
        except OSError as error:
            raise RunError(f"The runs folder {folder} cannot be written: {error.strerror}. Name another.") from error
        return cls(path)

    @property
    def config(self) -> TrainConfig:
        """What was asked for; raises SpecError where this version does not know a name in it."""
        return TrainConfig.from_json(self._config)

    @property
    def state(self) -> str:
        """queued, running, paused, stopped, finished, failed or interrupted."""
        return self.status.state

    # What a training leaves

    def append(self, report: Report) -> None:
        """Add a line of progress; raises OSError."""
        progress.append(self.path / "progress.jsonl", report)

    def progress(self) -> list[dict[str, Any]]:
        """The lines of progress, oldest first."""
        return progress.read(self.path / "progress.jsonl")

    def save_state(self, state: TrainState) -> None:
        """Keep the end of an epoch, to resume from; raises OSError."""
        save_tensors(self._resume_path, state.tensors(), {"format": FORMAT})

    def restore(self, state: TrainState) -> None:
        """Read the end of the last whole epoch into `state`, which otherwise stays at the beginning."""
        if self.has_begun:
            try:
                read_about(self._resume_path)
                state.restore(read_tensors(self._resume_path))
            except (KeyError, ValueError, IndexError, RuntimeError) as error:
                fault = f"{self._resume_path} does not fit the run's configuration, so it cannot resume."
                raise CheckpointError(fault) from error

    @property
    def has_begun(self) -> bool:
        """Whether there is a state to `restore`."""
        return self._resume_path.is_file()

    def rewind(self, step: int) -> None:
        """Forget the progress reported after this step, or all of it; raises OSError."""
        progress.rewind(self.path / "progress.jsonl", step)

    def save_model(self, state: TrainState, shape: Shape) -> None:
        """Keep the weights as they are now; raises OSError."""
        save_checkpoint(self.model_path, state.averaged, self.model, shape, self._config)

    def import_model(self, model: Autoencoder, shape: Shape) -> None:
        """Keep weights that were trained elsewhere, as a finished run; raises OSError."""
        save_checkpoint(self.model_path, model, self.model, shape, self._config)
        self.finish()

    def finish(self) -> None:
        """The run is complete: what only a resume would need goes."""
        self.status.set("finished")
        for needless in (self._resume_path, self.path / "failure.txt"):
            needless.unlink(missing_ok=True)

    @property
    def model_path(self) -> Path:
        return self.path / "model.safetensors"

    @property
    def has_model(self) -> bool:
        return self.model_path.is_file()

    def load(self) -> Checkpoint:
        """The run's model; raises CheckpointError."""
        if not self.has_model:
            raise CheckpointError(f"Run {self.name!r} has no weights yet; it keeps them at the end of its first epoch.")
        return load_checkpoint(self.model_path)

    def describe_model(self) -> tuple[str, Shape]:
        """The architecture and image shape of the run's weights, from their header; raises CheckpointError."""
        return describe(self.model_path)[:2]

    def take(self) -> None:
        """Become the run's only writer until `status.release`, to train it.

        Raises:
            RunError: somebody else writes it, or it is finished.
        """
        self.status.acquire()
        if self.state == "finished":
            self.status.release()
            raise RunError(f"Run {self.name!r} is finished. Start a new one from its recipe or with more epochs.")
        self.status.forget_request()  # it was meant for an earlier training

    def save_facts(self, known: Facts) -> None:
        """Keep what is known once the training has begun; raises OSError."""
        facts.write(self.path / "facts.json", known)

    def facts(self) -> Facts | None:
        """What is known once the training has begun; None before, or where the file is damaged."""
        return facts.read(self.path / "facts.json")

    def save_preview(self, which: int | str, images: Tensor) -> None:
        """Keep pictures (N, C, H, W) as the strip of an epoch, or as "clean" or "noisy"; raises OSError."""
        with whole_file(self.preview_path(which)) as temporary:
            pictures.strip(images).save(temporary, "PNG")

    def preview_path(self, which: int | str) -> Path:
        """The picture strip of an epoch, or "clean" or "noisy"."""
        return self.path / "previews" / (f"epoch-{which:04d}.png" if isinstance(which, int) else f"{which}.png")

    def over_seeds(self) -> list[dict[str, Any]]:
        """Rows of `dae.evaluation.over_seeds` about this training, if somebody has measured it."""
        return retrained.read(self.path / "seeds.csv", self.name)

    # Housekeeping

    def rename(self, name: str) -> "RunDirectory":
        """Give the run another name; raises RunError while it is being written, or where the name is not free."""
        check_name(name)
        self.status.acquire()
        try:
            if (self.path.parent / name).exists():
                raise RunError(f"There is a run {name!r} already. Choose another name.")
            os.rename(self.path, self.path.parent / name)
        except OSError as error:
            raise RunError(f"Run {self.name!r} cannot be renamed: {error.strerror}.") from error
        finally:
            self.status.release()
        return RunDirectory(self.path.parent / name)

    def delete(self) -> None:
        """Remove the run and all its files; raises RunError while it is being written."""
        self.status.acquire()
        try:
            (self.path / "config.json").unlink()  # from now on it is no run, whatever happens
        except OSError as error:
            raise RunError(f"Run {self.name!r} cannot be deleted: {error.strerror}.") from error
        finally:
            self.status.release()
        shutil.rmtree(self.path, ignore_errors=True)
