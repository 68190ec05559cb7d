"""Messages for mistakes, help texts, renamed options and output encodings of the command line."""

import io
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from dae import cli
from dae.cli import main
from dae.runs import list_runs
from tests.cli.calls import fails

MISTAKES = [
    (["train", "--model", "conv64"], "Did you mean 'conv-64'"),
    (["train", "--recipe", "mnist-liner"], "Did you mean 'mnist-linear'"),
    (["train", "--dataset", "mnits"], "Did you mean 'mnist'"),
    (["train", "--dataset", "mnist"], "dae download mnist"),
    (["train", "--dataset", "folder:nowhere"], "There is no folder"),
    (["train", "--dataset", "folder:~nobody-of-that-name/x"], "starts with an unknown user"),
    (["train", "--dataset", "folder:" + 300 * "x"], "There is no folder"),
    (["evaluate", 300 * "x"], "There is no run"),
    (["list", "--data", "~nobody-of-that-name/x"], "starts with an unknown user"),
    (["train", "--noise", "gaussian:1.4"], "outside 0 to 1"),
    (["train", "--epochs", "0"], "Epochs 0 is outside"),
    (["train", "--epochs", "many"], "invalid int value"),
    (["train", "--dataset", "PHOTOS", "--device", "quantum"], "no device 'quantum'"),
    (["train", "--seed", "-1"], "Seed -1 is outside"),
    (["train", "--name", "../out"], "cannot name a run"),
    (["train", "--resume", "nothing"], "There is no run 'nothing'"),
    (["evaluate", "nothing"], "trained"),
    (["evaluate", "trained", "--noise", "loud"], "There is no noise 'loud'"),
    (["evaluate", "trained", "--limit", "0"], "limit of 0"),
    (["evaluate", "trained", "--seed", "-1"], "-1"),
    (["evaluate", "trained", "--dataset", "cifar10"], "dae download"),
    (["denoise", "trained", "missing.png", "out.png"], "missing.png: The file cannot be read"),
    (["denoise", "trained", __file__, "out.png"], "Use PNG"),
    (["export", "trained", "model.h5"], "unknown suffix. Use .onnx, .pt2 or .html"),
    (["export", "nothing", "model.onnx"], "There is no run 'nothing'"),
    (["export", "trained", "no/model.pt2"], "cannot be written"),
    (["export", "trained", "no/model.html"], "cannot be written"),
    (["export", "trained", "other", "model.onnx"], ".onnx files contain one model, not 2"),
    (["download", "digits"], "needs no download"),
    (["download", "nothing"], "There is no data set"),
    (["import-weights", "missing.safetensors", "--model", "unet"], "cannot be read"),
    (["fly"], "invalid choice"),
]


@pytest.mark.parametrize(("arguments", "words"), MISTAKES, ids=[" ".join(arguments)[:40] for arguments, _ in MISTAKES])
def test_mistakes_print_one_message_and_leave_no_files(
    arguments: list[str],
    words: str,
    root: Path,
    photos: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    before = [run.name for run in list_runs(root)]
    assert words in fails(capsys, root, *(photos if word == "PHOTOS" else word for word in arguments))
    assert [run.name for run in list_runs(root)] == before and list(tmp_path.iterdir()) == []


def test_denoise_reports_a_target_that_cannot_be_written(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("L", (28, 28)).save(tmp_path / "in.png")
    message = fails(capsys, root, "denoise", "trained", tmp_path / "in.png", tmp_path / "no" / "out.png")
    assert "cannot be written" in message


@pytest.mark.parametrize(
    "command", ["train", "evaluate", "probe", "denoise", "imagine", "export", "list", "download", "import-weights"]
)
def test_every_option_has_a_help_text(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    printed = capsys.readouterr().out
    assert caught.value.code == 0 and "--checkpoints" in printed
    arguments = [entry.partition("\n\n")[0] for entry in re.split(r"\n(?=  \S)", printed.rstrip())[1:]]
    # An argument without a help text is printed as its name and metavar only.
    assert [entry for entry in arguments if re.fullmatch(r" +\S+( \S+)?", entry)] == []


RENAMED_OPTIONS = {
    ("train", "--images"): "--max-images",
    ("denoise", "--ensemble"): "--tta",
    ("evaluate", "--ensemble"): "--tta",
    ("evaluate", "--over-seeds"): "--aggregate-seeds",
}


@pytest.mark.parametrize(("command", "former"), RENAMED_OPTIONS)
def test_former_option_names_set_the_same_value(
    command: str, former: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[dict[str, Any]] = []
    monkeypatch.setattr(getattr(cli, command), f"_{command}", lambda options: parsed.append(vars(options)))
    present = RENAMED_OPTIONS[command, former]
    positional = {"train": [], "denoise": ["run", "in.png", "out.png"], "evaluate": ["run"]}[command]
    value = ["4"] if command == "train" else []
    for option in (present, former):
        assert main([command, *positional, option, *value]) == 0
    assert parsed[0] == parsed[1] and parsed[0][present[2:].replace("-", "_")] in (4, True)
    printed = capsys.readouterr()
    assert printed.err == f"dae: {former} is now called {present}.\n" and printed.out == ""
    assert main([command, *positional]) == 0 and parsed[2] != parsed[0]
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert former not in capsys.readouterr().out.split()


def test_bench_prints_the_command_that_replaces_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "quality", "inference"]) == 2
    assert "python -m tests.benchmarks quality inference" in capsys.readouterr().err


def test_tables_print_without_unicode(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(printed, encoding="ascii"))
    assert main(["evaluate", "trained", "--noise", "gaussian:0.3", "--checkpoints", str(root)]) == 0
    sys.stdout.flush()
    assert re.search(rb"\d \?\d", printed.getvalue())
