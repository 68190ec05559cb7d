"""dae list, dae download, dae import-weights: what is there, and more of it."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from dae import data
from dae.checkpoints import import_weights
from dae.cli.command import Commands, Options, command, noise
from dae.cli.tables import print_table
from dae.config import TrainConfig
from dae.errors import RunError
from dae.models import MODELS
from dae.noise import NOISES
from dae.recipes import RECIPES
from dae.registry import lookup
from dae.runs import RunDirectory, list_runs


def add(commands: Commands) -> None:
    parser = command(commands, "list", _list, "List recipes, models, noises, data sets and runs.")
    parser.add_argument("--json", action="store_true")

    parser = command(commands, "download", _download, "Fetch a public data set.")
    parser.add_argument("dataset", metavar="NAME")

    parser = command(commands, "import-weights", _import, "Make a run of a foreign safetensors file.")
    parser.add_argument("weights", metavar="FILE.safetensors")
    parser.add_argument("--model", required=True, metavar="NAME")
    parser.add_argument("--dataset", default="mnist", metavar="NAME", help="whose image shape the model takes")
    parser.add_argument(
        "--noise",
        type=noise,
        default=TrainConfig.noise,
        help="what it was trained on, which pages will say; else gaussian:0.5",
    )
    parser.add_argument("--name", metavar="RUN")


def _list(options: Options) -> None:
    sections: dict[str, list[dict[str, Any]]] = {
        "recipes": [
            {"name": name, "what": entry.label, "source": entry.source or "ours"} for name, entry in RECIPES.items()
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


def _download(options: Options) -> None:
    data.download(options.dataset, options.data)
    print(f"{options.dataset} is in {data.data_root(options.data)}")


def _import(options: Options) -> None:
    shape = lookup("data set", data.DATASETS, options.dataset).shape
    model = import_weights(Path(options.weights), options.model, shape)
    config = TrainConfig(dataset=options.dataset, model=options.model, noise=options.noise)
    run = RunDirectory.create(
        config,
        root=options.checkpoints,
        name=options.name or "",
        note=f"Weights from {Path(options.weights).name}.",
    )
    try:
        run.import_model(model, shape)
    except OSError as error:
        with suppress(RunError):
            run.delete()
        raise RunError(f"{run.path} cannot be written: {error.strerror or error}. Free some space.") from error
    print(f"Run {run.name} in {run.path}")
