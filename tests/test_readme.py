"""What the README shows is there and runs."""

import re
import runpy
from pathlib import Path

import pytest

from dae import MODELS, NOISES, NoiseSpec, TrainConfig, TrainState, cli, fit, load_dataset
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


NOISE, MODEL = (
    next(text for text in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if f"{registry}[" in text)
    for registry in ("NOISES", "MODELS")
)


def test_the_library_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (example,) = (text for text in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "import" in text)
    (tmp_path / "example.py").write_text(example)
    names = runpy.run_path(str(tmp_path / "example.py"))
    assert names["denoised"].shape == (8, 1, 28, 28)


@pytest.mark.parametrize("example", [NOISE, MODEL], ids=["noise", "model"])
def test_the_examples_of_a_noise_and_a_model_have_five_lines_at_the_most(example: str) -> None:
    assert len(example.strip().splitlines()) <= 5


IMPORTS = """
import torch
from dae.models import MODELS, Model
from dae.models.linear import LinearAutoencoder
from dae.corruptions import NOISES, Noise
"""


def test_the_model_of_the_example_learns_with_the_noise_of_the_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(NOISES, "stripes", NOISES["masking"])  # afterwards they are gone again
    monkeypatch.setitem(MODELS, "linear-16", MODELS["linear-10"])
    (tmp_path / "mine.py").write_text(IMPORTS + NOISE + MODEL)
    runpy.run_path(str(tmp_path / "mine.py"))
    config = TrainConfig(model="linear-16", noise=NoiseSpec.parse("stripes:0.3"), epochs=2, lr=1e-2)
    images = load_dataset("digits", "train", limit=1_000)
    state = TrainState(config, images.shape)
    before, *_, after = (report.scores for report in fit(config, state, images, images.head(100)) if report.scores)
    assert state.model.encode(images.clean(slice(0, 2))).shape == (2, 16)
    assert after.mse < 0.7 * before.mse
