"""dae evaluate."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from dae import data
from dae.classical import CLASSICAL, TUNING_IMAGES
from dae.cli.command import Commands, Options, command
from dae.cli.tables import add_forms, print_measured
from dae.config import TrainConfig
from dae.contenders import classical, ensembled, trained
from dae.ensemble import VIEWS
from dae.errors import SpecError
from dae.evaluation import evaluate, over_seeds
from dae.noise import NoiseSpec
from dae.runs import RunDirectory, find_run


def add(commands: Commands) -> None:
    parser = command(commands, "evaluate", _evaluate, "Measure runs and classical filters on test images.")
    names = ", ".join(CLASSICAL)
    parser.add_argument("contenders", nargs="+", metavar="RUN", help=f"a run, or a filter: {names}")
    parser.add_argument("--dataset", metavar="NAME", help="else the first run's; for filters alone digits")
    parser.add_argument(
        "--noise", action="append", metavar="SPEC", help="may be given several times; else the first run's"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="the first N test images only")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the noise")
    parser.add_argument("--ensemble", action="store_true", help="and each run averaged over eight views of a picture")
    parser.add_argument(
        "--over-seeds", action="store_true", help="one line for the runs that differ in their seed alone"
    )
    add_forms(parser)


def _evaluate(options: Options) -> None:
    runs = {name: find_run(name, options.checkpoints) for name in options.contenders if name not in CLASSICAL}
    alike = _told_apart(list(runs.values())) if options.over_seeds else {}
    first = next(iter(runs.values()), None)
    config = first.config if first else TrainConfig()
    dataset = options.dataset or config.dataset
    noises = [NoiseSpec.parse(text) for text in options.noise or [str(config.noise)]]
    images = data.load_dataset(dataset, "test", root=options.data, limit=options.limit)
    contenders = []
    for name in dict.fromkeys(options.contenders):
        if name in runs:
            contender = trained(runs[name].name, runs[name].load(), images)
            contenders += [contender, ensembled(contender)] if options.ensemble else [contender]
        else:
            tuning = data.load_dataset(dataset, "train", root=options.data, limit=TUNING_IMAGES)
            contenders.append(classical(name, tuning))
    rows = list(evaluate(contenders, images, noises, options.seed))
    beside = "half the 95 % interval of the mean"
    if options.over_seeds:
        views = {f"{name} x{VIEWS}": (config, VIEWS) for name, config in alike.items()}
        rows = over_seeds(rows, {**alike, **views})
        beside = "the standard deviation over seeds"
    print_measured(rows, options.form)
    if not options.form:
        print(
            f"\nMeans of per-image values over {len(images)} test images, outputs clamped, seed {options.seed}; "
            f"± is {beside}. {images.note}".rstrip()
        )


def _told_apart(runs: Sequence[RunDirectory]) -> dict[str, TrainConfig]:
    """By a run's name, its configuration but for the seed.

    Raises:
        SpecError: two of them have one name, or were trained in the same way with the same seed.
    """
    for one, other in combinations(runs, 2):
        if one.name == other.name:
            raise SpecError(f"Two of the runs are called {one.name!r}; rename one of them, or name each once.")
        if one.config == other.config:
            raise SpecError(
                f"Runs {one.name!r} and {other.name!r} have the same seed, {one.seed}; leave one of them out."
            )
    return {run.name: replace(run.config, seed=0) for run in runs}
