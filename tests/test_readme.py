"""The documents match the project: commands parse, options are documented, links lead somewhere, examples run."""

import argparse
import re
import runpy
import shlex
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

# Streamlit prints warnings at the first import, which are not those of a command.
import dae.ui.precompute  # noqa: F401
from dae import DATASETS, FILTERS, MODELS, NOISES, RECIPES, NoiseSpec, TrainConfig, TrainState, cli, fit, load_dataset
from dae.data import is_folder
from dae.evaluation.denoisers import MEMORY
from tests.helpers import ROOT, shipped_runs

PATHS = [
    ROOT / "README.md",
    *sorted(path for top in ("checkpoints", "dae", "tests") for path in (ROOT / top).rglob("README.md")),
]
DOCUMENTS = {path.relative_to(ROOT).as_posix(): path.read_text() for path in PATHS}
README = DOCUMENTS["README.md"]
SHIPPED = shipped_runs()
BENCHMARKS = [
    path.stem
    for path in sorted((ROOT / "tests/benchmarks").glob("[a-z]*.py"))
    if re.search(r"^def main\(", path.read_text(), re.MULTILINE)
]


def blocks(text: str, language: str) -> list[str]:
    """Return the code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each command in the bash blocks, without comments and variable assignments."""
    for block in blocks(text, "bash"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            while words:
                end = words.index("&&") if "&&" in words else len(words)
                command, words = words[:end], words[end + 1 :]
                while "=" in command[0]:
                    command = command[1:]
                yield command


def parse(main: Callable[[], object], arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> argparse.Namespace:
    """Return what a program's own parser makes of the arguments, without running the program."""
    parse_args = argparse.ArgumentParser.parse_args
    parsed: list[argparse.Namespace] = []

    def stop(self: argparse.ArgumentParser, *args: Any) -> None:
        parsed.append(parse_args(self, *args))
        raise SystemExit

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(argparse.ArgumentParser, "parse_args", stop)
        patch.setattr(sys, "argv", ["program", *arguments])
        main()
    assert parsed, f"the parser refuses {shlex.join(arguments)}"
    return parsed[0]


def check_names(options: argparse.Namespace, known_runs: set[str]) -> None:
    """Check that every recipe, model, data set, noise and run in the arguments of `dae` exists."""
    given = {name: value for name, value in vars(options).items() if value}
    assert given.get("recipe", "mnist-conv") in RECIPES
    assert given.get("model", "unet") in MODELS
    dataset = given.get("dataset", "digits")
    assert dataset in DATASETS or is_folder(dataset)
    for noise in given["noise"] if isinstance(given.get("noise"), list) else []:
        NoiseSpec.parse(str(noise))
    runs = [given[name] for name in ("run", "resume", "teacher", "pretrained") if name in given]
    for run in [*runs, *given.get("runs", []), *given.get("denoisers", [])]:
        # A number is appended to a name that is taken.
        assert run in known_runs or re.sub(r"-\d+$", "", run) in known_runs, run


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_in_a_document_is_valid(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = DOCUMENTS[name]
    known_runs = {*SHIPPED, *RECIPES, *FILTERS, MEMORY, *re.findall(r"--name ([\w.-]+)", text)}
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for command in commands(text):
        match command:
            case ["dae", *arguments]:
                check_names(parse(partial(cli.main, arguments), arguments, monkeypatch), known_runs)
            case ["torchrun", *launcher] if "dae" in launcher:
                arguments = launcher[launcher.index("dae") + 1 :]
                check_names(parse(partial(cli.main, arguments), arguments, monkeypatch), known_runs)
            case ["python" | ".venv/bin/python", "-m", "pytest"] | ["python", "-m", "pytest", "-m", "stress"]:
                pass
            case ["python", "-m", module, *arguments]:
                main = f"{module}.__main__" if (ROOT / module.replace(".", "/")).is_dir() else module
                parse(import_module(main).main, arguments, monkeypatch)
            case ["streamlit", "run", script, *_]:
                assert (ROOT / script).is_file(), script
            case ["pip" | ".venv/bin/pip", "install", "-c", ".ci/constraints.txt", "-e", target]:
                assert (ROOT / ".ci/constraints.txt").is_file()
                assert set(re.findall(r"\[(.+)\]", target)) <= set(extras), target
            case ["cp", "-r", source, _]:
                assert (ROOT / source).exists(), source
            case ["export", *assignments]:
                assert all("=" in assignment for assignment in assignments)
            case ["python3", "-m", "venv", ".venv"] | [".", ".venv/bin/activate"]:
                pass
            case _:
                pytest.fail(f"nobody checks the command {shlex.join(command)}")
    # An option with a former name prints a notice.
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_code_block_has_a_language(name: str) -> None:
    fences = re.findall(r"^```(.*)$", DOCUMENTS[name], re.MULTILINE)
    assert set(fences[::2]) <= {"bash", "python", "nginx", "bibtex"}
    assert set(fences[1::2]) <= {""}
    assert not re.search(
        r"^(    |\t)", re.sub(r"^```.*?^```$", "", DOCUMENTS[name], flags=re.DOTALL | re.MULTILINE), re.M
    )


def test_every_command_and_option_is_documented(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    names = re.findall(r"^    ([a-z-]+)\b", capsys.readouterr().out, re.MULTILINE)
    assert len(names) >= 6
    for command in names:
        assert f"dae {command}" in README, command
        with pytest.raises(SystemExit):
            cli.main([command, "--help"])
        about = [text for text in DOCUMENTS.values() if f"dae {command}" in text]
        for option in set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help"}:
            assert any(re.search(rf"{option}(?![\w-])", text) for text in about), f"{command} {option}"


def test_every_environment_variable_is_documented() -> None:
    sources = [*(ROOT / "dae").rglob("*.py"), *(ROOT / "tests/stress").glob("*.py"), ROOT / "dashboard.py"]
    variables = {name for path in sources for name in re.findall(r"\bDAE_[A-Z_]+\b", path.read_text())}
    assert variables >= {"DAE_DATA", "DAE_CHECKPOINTS", "DAE_PRESENTER_KEY"}
    assert [name for name in variables if not any(name in text for text in DOCUMENTS.values())] == []


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_every_benchmark_is_documented(benchmark: str) -> None:
    assert f"`{benchmark}`" in DOCUMENTS["tests/benchmarks/README.md"]


@pytest.mark.parametrize("run", SHIPPED)
def test_every_shipped_model_is_documented(run: str) -> None:
    assert f"`{run}`" in README
    has_card = (ROOT / "checkpoints" / run / "README.md").is_file()
    row = f"[`{run}`]({run}/README.md)" if has_card else f"`{run}`"
    assert f"\n| {row} |" in DOCUMENTS["checkpoints/README.md"]


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_image_and_path_of_a_document_exists(name: str) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", DOCUMENTS[name])
    for link in links:
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = ((ROOT / name).parent / path).resolve() if path else ROOT / name
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target.read_text()), link
    for path in re.findall(r"`((?:dae|tests|pages|checkpoints)/[\w./-]+)`", DOCUMENTS[name]):
        assert (ROOT / path).exists(), path
    for module in re.findall(r"\btests\.benchmarks\.\w+", DOCUMENTS[name]):
        assert find_spec(module), module


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 150
    assert len(README.split()) <= 1_100


def example(document: str, marker: str) -> str:
    """Return the only Python example of a document that contains `marker`."""
    (found,) = (text for text in blocks(DOCUMENTS[document], "python") if marker in text)
    return found


LIBRARY = example("README.md", "import torch")
NOISE, MODEL = example("README.md", "NOISES["), example("README.md", "MODELS[")
AFTER_TRAINING = example("dae/training/README.md", "export_model")
HALF_PRECISION = example("checkpoints/README.md", ".half()")
PHOTOGRAPH = example("checkpoints/README.md", "decode_file")


def run_example(text: str, folder: Path) -> dict[str, Any]:
    """Run an example and return its variables."""
    (folder / "example.py").write_text(text)
    return runpy.run_path(str(folder / "example.py"))


def test_every_python_example_is_tested() -> None:
    examples = [text for document in DOCUMENTS.values() for text in blocks(document, "python")]
    assert sorted(examples) == sorted([LIBRARY, AFTER_TRAINING, NOISE, MODEL, HALF_PRECISION, PHOTOGRAPH])


def test_the_library_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAE_CHECKPOINTS", str(ROOT / "checkpoints"))
    variables = run_example(LIBRARY + AFTER_TRAINING, tmp_path)
    assert variables["denoised"].shape == (8, 1, 28, 28)
    assert variables["mine"]["run"] == "mine" and variables["mine"]["gain_db"] > 0
    assert (tmp_path / "mine.pt2").is_file()


def test_the_photograph_and_code_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAE_CHECKPOINTS", str(ROOT / "checkpoints"))
    Image.effect_noise((40, 30), 60).convert("RGB").save("in.jpg")
    variables = run_example(PHOTOGRAPH, tmp_path)
    assert variables["codes"].shape == (100, 64) and variables["restored"].shape == (1, 3, 30, 40)
    with Image.open("out.jpg") as image:
        assert (image.format, image.size) == ("JPEG", (40, 30))


def test_the_half_precision_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = shutil.copytree(ROOT / "checkpoints/mnist-blind", tmp_path / "checkpoints/mnist-blind")
    monkeypatch.chdir(tmp_path)
    trained = run_example(HALF_PRECISION, tmp_path)["trained"]
    parameters = sum(weight.numel() for weight in trained.model.state_dict().values())
    assert (copy / "model.safetensors").stat().st_size < 2.1 * parameters


@pytest.mark.parametrize("text", [NOISE, MODEL], ids=["noise", "model"])
def test_the_examples_of_a_noise_and_a_model_have_at_most_five_lines(text: str) -> None:
    assert len(text.strip().splitlines()) <= 5


IMPORTS = """
from functools import partial
import torch
from torch import Generator, Tensor
from dae.models import MODELS, ModelInfo
from dae.models.linear import LinearAutoencoder
from dae.noise import NOISES, NoiseInfo
"""


def test_the_model_of_the_example_learns_with_the_noise_of_the_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The registries get their present content back after the test.
    monkeypatch.setitem(NOISES, "stripes", NOISES["masking"])
    monkeypatch.setitem(MODELS, "linear-16", MODELS["linear-10"])
    run_example(IMPORTS + NOISE + MODEL, tmp_path)
    config = TrainConfig(model="linear-16", noise=NoiseSpec.parse("stripes:0.3"), epochs=2, lr=1e-2)
    images = load_dataset("digits", "train", limit=1_000)
    state = TrainState(config, images.shape)
    before, *_, after = (report.scores for report in fit(config, state, images, images.take(100)) if report.scores)
    assert state.model.encode(images.to_float(slice(0, 2))).shape == (2, 16)
    assert after.mse < 0.7 * before.mse
