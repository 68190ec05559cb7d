"""`dae train`: train a model in one process, or in each of several that torchrun starts."""

import math
import shlex
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

from tqdm import tqdm

from dae.cli.common import Commands, Options, RenamedOption, add_command, noise_argument
from dae.errors import SpecError
from dae.evaluation import Scores
from dae.runs import Run, find_run, load_inputs, run_training
from dae.runs.recorder import TrainingInputs, train_worker
from dae.training import RECIPES, DistributedContext, TrainConfig, TrainReport
from dae.training.distributed import init_distributed
from dae.utils.registry import lookup
from dae.utils.text import join_words

# Options that set the field of `TrainConfig` with the same name.
_CONFIG_OPTIONS = (
    *("dataset", "model", "pretrained", "noise", "target", "teacher"),
    *("epochs", "batch_size", "lr", "seed", "device", "max_images"),
)
# Options that describe a new run. A resumed run has them stored.
_NEW_RUN_OPTIONS = ("recipe", "name", "note", *_CONFIG_OPTIONS)


def add(commands: Commands) -> None:
    """Register the command."""
    parser = add_command(commands, "train", _train, "Train a model and store the run.")
    parser.add_argument("--recipe", metavar="NAME", help="named configuration; other options override its settings")
    parser.add_argument("--dataset", metavar="NAME", help="data set, or folder:PATH or photos:PATH for a folder")
    parser.add_argument("--model", metavar="NAME", help="architecture")
    parser.add_argument("--pretrained", metavar="RUN", help="run that provides the initial weights ('': random)")
    parser.add_argument(
        "--noise",
        type=noise_argument,
        metavar="SPEC",
        help="kind:level or kind:low-high, optionally :unclipped; + joins kinds",
    )
    parser.add_argument("--target", metavar="NAME", help="clean, or noisy to train without clean images (Noise2Noise)")
    parser.add_argument("--teacher", metavar="RUN", help="run to distill from ('' disables distillation)")
    parser.add_argument("--epochs", type=int, metavar="N", help="passes over the training set")
    parser.add_argument("--batch-size", type=int, metavar="N", help="images per step, over all processes")
    parser.add_argument("--lr", type=float, metavar="RATE", help="peak learning rate")
    parser.add_argument("--max-images", type=int, metavar="N", help="train on the first N images only")
    parser.add_argument("--images", dest="max_images", type=int, action=RenamedOption, renamed_to="--max-images")
    parser.add_argument("--seed", type=int, metavar="N", help="random seed")
    parser.add_argument("--device", metavar="NAME", help="auto, cpu, cuda, cuda:1 or mps")
    parser.add_argument("--name", metavar="RUN", help="name of the run (default: the recipe, else data set and model)")
    parser.add_argument("--note", metavar="TEXT", help="one line stored with the run")
    parser.add_argument("--resume", metavar="RUN", help="resume a stopped or interrupted run")


def _train(options: Options) -> None:
    explicit = {name: value for name in _NEW_RUN_OPTIONS if (value := getattr(options, name)) is not None}
    if options.resume and explicit:
        names = join_words([f"--{name.replace('_', '-')}" for name in explicit])
        raise SpecError(f"Resumed runs keep their settings: {names} cannot change. Omit them or start a new run.")
    with init_distributed() as group, _signals_as_ctrl_c(group):
        run = find_run(options.resume, options.checkpoints) if options.resume else None
        config = run.config if run else _build_config(options)
        root = run.path.parent if run else options.checkpoints
        # A missing data set or teacher raises here, before a run directory is created.
        inputs = load_inputs(config, root, options.data, group, run)
        if group.rank:
            train_worker(config, inputs, run, group)
            return
        labels = {name: getattr(options, name) or "" for name in ("name", "recipe", "note")}
        run = run or Run.create(config, root=options.checkpoints, **labels)
        try:
            _record(run, inputs, group)
        finally:
            if run.state == "stopped":
                print(f"Stopped. `dae train --resume {shlex.quote(str(run.path))}` continues it.")


@contextmanager
def _signals_as_ctrl_c(group: DistributedContext) -> Iterator[None]:
    """Treat SIGTERM, of process managers, and SIGHUP, of a closed terminal, like Ctrl-C: the weights are saved.

    A SIGHUP that is ignored, as under nohup, stays ignored.

    With several processes, `init_distributed` handles the SIGTERM of their launcher.
    """
    # Python allows signal handlers in the main thread only.
    if group.world_size > 1 or threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    previous = {number: handler for number in numbers if (handler := signal.getsignal(number)) != signal.SIG_IGN}
    for number in previous:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _build_config(options: Options) -> TrainConfig:
    base = lookup("recipe", RECIPES, options.recipe).config if options.recipe else TrainConfig()
    changes = {name: value for name in _CONFIG_OPTIONS if (value := getattr(options, name)) is not None}
    return replace(base, **changes)


def _record(run: Run, inputs: TrainingInputs, group: DistributedContext) -> None:
    if inputs.train.note:
        print(inputs.train.note)
    processes = f", trained by {group.world_size} processes" if group.world_size > 1 else ""
    print(f"Run {run.name} in {run.path}{processes}")
    reports = run_training(run, group=group, inputs=inputs)
    with closing(reports), tqdm(unit=" steps", dynamic_ncols=True) as bar:
        for report in reports:
            bar.total = report.steps
            bar.update(report.step - bar.n)
            if report.loss is not None and report.images_per_second is not None:
                bar.set_postfix_str(f"loss {report.loss:.4f}, {report.images_per_second:,.0f} images/s")
            if report.scores and report.noisy_scores:
                bar.write(_epoch_line(report, report.scores, report.noisy_scores), file=sys.stdout)


def _epoch_line(report: TrainReport, scores: Scores, noisy_scores: Scores) -> str:
    gain_db = scores.psnr_db - noisy_scores.psnr_db
    gain = f" ({gain_db:+.2f} dB over the noisy input)" if math.isfinite(gain_db) else ""
    return (
        f"epoch {report.epoch}/{report.epochs}  mse {scores.mse:.5f}  psnr {scores.psnr_db:.2f} dB{gain}"
        f"  ssim {scores.ssim:.4f}  {report.seconds:.1f} s"
    )
