"""Run `fit` and write every report, preview and checkpoint to the run directory."""

import traceback
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from dae.data import ImageSet, load_dataset
from dae.errors import CheckpointError, DaeError, DataError, ProcessLostError, RunError, SpecError
from dae.evaluation import make_filter, score, tune_strength
from dae.models import Autoencoder, build_model
from dae.runs import progress
from dae.runs.directory import Run
from dae.runs.metadata import RunMetadata, machine_id, write_metadata
from dae.runs.pretrained import load_pretrained, load_teacher
from dae.training import DistributedContext, TrainConfig, TrainReport, TrainState, fit
from dae.training.distributed import SINGLE_PROCESS
from dae.training.validation import NUM_PREVIEW_IMAGES, validation_pair
from dae.utils.device import as_device, describe_device
from dae.utils.files import explain_write_error
from dae.utils.random import make_generator
from dae.viz.filters import first_layer_filters


class TrainingInputs(NamedTuple):
    """Everything that training reads besides its config.

    Attributes:
        device: name of this process's device.
        teacher: maps noisy images (B, C, H, W) to the teacher's output, None without distillation.
        pretrained: model that provides the initial weights, None for random ones.
    """

    train: ImageSet
    validation: ImageSet
    device: str
    teacher: Callable[[Tensor], Tensor] | None
    pretrained: Autoencoder | None

    def build_state(self, config: TrainConfig) -> TrainState:
        """Return the initial training state on this process's device."""
        return TrainState(replace(config, device=self.device), self.train.shape, self.pretrained)


def load_inputs(
    config: TrainConfig,
    root: Path | str | None = None,
    data_root: Path | str | None = None,
    group: DistributedContext = SINGLE_PROCESS,
    run: Run | None = None,
) -> TrainingInputs:
    """Load data, teacher and initial weights, and validate the config before a run directory is created.

    Args:
        root: runs directory to search for the teacher and the initial weights.
        data_root: directory of data sets.
        run: existing run that will be trained. A run with a checkpoint needs no initial weights.

    Raises:
        DaeError: device, images, teacher or initial weights are missing, the model cannot process images of this
            shape, or a batch has fewer images than there are processes.
    """
    if config.batch_size < group.world_size:
        raise SpecError(
            f"A batch of {config.batch_size} cannot be shared by {group.world_size} processes. Raise the batch size."
        )
    name = group.device(config.device)
    device = as_device(name)
    train, validation = (load_dataset(config.dataset, split, root=data_root) for split in ("train", "validation"))
    build_model(config.model, config.input_shape(train.shape), make_generator(0))
    if run:
        train = _compare_images(run, train)
    has_weights = run and (run.has_checkpoint or run.state == "finished")
    pretrained = None if has_weights else load_pretrained(config, train.shape, root)
    return TrainingInputs(train, validation, name, load_teacher(config, train, device, root), pretrained)


def _compare_images(run: Run, train: ImageSet) -> ImageSet:
    """Return the training images of a run that is resumed, with a note if they changed since it started.

    Raises:
        DataError: they now have another shape than those that the model was trained on.
    """
    shape = train.shape
    # Damaged weights do not matter to a run that has its training state.
    with suppress(CheckpointError):
        shape = run.describe_model()[1] if run.has_model else shape
    if shape != train.shape:
        raise DataError(
            f"The images of {train.name} now have shape {train.shape}, but run {run.name!r} was trained on {shape} "
            "(channels, height, width). Restore the images, or start a new run."
        )
    before = run.metadata()
    if not before or before.images in ("", _images_fingerprint(train)):
        return train
    change = f"The images changed since the run started: {before.num_images} before, {len(train)} now."
    return replace(train, note=f"{change} {train.note}".rstrip())


def _images_fingerprint(images: ImageSet) -> str:
    """Return a hash of the shape and of images at equal distances, as a data set may exceed the memory.

    At most 4,096 images and 64 MiB in total.
    """
    return images.fingerprint(max(len(images) // 4_096, images.images.nbytes >> 26) + 1)


def train_worker(config: TrainConfig, inputs: TrainingInputs, run: Run | None, group: DistributedContext) -> None:
    """Train on a rank above 0, in step with `run_training` on rank 0, without writing any file.

    Args:
        run: run to resume, None for a new one.

    Raises:
        DaeError: as `fit`.
    """
    state = inputs.build_state(config)
    if run:
        run.restore_state(state)
    for _ in group.synchronize(fit(config, state, inputs.train, inputs.validation, group, inputs.teacher)):
        pass


def run_training(
    run: Run,
    data_root: Path | str | None = None,
    group: DistributedContext = SINGLE_PROCESS,
    inputs: TrainingInputs | None = None,
) -> Generator[TrainReport, None, None]:
    """Train the run from its last checkpoint, yielding each report once it is on disk.

    The run is locked from the first `next` until the generator ends. Closing the generator, Ctrl-C and a stop request
    through `run.status` leave a stopped run with its current weights, which resumes from its last complete epoch.

    Args:
        group: process group, of which this process is rank 0. The other ranks call `train_worker`.
        inputs: result of `load_inputs` for this run, None to load them here.

    Raises:
        RunError: the run is finished, another process writes it, or its directory cannot be written.
        DaeError: as `load_inputs` and `fit`. The run's status contains the message.
    """
    # The training queue has already locked the runs that wait in it.
    needs_lock = not run.status.is_locked_by_us
    if needs_lock:
        run.acquire()
    try:
        yield from _run_training(run, data_root, group, inputs)
    except ProcessLostError as error:
        run.status.set("stopped", str(error))
        raise
    except DaeError as error:
        _set_failed(run, str(error))
        raise
    except OSError as error:
        disk_error = RunError(f"Run {run.name!r} cannot be written: {explain_write_error(error)}")
        _set_failed(run, str(disk_error))
        raise disk_error from error
    except Exception as error:
        _set_failed(run, f"Training failed: {error}. The traceback is in {run.path / 'failure.txt'}.")
        raise
    finally:
        if needs_lock:
            run.status.release()


def _run_training(
    run: Run, data_root: Path | str | None, group: DistributedContext, inputs: TrainingInputs | None
) -> Generator[TrainReport, None, None]:
    config = run.config
    run.status.set("running")
    inputs = inputs or load_inputs(config, run.path.parent, data_root, group, run)
    train, validation = inputs.train, inputs.validation
    state = inputs.build_state(config)
    run.restore_state(state)
    progress.truncate_progress(run.path, state.step)
    _save_baselines(run, inputs, state, group)
    stop_requested = False
    try:
        with closing(group.synchronize(fit(config, state, train, validation, group, inputs.teacher))) as reports:
            for report in reports:
                if report.preview is not None:
                    which = progress.preview_of(vars(report))
                    run.save_preview(which, report.preview)
                    if (filters := first_layer_filters(state.ema_model, train.shape)) is not None:
                        run.save_filters(which, filters)
                progress.append_report(run.path, report)
                if report.scores:
                    # In this order a crash between the two repeats an epoch instead of losing its weights.
                    run.save_model(state.ema_model, train.shape)
                    run.save_state(state)
                yield report
                stop_requested = run.status.stop_requested and report.step < report.steps
                if stop_requested:
                    break
    except (GeneratorExit, KeyboardInterrupt):
        run.save_model(state.ema_model, train.shape)
        run.status.set("stopped")
        raise
    if stop_requested:
        run.save_model(state.ema_model, train.shape)
        run.status.set("stopped", "Stopped on request.")
    else:
        run.finish()


def _save_baselines(run: Run, inputs: TrainingInputs, state: TrainState, group: DistributedContext) -> None:
    """Save the clean and noisy previews, the metrics of the baselines and the facts about data and machine."""
    train = inputs.train
    clean, noisy = validation_pair(run.config, inputs.validation)
    run.save_preview("clean", clean[:NUM_PREVIEW_IMAGES])
    run.save_preview("noisy", noisy[:NUM_PREVIEW_IMAGES])
    median = make_filter("median", tune_strength("median", train, run.config.noise))(noisy)
    metadata = RunMetadata(
        device=describe_device(state.device),
        precision="bfloat16" if state.bfloat16 else "float32",
        baselines={"noisy input": score(noisy, noisy, clean), "median filter": score(median, noisy, clean)},
        world_size=group.world_size,
        note=train.note,
        machine_id=machine_id(),
        images=_images_fingerprint(train),
        num_images=len(train),
    )
    # After a run resumes on another computer or device, its training time is a sum over both and measures neither.
    before = run.metadata()
    if state.step and not (before and before.is_same_machine(metadata)):
        metadata = metadata.model_copy(update={"machine_id": ""})
    write_metadata(run.path, metadata)


def _set_failed(run: Run, message: str) -> None:
    """Write the state and the current traceback. Without a state, a run that no process has locked is interrupted."""
    with suppress(OSError):
        # A path in the message may be no valid Unicode.
        run.status.set("failed", message.encode(errors="backslashreplace").decode())
    with suppress(OSError):
        (run.path / "failure.txt").write_text(traceback.format_exc(), encoding="utf-8", errors="backslashreplace")
