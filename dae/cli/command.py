"""What all commands share."""

import argparse
from collections.abc import Callable
from typing import TypeAlias

from dae.errors import DaeError
from dae.noise import NoiseSpec

Options = argparse.Namespace
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # argparse has no public name for it


def command(commands: Commands, name: str, run: Callable[[Options], int | None], help: str) -> argparse.ArgumentParser:
    """A new command with the options that every command has; `run` may return an exit code."""
    parser = commands.add_parser(name, help=help, description=help)
    parser.set_defaults(command=run)
    parser.add_argument("--data", metavar="DIR", help="data root; else DAE_DATA, else a cache folder")
    parser.add_argument("--checkpoints", metavar="DIR", help="runs folder; else DAE_CHECKPOINTS, else ./checkpoints")
    return parser


def noise(text: str) -> NoiseSpec:
    """`NoiseSpec.parse` for argparse, which prints its own errors only."""
    try:
        return NoiseSpec.parse(text)
    except DaeError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
