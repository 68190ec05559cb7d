"""What the README shows is there and runs."""

import re
import runpy
from pathlib import Path

import pytest

from dae import cli
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text()


def test_every_command_and_option_is_in_the_readme(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    commands = re.findall(r"^    ([a-z-]+)\b", capsys.readouterr().out, re.MULTILINE)
    assert len(commands) >= 6
    for command in commands:
        assert f"dae {command}" in README, command
        with pytest.raises(SystemExit):
            cli.main([command, "--help"])
        for option in set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help"}:
            assert option in README, f"{command} {option}"


def test_the_pictures_are_there() -> None:
    for path in re.findall(r"\]\((\.github/[^)]+)\)", README):
        assert (ROOT / path).is_file(), path


def test_the_library_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    (tmp_path / "example.py").write_text(example)
    names = runpy.run_path(str(tmp_path / "example.py"))
    assert names["denoised"].shape == (8, 1, 28, 28)
