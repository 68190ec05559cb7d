"""Helpers that call a command, and check that it fails with a message."""

from pathlib import Path

import pytest

from dae.cli import main


def call(root: Path, *arguments: object) -> int:
    """Run a command on the runs in `root` and return its exit code."""
    command, *others = map(str, arguments)
    return main([command, "--checkpoints", str(root), *others])


def fails(capsys: pytest.CaptureFixture[str], root: Path, *arguments: object) -> str:
    """Run a command that exits with code 2 and return the last line it writes to stderr."""
    try:
        code = call(root, *arguments)
    except SystemExit as error:
        # argparse ends the process itself.
        code = int(error.code or 0)
    printed = capsys.readouterr().err.strip()
    assert code == 2 and printed and "Traceback" not in printed
    return printed.splitlines()[-1]
