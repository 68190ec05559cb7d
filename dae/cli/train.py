"""dae train, alone or as one of several processes that torchrun starts."""

import math
import sys
from dataclasses import replace

from tqdm import tqdm

from dae import recipes, words
from dae.cli.command import Commands, Options, command, noise
from dae.config import TrainConfig
from dae.errors import SpecError
from dae.parallel import Crew, joined
from dae.recording import Materials, follow, prepare, record
from dae.registry import lookup
from dae.runs import RunDirectory, find_run

_LEARNT = ("dataset", "model", "pretrained", "noise", "target", "teacher")
_CHANGED = (*_LEARNT, "epochs", "batch_size", "lr", "seed", "device", "images")
_OF_NEW = ("recipe", "name", "note", *_CHANGED)


def add(commands: Commands) -> None:
    parser = command(commands, "train", _train, "Train a model and keep the run.")
    parser.add_argument("--recipe", metavar="NAME", help="a named training; other options change it")
    parser.add_argument("--dataset", metavar="NAME", help="a data set, or folder:PATH")
    parser.add_argument("--model", metavar="NAME", help="an architecture")
    parser.add_argument("--pretrained", metavar="RUN", help="a run whose weights to begin with; '' for random ones")
    parser.add_argument(
        "--noise", type=noise, help="kind:level or kind:low-high, with :unclipped if wanted; + joins several"
    )
    parser.add_argument("--target", metavar="NAME", help="clean, or noisy to learn without clean pictures")
    parser.add_argument("--teacher", metavar="RUN", help="a run whose answers to learn, too; '' for none")
    parser.add_argument("--epochs", type=int, metavar="N", help="passes over the pictures")
    parser.add_argument("--batch-size", type=int, metavar="N", help="pictures a step")
    parser.add_argument("--lr", type=float, metavar="RATE", help="the highest learning rate")
    parser.add_argument("--images", type=int, metavar="N", help="train on the first N images only")
    parser.add_argument("--seed", type=int, metavar="N", help="of all that is left to chance")
    parser.add_argument("--device", metavar="NAME", help="auto, cpu, cuda, cuda:1 or mps")
    parser.add_argument("--name", metavar="RUN", help="what to call the run")
    parser.add_argument("--note", metavar="TEXT", help="a line kept with the run")
    parser.add_argument("--resume", metavar="RUN", help="go on with a stopped or interrupted run instead")


def _train(options: Options) -> None:
    if options.resume and (given := _given(options)):
        raise SpecError(
            f"A run that is resumed keeps what it was asked for, so {words.listing(given)} cannot be given. "
            "Leave that out, or begin a new run without --resume."
        )
    with joined() as crew:
        run = find_run(options.resume, options.checkpoints) if options.resume else None
        config = run.config if run else _config(options)
        folder = run.path.parent if run else options.checkpoints
        materials = prepare(config, folder, options.data, crew, run)  # before a folder is made for the run
        if crew.rank:
            follow(config, materials, run, crew)
            return
        new = {name: getattr(options, name) or "" for name in ("name", "recipe", "note")}
        _record(run or RunDirectory.create(config, root=options.checkpoints, **new), materials, crew)


def _given(options: Options) -> list[str]:
    """What is asked for of a new run, as it is written."""
    return ["--" + name.replace("_", "-") for name in _OF_NEW if getattr(options, name) is not None]


def _config(options: Options) -> TrainConfig:
    recipe = lookup("recipe", recipes.RECIPES, options.recipe) if options.recipe else None
    given = {name: value for name in _CHANGED if (value := getattr(options, name)) is not None}
    return replace(recipe.config if recipe else TrainConfig(), **given)


def _record(run: RunDirectory, materials: Materials, crew: Crew) -> None:
    if note := materials.train.note:
        print(note)
    print(f"Run {run.name} in {run.path}" + (f", trained by {crew.size} processes" if crew.size > 1 else ""))
    with tqdm(unit=" steps", dynamic_ncols=True) as bar:
        for report in record(run, crew=crew, materials=materials):
            bar.total = report.steps
            bar.update(report.step - bar.n)
            if report.loss is not None and report.images_per_second is not None:
                bar.set_postfix_str(f"loss {report.loss:.4f}, {report.images_per_second:,.0f} images/s")
            if report.scores and report.noisy_scores:
                gain = report.scores.psnr_db - report.noisy_scores.psnr_db
                clearer = f" ({gain:+.2f} dB over the noisy input)" if math.isfinite(gain) else ""
                bar.write(
                    f"epoch {report.epoch}/{report.epochs}  mse {report.scores.mse:.5f}  "
                    f"psnr {report.scores.psnr_db:.2f} dB{clearer}  "
                    f"ssim {report.scores.ssim:.4f}  {report.seconds:.1f} s",
                    file=sys.stdout,
                )
    if run.state == "stopped":
        print(f"Stopped on request; `dae train --resume {run.name}` goes on.")
