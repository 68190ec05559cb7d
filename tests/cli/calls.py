"""What the tests of commands share: a call, and a call that fails."""

from pathlib import Path

import pytest

from dae.cli import main


def call(root: Path, *arguments: object) -> int:
    command, *others = map(str, arguments)
    return main([command, "--checkpoints", str(root), *others])


def fails(capsys: pytest.CaptureFixture[str], root: Path, *arguments: object) -> str:
    """The one sentence or two that the command says, with exit code 2."""
    try:
        code = call(root, *arguments)
    except SystemExit as error:  # of argparse
        code = int(error.code or 0)
    told = capsys.readouterr().err.strip()
    assert code == 2 and told and "Traceback" not in told
    return told.splitlines()[-1]
