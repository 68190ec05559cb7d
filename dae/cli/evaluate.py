"""`dae evaluate`: measure runs and classical filters on test images."""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from itertools import combinations

from dae.cli.common import (
    Commands,
    Options,
    RenamedOption,
    add_command,
    add_measuring_options,
    check_run_names,
    find_trained_run,
    load_test_images,
)
from dae.cli.tables import add_format_options, print_metrics
from dae.data import load_dataset
from dae.errors import SpecError
from dae.evaluation import FILTERS, aggregate_seeds, evaluate, filter_denoiser, model_denoiser
from dae.evaluation.classical import NUM_TUNING_IMAGES
from dae.evaluation.denoisers import MEMORY, posterior_mean_baseline, with_self_ensemble
from dae.models.inference import VIEWS
from dae.runs import Run
from dae.training import TrainConfig
from dae.utils.text import counted


def add(commands: Commands) -> None:
    """Register the command."""
    parser = add_command(commands, "evaluate", _evaluate, "Measure runs and classical filters on test images.")
    parser.add_argument(
        "denoisers",
        nargs="+",
        metavar="RUN",
        help=f"a run, a classical filter ({', '.join(FILTERS)}), or {MEMORY}: the posterior mean over the training "
        "images, for small grayscale images and Gaussian noise",
    )
    add_measuring_options(parser)
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="random seed of the noise (default: 0)")
    parser.add_argument(
        "--tta",
        action="store_true",
        help="also evaluate each run with test-time augmentation (eight flips and rotations)",
    )
    parser.add_argument("--ensemble", dest="tta", nargs=0, action=RenamedOption, renamed_to="--tta")
    parser.add_argument(
        "--aggregate-seeds", action="store_true", help="print one row for runs that differ only in their seed"
    )
    parser.add_argument(
        "--over-seeds", dest="aggregate_seeds", nargs=0, action=RenamedOption, renamed_to="--aggregate-seeds"
    )
    add_format_options(parser)


def _evaluate(options: Options) -> None:
    runs = {name: find_trained_run(name, options) for name in options.denoisers if name not in (*FILTERS, MEMORY)}
    if options.aggregate_seeds:
        _check_distinct(list(runs.values()))
    config = next((run.config for run in runs.values()), TrainConfig())
    dataset = options.dataset or config.dataset
    images = load_test_images(dataset, options, [run.config.model for run in runs.values()])
    denoisers = []
    for name in dict.fromkeys(options.denoisers):
        if name in runs:
            denoiser = model_denoiser(runs[name].name, runs[name].load(), images[0])
            denoisers += [denoiser, with_self_ensemble(denoiser)] if options.tta else [denoiser]
        elif name == MEMORY:
            denoisers.append(posterior_mean_baseline(load_dataset(dataset, "train", root=options.data)))
        else:
            tuning = load_dataset(dataset, "train", root=options.data, limit=NUM_TUNING_IMAGES)
            denoisers.append(filter_denoiser(name, tuning))
    noises = options.noise or [config.noise]
    rows = list(evaluate(denoisers, images, noises, options.seed, options.draws, options.protocol))
    spread = "half the 95% confidence interval of the mean"
    if options.aggregate_seeds:
        rows = aggregate_seeds(rows, _group_keys(list(runs.values())))
        spread = "the standard deviation over seeds"
    print_metrics(rows, options.form)
    if not options.form:
        print(
            f"\nMeans of per-image values over {counted(sum(map(len, images)), 'test image')} and "
            f"{counted(options.draws, 'noise draw')}, first seed {options.seed}, protocol {options.protocol}. "
            f"± is {spread}. {images[0].note}".rstrip()
        )


def _check_distinct(runs: Sequence[Run]) -> None:
    """Raise SpecError if two runs have the same name or the same configuration."""
    check_run_names(runs)
    for one, other in combinations(runs, 2):
        if one.config == other.config:
            raise SpecError(f"Runs {one.name!r} and {other.name!r} have the same seed, {one.seed}. Omit one of them.")


def _group_keys(runs: Sequence[Run]) -> dict[str, Hashable]:
    """Map each name in the table to a key that runs of the same training share."""
    configs = {run.name: replace(run.config, seed=0) for run in runs}
    return {**configs, **{f"{name} x{VIEWS}": (config, VIEWS) for name, config in configs.items()}}
