"""The command line: dae train | evaluate | denoise | list | download | import-weights."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from dae import data, pictures, recipes, uploads
from dae.checkpoints import import_weights
from dae.classical import CLASSICAL, TUNING_IMAGES
from dae.cli_tables import print_measured, print_table
from dae.config import TrainConfig
from dae.contenders import classical, trained
from dae.devices import as_device
from dae.errors import DaeError, DataError
from dae.evaluation import evaluate
from dae.files import whole_file
from dae.models import MODELS
from dae.noise import NOISES, NoiseSpec, corrupt
from dae.recording import record
from dae.registry import lookup
from dae.runs import RunDirectory, find_run, list_runs
from dae.seeds import generator
from dae.tiling import denoise_tiled


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 2 for a mistake told in one sentence, 130 for Ctrl-C."""
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
    except DaeError as error:
        print(f"dae: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever read the output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        print("dae: stopped", file=sys.stderr)
        return 130
    return 0


def _train(options: argparse.Namespace) -> None:
    if options.resume:
        run = find_run(options.resume, options.checkpoints)
    else:
        recipe = lookup("recipe", recipes.RECIPES, options.recipe) if options.recipe else None
        names = ("dataset", "model", "noise", "epochs", "batch_size", "lr", "seed", "device", "images")
        given = {name: value for name in names if (value := getattr(options, name)) is not None}
        config = replace(recipe.config if recipe else TrainConfig(), **given)
        as_device(config.device)  # these two before a folder is made for the run
        data.load_dataset(config.dataset, root=options.data)
        run = RunDirectory.create(
            config,
            root=options.checkpoints,
            name=options.name or "",
            recipe=options.recipe or "",
            note=options.note,
        )
    print(f"Run {run.name} in {run.path}")
    with tqdm(unit=" steps", dynamic_ncols=True) as bar:
        for report in record(run, options.data):
            bar.total = report.steps
            bar.update(report.step - bar.n)
            if report.loss is not None and report.images_per_second is not None:
                bar.set_postfix_str(f"loss {report.loss:.4f}, {report.images_per_second:,.0f} images/s")
            if report.scores and report.noisy_scores:
                gain = report.scores.psnr_db - report.noisy_scores.psnr_db
                bar.write(
                    f"epoch {report.epoch}/{report.epochs}  mse {report.scores.mse:.5f}  "
                    f"psnr {report.scores.psnr_db:.2f} dB ({gain:+.2f} dB over the noisy input)  "
                    f"ssim {report.scores.ssim:.4f}  {report.seconds:.1f} s",
                    file=sys.stdout,
                )


def _evaluate(options: argparse.Namespace) -> None:
    runs = {name: find_run(name, options.checkpoints) for name in options.contenders if name not in CLASSICAL}
    first = next(iter(runs.values()), None)
    config = first.config if first else TrainConfig()
    dataset = options.dataset or config.dataset
    noises = [NoiseSpec.parse(text) for text in options.noise or [str(config.noise)]]
    images = data.load_dataset(dataset, "test", root=options.data, limit=options.limit)
    contenders = []
    for name in dict.fromkeys(options.contenders):
        if name in runs:
            contenders.append(trained(runs[name].name, runs[name].load(), images))
        else:
            tuning = data.load_dataset(dataset, "train", root=options.data, limit=TUNING_IMAGES)
            contenders.append(classical(name, tuning))
    print_measured(list(evaluate(contenders, images, noises, options.seed)), options.form)
    if not options.form:
        print(
            f"\nMeans of per-image values over {len(images)} test images, outputs clamped, seed {options.seed}; "
            "± is half the 95 % interval of the mean."
        )


def _denoise(options: argparse.Namespace) -> None:
    checkpoint = find_run(options.run, options.checkpoints).load()
    noisy, resized = uploads.fit_picture(uploads.read_picture(_read(Path(options.source))), checkpoint)
    if options.noise:
        noisy = corrupt(noisy, NoiseSpec.parse(options.noise), generator(options.seed))
    denoised = denoise_tiled(checkpoint.model, noisy)
    try:
        with whole_file(Path(options.target)) as temporary:
            pictures.grid(denoised, columns=1).save(temporary, "PNG")
    except OSError as error:
        raise DataError(f"{options.target} cannot be written: {error.strerror}.") from error
    height, width = denoised.shape[-2:]
    print(f"{options.target}: {width} x {height}" + (", resized to fit the model" if resized else ""))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error


def _list(options: argparse.Namespace) -> None:
    sections: dict[str, list[dict[str, Any]]] = {
        "recipes": [
            {"name": name, "what": entry.label, "source": entry.source or "ours"}
            for name, entry in recipes.RECIPES.items()
        ],
        "models": [{"name": name, "what": entry.label, "family": entry.family} for name, entry in MODELS.items()],
        "noises": [{"name": name, "what": entry.help, "level": entry.unit} for name, entry in NOISES.items()],
        "datasets": [
            {
                "name": name,
                "what": entry.label,
                "here": "yes" if data.is_available(name, options.data) else f"dae download {name}",
            }
            for name, entry in data.DATASETS.items()
        ],
        "runs": [
            {"name": run.name, "what": run.note or run.recipe, "state": run.state}
            for run in list_runs(options.checkpoints)
        ],
    }
    if options.json:
        print(json.dumps(sections, indent=1))
        return
    for title, rows in sections.items():
        print(f"\n{title}" if rows else f"\n{title}: none")
        print_table(rows)


def _download(options: argparse.Namespace) -> None:
    data.download(options.dataset, options.data)
    print(f"{options.dataset} is in {data.data_root(options.data)}")


def _import(options: argparse.Namespace) -> None:
    shape = lookup("data set", data.DATASETS, options.dataset).shape
    model = import_weights(Path(options.weights), options.model, shape)
    config = TrainConfig(dataset=options.dataset, model=options.model, noise=options.noise)
    run = RunDirectory.create(
        config,
        root=options.checkpoints,
        name=options.name or "",
        note=f"Weights from {Path(options.weights).name}.",
    )
    run.import_model(model, shape)
    print(f"Run {run.name} in {run.path}")


def _noise(text: str) -> NoiseSpec:
    """`NoiseSpec.parse` for argparse, which prints its own errors only."""
    try:
        return NoiseSpec.parse(text)
    except DaeError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dae", description="Train, evaluate and use denoising autoencoders.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], None], help: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help)
        sub.set_defaults(command=run)
        sub.add_argument("--data", metavar="DIR", help="data root; else DAE_DATA, else a cache folder")
        sub.add_argument("--checkpoints", metavar="DIR", help="runs folder; else DAE_CHECKPOINTS, else ./checkpoints")
        return sub

    train = command("train", _train, "Train a model and keep the run.")
    train.add_argument("--recipe", metavar="NAME", help="a named training; other options change it")
    train.add_argument("--dataset", metavar="NAME", help="a data set, or folder:PATH")
    train.add_argument("--model", metavar="NAME", help="an architecture")
    train.add_argument("--noise", type=_noise, help="kind:level or kind:low-high, with :unclipped if wanted")
    train.add_argument("--epochs", type=int, metavar="N")
    train.add_argument("--batch-size", type=int, metavar="N")
    train.add_argument("--lr", type=float, metavar="RATE", help="the highest learning rate")
    train.add_argument("--images", type=int, metavar="N", help="train on the first N images only")
    train.add_argument("--seed", type=int, metavar="N")
    train.add_argument("--device", metavar="NAME", help="auto, cpu, cuda, cuda:1 or mps")
    train.add_argument("--name", metavar="RUN", help="what to call the run")
    train.add_argument("--note", default="", metavar="TEXT", help="a line kept with the run")
    train.add_argument("--resume", metavar="RUN", help="go on with a stopped or interrupted run instead")

    evaluation = command("evaluate", _evaluate, "Measure runs and classical filters on test images.")
    names = ", ".join(CLASSICAL)
    evaluation.add_argument("contenders", nargs="+", metavar="RUN", help=f"a run, or a filter: {names}")
    evaluation.add_argument("--dataset", metavar="NAME", help="else the first run's")
    evaluation.add_argument(
        "--noise", action="append", metavar="SPEC", help="may be given several times; else the run's"
    )
    evaluation.add_argument("--limit", type=int, metavar="N", help="the first N test images only")
    evaluation.add_argument("--seed", type=int, default=0, metavar="N", help="of the noise")
    form = evaluation.add_mutually_exclusive_group()
    form.add_argument("--json", dest="form", action="store_const", const="json", default="")
    form.add_argument("--csv", dest="form", action="store_const", const="csv")

    clean = command("denoise", _denoise, "Clean one picture.")
    clean.add_argument("run", metavar="RUN")
    clean.add_argument("source", metavar="IN")
    clean.add_argument("target", metavar="OUT.png")
    clean.add_argument("--noise", metavar="SPEC", help="add this noise first")
    clean.add_argument("--seed", type=int, default=0, metavar="N", help="of the noise")

    listing = command("list", _list, "List recipes, models, noises, data sets and runs.")
    listing.add_argument("--json", action="store_true")

    download = command("download", _download, "Fetch a public data set.")
    download.add_argument("dataset", metavar="NAME")

    weights = command("import-weights", _import, "Make a run of a foreign safetensors file.")
    weights.add_argument("weights", metavar="FILE.safetensors")
    weights.add_argument("--model", required=True, metavar="NAME")
    weights.add_argument("--dataset", default="mnist", metavar="NAME", help="whose image shape the model takes")
    weights.add_argument("--noise", type=_noise, default=TrainConfig.noise, help="what it was trained on")
    weights.add_argument("--name", metavar="RUN")
    return parser
