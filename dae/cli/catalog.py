"""`dae list`, `dae download` and `dae import-weights`: show what is available, and add to it."""

import json
from contextlib import suppress
from pathlib import Path

from dae.cli.common import Commands, Options, add_command, noise_argument
from dae.cli.tables import print_table
from dae.data import DATASETS, datasets
from dae.errors import RunError
from dae.models import MODELS, import_weights
from dae.noise import NOISES
from dae.runs import Run, list_runs
from dae.training import RECIPES, TrainConfig
from dae.utils.files import explain_write_error
from dae.utils.registry import lookup


def add(commands: Commands) -> None:
    """Register the commands."""
    parser = add_command(commands, "list", _list, "List recipes, models, noises, data sets and runs.")
    parser.add_argument("--json", action="store_true", help="print JSON")

    public = ", ".join(name for name, entry in DATASETS.items() if entry.download)
    parser = add_command(commands, "download", _download, "Download a public data set to the data root.")
    parser.add_argument("dataset", metavar="NAME", help=f"data set to download: {public}")

    parser = add_command(commands, "import-weights", _import, "Create a run from a safetensors file.")
    parser.add_argument("weights", metavar="FILE.safetensors", help="file with a state_dict of the architecture")
    parser.add_argument("--model", required=True, metavar="NAME", help="architecture")
    parser.add_argument(
        "--dataset", default="mnist", metavar="NAME", help="data set whose image shape the model takes (default: mnist)"
    )
    parser.add_argument(
        "--noise",
        type=noise_argument,
        default=TrainConfig.noise,
        metavar="SPEC",
        help=f"noise that the model was trained with, shown on the pages (default: {TrainConfig.noise})",
    )
    parser.add_argument("--name", metavar="RUN", help="name of the run (default: data set and model)")


def _list(options: Options) -> None:
    sections: dict[str, list[dict[str, str]]] = {
        "recipes": [
            {"name": name, "what": entry.label, "source": entry.source or "ours"} for name, entry in RECIPES.items()
        ],
        "models": [{"name": name, "what": entry.label, "family": entry.family} for name, entry in MODELS.items()],
        "noises": [{"name": name, "what": entry.help, "level": entry.level_unit} for name, entry in NOISES.items()],
        "datasets": [
            {
                "name": name,
                "what": entry.label,
                "here": "yes" if datasets.is_available(name, options.data) else f"dae download {name}",
            }
            for name, entry in DATASETS.items()
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
    datasets.download(options.dataset, options.data)
    print(f"{options.dataset} is in {datasets.data_root(options.data)}")


def _import(options: Options) -> None:
    weights = Path(options.weights)
    shape = lookup("data set", DATASETS, options.dataset).shape
    model = import_weights(weights, options.model, shape)
    config = TrainConfig(dataset=options.dataset, model=options.model, noise=options.noise)
    run = Run.create(config, root=options.checkpoints, name=options.name or "", note=f"Weights from {weights.name}.")
    try:
        run.save_model(model, shape)
        run.finish()
    except OSError as error:
        with suppress(RunError):
            run.delete()
        raise RunError(f"{run.path} cannot be written: {explain_write_error(error)}") from error
    print(f"Run {run.name} in {run.path}")
