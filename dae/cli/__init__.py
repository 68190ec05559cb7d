"""The command line. Each module defines one command or a few, and `add` registers them with the parser."""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from dae.cli import card, catalog, denoise, evaluate, export, imagine, probe, train
from dae.cli.common import Options
from dae.errors import DaeError, SpecError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit code: 0, 2 for a user's mistake, 130 for Ctrl-C.
    """
    # Outside UTF-8, "±" would otherwise end a table with a traceback.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    parser = argparse.ArgumentParser(prog="dae", description="Train, evaluate and use denoising autoencoders.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in (train, evaluate, card, probe, denoise, imagine, export, catalog):
        module.add(commands)
    # Without `help`, the command is not listed.
    moved = commands.add_parser("bench")
    moved.add_argument("names", nargs="*")
    moved.set_defaults(command=_explain_bench)
    options = parser.parse_args(arguments)
    try:
        options.command(options)
        sys.stdout.flush()
    except DaeError as error:
        print(f"dae: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader of a pipe, such as `head`, has closed it.
        _discard_output()
    except OSError as error:
        # Results that are redirected to a full disk, or a file that can no longer be read or written.
        _discard_output()
        print(f"dae: {error.filename or 'The output'} cannot be used: {error.strerror or error}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("dae: stopped", file=sys.stderr)
        return 130
    return 0


def _discard_output() -> None:
    """Redirect standard output to the null device, as Python flushes its buffer once more at exit."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _explain_bench(options: Options) -> None:
    command = " ".join(["python -m tests.benchmarks", *options.names])
    raise SpecError(f"`dae bench` has moved to the tests. Run `{command}` in a clone of the repository.")
