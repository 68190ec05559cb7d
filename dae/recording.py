"""A training that keeps itself: `fit`, with everything it says written to its run directory."""

import traceback
from collections.abc import Generator
from pathlib import Path

from dae.classical import classical_denoiser, tuned
from dae.data import load_dataset
from dae.devices import describe_device
from dae.errors import DaeError, RunError
from dae.facts import Facts
from dae.runs import RunDirectory
from dae.training import PREVIEWS, Report, TrainState, fit, fixed_noise, score


def record(run: RunDirectory, data_root: Path | str | None = None) -> Generator[Report, None, None]:
    """Train the run from where it stands, yielding each report once it is on disk.

    Whoever stops iterating before the end (`close`, or Ctrl-C) leaves a stopped run that can be recorded again; it
    goes on from its last whole epoch. The caller owns nothing: the run is taken at the first `next` and given back
    at the end, however that comes.

    Raises:
        RunError: the run is finished, another process writes it, or its disk refuses.
        DaeError: as `load_dataset` and `fit`; the run then says why it failed.
    """
    mine = not run.status.held  # the lab holds its runs while they wait
    if mine:
        run.take()
    try:
        yield from _record(run, data_root)
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


def _record(run: RunDirectory, data_root: Path | str | None) -> Generator[Report, None, None]:
    config = run.config
    run.status.set("running")
    train, validation = (load_dataset(config.dataset, split, root=data_root) for split in ("train", "test"))
    state = TrainState(config, train.shape)
    run.restore(state)
    clean, noisy = fixed_noise(config, validation)
    run.save_preview("clean", clean[:PREVIEWS])
    run.save_preview("noisy", noisy[:PREVIEWS])
    median = classical_denoiser("median", tuned("median", train, config.noise))(noisy)
    references = {"doing nothing": score(noisy, noisy, clean), "median filter": score(median, noisy, clean)}
    run.save_facts(Facts(describe_device(state.device), references))
    try:
        for report in fit(config, state, train, validation):
            if report.preview is not None:
                run.save_preview(report.epoch, report.preview)
            run.append(report)
            if report.scores:
                run.save_model(state, train.shape)  # first: a resume repeats an epoch rather than skip its weights
                run.save_state(state)
            yield report
    except (GeneratorExit, KeyboardInterrupt):
        run.save_model(state, train.shape)
        run.status.set("stopped")
        raise
    run.finish()


def _fail(run: RunDirectory, message: str) -> None:
    try:
        (run.path / "failure.txt").write_text(traceback.format_exc())
        run.status.set("failed", message)
    except OSError:
        pass  # the disk that refused the run refuses this too; without an owner it reads as interrupted
