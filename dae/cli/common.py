"""Options and argument types that several commands share."""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

from dae.data import ImageSet, load_dataset
from dae.data.whole_photographs import load_whole_photographs
from dae.errors import DaeError, RunError, SpecError
from dae.evaluation.protocols import PROTOCOLS
from dae.models import MODELS
from dae.noise import NoiseSpec
from dae.runs import Run, find_run
from dae.utils.files import SHIPPED_RUNS

Options = argparse.Namespace
# argparse has no public name for this class.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_command(commands: Commands, name: str, run: Callable[[Options], None], help: str) -> argparse.ArgumentParser:
    """Add a command that calls `run`, with the options that every command has."""
    parser = commands.add_parser(name, help=help, description=help)
    parser.set_defaults(command=run)
    parser.add_argument("--data", metavar="DIR", help="data root (default: DAE_DATA, else a cache directory)")
    parser.add_argument(
        "--checkpoints", metavar="DIR", help="directory of runs (default: DAE_CHECKPOINTS, else ./checkpoints)"
    )
    return parser


def add_measuring_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that select test images, noise, draws and protocol."""
    parser.add_argument("--dataset", metavar="NAME", help="data set (default: that of the first run, else digits)")
    parser.add_argument(
        "--noise",
        type=noise_argument,
        action="append",
        metavar="SPEC",
        help="noise to add; can be repeated (default: that of the first run; for a card, every kind of its training)",
    )
    parser.add_argument("--limit", type=int, metavar="N", help="use the first N test images only")
    parser.add_argument("--draws", type=int, default=3, metavar="N", help="noise draws to average over (default: 3)")
    parser.add_argument(
        "--protocol",
        choices=list(PROTOCOLS),
        default="clamped",
        help="clamped (default), or awgn-8bit: unclipped Gaussian noise and outputs rounded to 8 bit",
    )


def load_test_images(dataset: str, options: Options, models: Iterable[str]) -> list[ImageSet]:
    """Return the test images to measure these architectures on, a set per size.

    Photographs (`photos:PATH`) are whole if all architectures accept any size, else central tiles as on the pages.
    """
    if dataset.startswith("photos:") and all(MODELS[model].any_size for model in models):
        return load_whole_photographs(dataset, root=options.data, limit=options.limit)
    return [load_dataset(dataset, "test", root=options.data, limit=options.limit)]


def find_trained_run(name: str, options: Options) -> Run:
    """Return the run `name` of the runs directory, else the run of this name that comes with the program.

    Raises:
        RunError: there is no such run.
    """
    try:
        return find_run(name, options.checkpoints)
    except RunError:
        if Path(name).name == name:
            with suppress(RunError):
                return find_run(name, SHIPPED_RUNS)
        raise


def check_run_names(runs: Sequence[Run]) -> None:
    """Raise SpecError if two runs, of different folders, have the same name, which identifies results."""
    names = [run.name for run in runs]
    if repeated := next((name for name in names if names.count(name) > 1), ""):
        raise SpecError(f"Two runs have the same name: {repeated!r}. Rename one, or pass it once.")


class RenamedOption(argparse.Action):
    """Accept the former name of an option and print a one-line notice with its present name.

    Args:
        renamed_to: the present option, such as "--max-images". Its `dest` must equal this action's.
    """

    def __init__(self, *args: Any, renamed_to: str, **kwargs: Any) -> None:
        super().__init__(*args, **(kwargs | {"help": argparse.SUPPRESS, "default": argparse.SUPPRESS}))
        self.renamed_to = renamed_to

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: Options, values: Any, option_string: str | None = None
    ) -> None:
        """Store the value, or True for a flag."""
        print(f"dae: {option_string} is now called {self.renamed_to}.", file=sys.stderr)
        setattr(namespace, self.dest, True if self.nargs == 0 else values)


def noise_argument(text: str) -> NoiseSpec:
    """Parse a noise for argparse, which prints the message of ArgumentTypeError only."""
    try:
        return NoiseSpec.parse(text)
    except DaeError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
