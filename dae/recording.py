"""A training that keeps itself: `fit`, with everything it says written to its run directory."""

import traceback
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from dae.classical import classical_denoiser, tuned
from dae.config import TrainConfig
from dae.data import load_dataset
from dae.devices import as_device, describe_device, flushed_denormals
from dae.errors import DaeError, ProcessLost, RunError, SpecError
from dae.facts import Facts
from dae.models import Autoencoder, build_model
from dae.packed import ImageSet
from dae.parallel import ALONE, Crew
from dae.pretrained import find_pretrained
from dae.runs import RunDirectory
from dae.seeds import generator
from dae.state import TrainState
from dae.teaching import find_teacher
from dae.training import PREVIEWS, Report, fit, fixed_noise, score


class Materials(NamedTuple):
    """What a training works with."""

    train: ImageSet
    validation: ImageSet
    device: str
    teacher: Callable[[Tensor], Tensor] | None
    pretrained: Autoencoder | None

    def begin(self, config: TrainConfig) -> TrainState:
        """A training with these materials, at its beginning."""
        return TrainState(replace(config, device=self.device), self.train.shape, self.pretrained)


def prepare(
    config: TrainConfig,
    root: Path | str | None = None,
    data_root: Path | str | None = None,
    crew: Crew = ALONE,
    run: RunDirectory | None = None,
) -> Materials:
    """Open what a training needs; before a folder is made for its run, this finds out what would keep it from starting.

    Args:
        root: the folder of runs, for a teacher and first weights.
        run: the one that is to be trained, if there is one; once it has begun it needs no first weights.

    Raises:
        DaeError: the device, the images, the teacher or the first weights are missing, the model is not for such
            images, or the batches are too small for the crew.
    """
    if config.batch_size < crew.size:
        raise SpecError(
            f"A batch of {config.batch_size} cannot be shared by {crew.size} processes; raise the batch size."
        )
    name = crew.device(config.device)
    device = as_device(name)
    train, validation = (load_dataset(config.dataset, split, root=data_root) for split in ("train", "test"))
    build_model(config.model, train.shape, generator(0))
    begun = run and (run.has_begun or run.state == "finished")
    pretrained = None if begun else find_pretrained(config, train.shape, root)
    return Materials(train, validation, name, find_teacher(config, train, device, root), pretrained)


def follow(config: TrainConfig, materials: Materials, run: RunDirectory | None, crew: Crew) -> None:
    """Train along with rank 0, which alone writes the run: the counterpart of its `record`.

    Args:
        run: the one to go on with, which this process reads; None where it begins.

    Raises:
        DaeError: as `fit`.
    """
    state = materials.begin(config)
    if run:
        run.restore(state)
    for _ in crew.together(fit(config, state, materials.train, materials.validation, crew, materials.teacher)):
        pass


def record(
    run: RunDirectory,
    data_root: Path | str | None = None,
    crew: Crew = ALONE,
    materials: Materials | None = None,
) -> Generator[Report, None, None]:
    """Train the run from where it stands, yielding each report once it is on disk.

    Whoever stops iterating before the end (`close`, or Ctrl-C) leaves a stopped run that can be recorded again; it
    goes on from its last whole epoch. So does whoever requests it through `run.status`, from any process. The caller
    owns nothing: the run is taken at the first `next` and given back at the end, however that comes.

    Args:
        crew: whose rank 0 this is; the others `follow`.
        materials: what `prepare` gave for this run; None: it is prepared here.

    Raises:
        RunError: the run is finished, another process writes it, or its disk refuses.
        DaeError: as `load_dataset` and `fit`; the run then says why it failed.
    """
    mine = not run.status.held  # the lab holds its runs while they wait
    if mine:
        run.take()
    try:
        with flushed_denormals():  # from the first picture on, so that all of PyTorch's threads do so
            yield from _record(run, data_root, crew, materials)
    except ProcessLost as error:
        run.status.set("stopped", str(error))
        raise
    except DaeError as error:
        _fail(run, str(error))
        raise
    except OSError as error:
        refused = RunError(f"Run {run.name!r} cannot be written: {error.strerror or error}. Free some space.")
        _fail(run, str(refused))
        raise refused from error
    except Exception as error:
        _fail(run, f"Training failed: {error}. The full trace is in {run.path / 'failure.txt'}.")
        raise
    finally:
        if mine:
            run.status.release()


def _record(
    run: RunDirectory, data_root: Path | str | None, crew: Crew, materials: Materials | None
) -> Generator[Report, None, None]:
    config = run.config
    run.status.set("running")
    materials = materials or prepare(config, run.path.parent, data_root, crew, run)
    train, validation = materials.train, materials.validation
    state = materials.begin(config)
    run.restore(state)
    run.rewind(state.step)
    clean, noisy = fixed_noise(config, validation)
    run.save_preview("clean", clean[:PREVIEWS])
    run.save_preview("noisy", noisy[:PREVIEWS])
    median = classical_denoiser("median", tuned("median", train, config.noise))(noisy)
    references = {"doing nothing": score(noisy, noisy, clean), "median filter": score(median, noisy, clean)}
    run.save_facts(Facts(describe_device(state.device), references, crew.size, train.note))
    asked = False
    try:
        with closing(crew.together(fit(config, state, train, validation, crew, materials.teacher))) as reports:
            for report in reports:
                if report.preview is not None:
                    run.save_preview(report.epoch, report.preview)
                run.append(report)
                if report.scores:
                    run.save_model(state, train.shape)  # first: a resume repeats an epoch rather than skip its weights
                    run.save_state(state)
                yield report
                asked = run.status.stop_requested and report.step < report.steps
                if asked:
                    break
    except (GeneratorExit, KeyboardInterrupt):
        run.save_model(state, train.shape)
        run.status.set("stopped")
        raise
    if asked:
        run.save_model(state, train.shape)
        run.status.set("stopped", "Stopped on request.")
    else:
        run.finish()


def _fail(run: RunDirectory, message: str) -> None:
    try:
        (run.path / "failure.txt").write_text(traceback.format_exc())
        run.status.set("failed", message)
    except OSError:
        pass  # the disk that refused the run refuses this too; without an owner it reads as interrupted
