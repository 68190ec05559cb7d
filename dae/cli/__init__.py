"""The command line: each module has a command or a few, and `add` tells the parser of them."""

import argparse
import os
import sys
from collections.abc import Sequence

from dae.cli import bench, denoise, evaluate, export, probe, stock, train
from dae.errors import DaeError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit code: 0, 1 where a measurement failed, 2 for a mistake told in one sentence, 130 for Ctrl-C.
    """
    parser = argparse.ArgumentParser(prog="dae", description="Train, evaluate and use denoising autoencoders.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in (train, evaluate, probe, denoise, export, stock, bench):
        module.add(commands)
    options = parser.parse_args(arguments)
    try:
        return int(options.command(options) or 0)
    except DaeError as error:
        print(f"dae: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever read the output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        print("dae: stopped", file=sys.stderr)
        return 130
    return 0
