"""Run directories: finding, creating, reading and writing them.

    checkpoints/NAME/
        config.json           requested training, creation time and machine
        state.json            queued, running, paused, stopped, finished or failed, and the reason
        facts.json            device and baselines (the noisy input, a median filter)
        progress.jsonl        one line per report
        previews/             clean.png, noisy.png, epoch-0003.png, step-000000016.png: eight images side by side each
        filters/              epoch-0003.png, step-000000016.png: first layer at each preview, up to eight filters,
                              see `dae.viz.filters`; missing in older runs, and if that layer does not work on pixels
        model.safetensors     weights, usable without the other files
        resume.safetensors    weights and optimizer state at the end of an epoch, until the run is finished
        failure.txt           traceback of a failed run
        README.md             optional model card, see `dae.runs.model_card`
        seeds.csv             optional results of the same training with several seeds
        owner.lock            locked by the process that writes the run
        stop.request          created by a process that asks the writer to stop

All files but failure.txt and progress.jsonl are written atomically. Readers ignore a line of progress that a crash
truncated. A run in the state "running" that no process has locked is reported as interrupted.
"""

import os
import shutil
from pathlib import Path
from typing import Any

from torch import Tensor

from dae.errors import CheckpointError, RunError
from dae.models import Autoencoder, Checkpoint, Shape, load_checkpoint, save_checkpoint
from dae.models.checkpoint import read_header, read_tensor_metadata, read_tensors, save_tensors
from dae.runs import metadata
from dae.runs.metadata import RunMetadata
from dae.runs.naming import check_name, create_run_dir, default_name
from dae.runs.progress import read_progress
from dae.runs.status import RunStatus
from dae.training import TrainConfig, TrainState
from dae.utils.files import atomic_write
from dae.viz.images import hstack


def runs_root(root: Path | str | None = None) -> Path:
    """Return the directory of all runs: `root`, else DAE_CHECKPOINTS, else `checkpoints` in the working directory."""
    return Path(root or os.environ.get("DAE_CHECKPOINTS") or "checkpoints")


class Run:
    """One run directory. The constructor reads its config.json.

    Attributes:
        created: Unix time in seconds.
        dataset, model, noise, seed, pretrained: requested settings as text, "" if missing.
        status: state of the run and lock of its writer.

    Raises:
        RunError: the directory contains no run, a damaged one, or one of a newer format.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        record = metadata.read_run_config(path)
        self.created, self.recipe, self.note = record.created, record.recipe, record.note
        self._record, self._config = record, record.config
        self.dataset, self.model, self.noise, self.seed, self.pretrained = (
            str(self._config.get(setting, "")) for setting in ("dataset", "model", "noise", "seed", "pretrained")
        )
        self.status = RunStatus(path)
        self.model_path = path / "model.safetensors"
        self._resume_path = path / "resume.safetensors"

    @classmethod
    def create(
        cls, config: TrainConfig, *, root: Path | str | None = None, name: str = "", recipe: str = "", note: str = ""
    ) -> "Run":
        """Create the directory of a new run.

        Args:
            name: "" for the recipe's name or one made of data set and model, with a number if it is taken.

        Raises:
            RunError: the name is invalid or taken, or the directory cannot be written.
        """
        folder = runs_root(root)
        if name:
            check_name(name)
        try:
            with create_run_dir(folder, name or default_name(config, recipe), numbered=not name) as path:
                (path / "previews").mkdir()
                RunStatus(path).set("stopped", "Not started yet.")
                # Last, because a directory counts as a run once it has a config.json.
                metadata.write_run_config(path, config, recipe, note)
        except OSError as error:
            raise RunError(
                f"The runs folder {folder} cannot be written: {error.strerror}. Choose another with --checkpoints or "
                "DAE_CHECKPOINTS."
            ) from error
        return cls(path)

    @property
    def config(self) -> TrainConfig:
        """Return the requested training; raise SpecError if a value is unknown to this version."""
        return self._record.train_config

    @property
    def state(self) -> str:
        """Return queued, running, paused, stopped, finished, failed or interrupted."""
        return self.status.state

    def progress(self) -> list[dict[str, Any]]:
        """Return the lines of progress, oldest first, with the keys of `ProgressRecord`."""
        return read_progress(self.path)

    def metadata(self) -> RunMetadata | None:
        """Return device and baselines, or None if training has not started or the file is damaged."""
        return metadata.read_metadata(self.path)

    def seed_results(self) -> list[dict[str, Any]]:
        """Return measured results of this training over several seeds, see `read_seed_results`; often empty."""
        return metadata.read_seed_results(self.path)

    # Weights

    @property
    def has_model(self) -> bool:
        """Return whether weights have been saved."""
        return self.model_path.is_file()

    def load(self) -> Checkpoint:
        """Return the trained model; raise CheckpointError if it is missing or damaged."""
        if not self.has_model:
            raise CheckpointError(f"Run {self.name!r} has no weights yet. Wait for the end of its first epoch.")
        return load_checkpoint(self.model_path)

    def describe_model(self) -> tuple[str, Shape]:
        """Return architecture and image shape from the header of the weights; raise CheckpointError."""
        return read_header(self.model_path)[:2]

    def save_model(self, model: Autoencoder, shape: Shape) -> None:
        """Write the weights of a model for images of `shape` (C, H, W); raise OSError if the write fails."""
        save_checkpoint(self.model_path, model, self.model, shape, self._config)

    @property
    def has_checkpoint(self) -> bool:
        """Return whether there is a training state to resume from."""
        return self._resume_path.is_file()

    def save_state(self, state: TrainState) -> None:
        """Write the training state at the end of an epoch; raise OSError if the write fails."""
        save_tensors(self._resume_path, state.state_dict(), {"format": metadata.FORMAT})

    def restore_state(self, state: TrainState) -> None:
        """Load the last saved training state into `state`, if there is one; raise CheckpointError if it is damaged."""
        if self.has_checkpoint:
            try:
                read_tensor_metadata(self._resume_path)
                state.load_state_dict(read_tensors(self._resume_path))
            except (KeyError, ValueError, IndexError, RuntimeError) as error:
                raise CheckpointError(
                    f"{self._resume_path} does not match the run's configuration. Start a new run."
                ) from error

    # Previews

    def preview_path(self, which: int | str) -> Path:
        """Return the path of the preview of an epoch, or of "clean", "noisy" or a step such as "step-000000016"."""
        return self.path / "previews" / (f"epoch-{which:04d}.png" if isinstance(which, int) else f"{which}.png")

    def save_preview(self, which: int | str, images: Tensor) -> None:
        """Write images (N, C, H, W) side by side as the preview `which`; raise OSError if the write fails."""
        with atomic_write(self.preview_path(which)) as temporary:
            hstack(images).save(temporary, "PNG")

    def filters_path(self, which: int | str) -> Path:
        """Return the path of the filters that belong to the preview `which`."""
        return self.path / "filters" / self.preview_path(which).name

    def save_filters(self, which: int | str, filters: Tensor) -> None:
        """Write filters, uint8 (N, C, h, w), as those of the preview `which`; raise OSError if the write fails."""
        path = self.filters_path(which)
        path.parent.mkdir(exist_ok=True)
        # Only the page reads them, and it leaves out damaged ones.
        with atomic_write(path, durable=False) as temporary:
            hstack(filters).save(temporary, "PNG")

    # Life cycle

    def acquire(self) -> None:
        """Lock the run for training until `status.release`.

        Raises:
            RunError: another process has locked the run, or it is finished.
        """
        self.status.acquire()
        if self.state == "finished":
            self.status.release()
            raise RunError(f"Run {self.name!r} is finished. Start a new run from its recipe, or with more epochs.")
        # A remaining request was meant for an earlier training.
        self.status.clear_stop_request()

    def finish(self) -> None:
        """Mark the run as finished and delete the files that only a resume needs."""
        self.status.set("finished")
        for path in (self._resume_path, self.path / "failure.txt"):
            path.unlink(missing_ok=True)

    def rename(self, name: str) -> "Run":
        """Rename the run; raise RunError if the name is invalid or taken, or another process has locked the run."""
        check_name(name)
        target = self.path.parent / name
        self.status.acquire()
        try:
            if target.exists():
                raise RunError(f"There is a run {name!r} already. Choose another name.")
            os.rename(self.path, target)
        except OSError as error:
            raise RunError(f"Run {self.name!r} cannot be renamed: {error.strerror}.") from error
        finally:
            self.status.release()
        return Run(target)

    def delete(self) -> None:
        """Delete the run and all its files; raise RunError if another process has locked it."""
        self.status.acquire()
        try:
            # Without this file the directory is no run, even if deleting the others fails.
            (self.path / metadata.CONFIG_FILE).unlink()
        except OSError as error:
            raise RunError(f"Run {self.name!r} cannot be deleted: {error.strerror}.") from error
        finally:
            self.status.release()
        shutil.rmtree(self.path, ignore_errors=True)
