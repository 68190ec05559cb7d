"""The command line: every command through `main`, and every mistake in one sentence."""

import errno
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from dae import cli, recording
from dae.cli import main
from dae.data import DATASETS
from dae.errors import RunError
from dae.models import MODELS, build_model
from dae.noise import NOISES, NoiseSpec
from dae.recipes import RECIPES
from dae.recording import record
from dae.runs import find_run, list_runs
from tests.cli.calls import call, fails
from tests.conftest import new_run


def test_train_and_resume(tmp_path: Path, photos: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--dataset", photos, "--model", "linear-32", "--epochs", 2, "--batch-size", 8, "--device", "cpu"]
    others = ["--noise", "masking:0.3", "--lr", 0.001, "--seed", 5, "--images", 16, "--name", "mine", "--note", "a b"]
    assert call(tmp_path, "train", *options, *others) == 0
    out = capsys.readouterr().out
    assert "Run mine in" in out and "epoch 2/2" in out and "dB over the noisy input" in out
    run = find_run("mine", tmp_path)
    assert run.state == "finished" and run.note == "a b"
    assert (run.config.noise, run.config.lr, run.config.seed, run.config.images) == (
        NoiseSpec("masking", 0.3),
        0.001,
        5,
        16,
    )
    stopped = new_run(tmp_path, photos, "stopped")
    recorded = record(stopped)
    next(recorded)
    recorded.close()
    assert call(tmp_path, "train", "--resume", "stopped") == 0 and stopped.state == "finished"


def test_train_looks_where_data_says_and_opens_its_data_once(
    tmp_path: Path, photos: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(photos.removeprefix("folder:").rpartition("@")[0], tmp_path / "data" / "mine")
    prepared: list[Any] = []
    for module in (cli.train, recording):
        whole = module.prepare
        monkeypatch.setattr(module, "prepare", lambda *given, whole=whole: prepared.append(given) or whole(*given))
    options = ["--data", tmp_path / "data", "--dataset", "folder:mine@28", "--model", "linear-32", "--epochs", 1]
    assert call(tmp_path / "runs", "train", *options) == 0
    (run,) = list_runs(tmp_path / "runs")
    assert run.state == "finished" and len(prepared) == 1


def test_a_recipe_and_what_changes_it(tmp_path: Path, photos: str) -> None:
    options = ["--recipe", "mnist-linear-32", "--dataset", photos, "--epochs", 1, "--images", 4]
    assert call(tmp_path, "train", *options) == 0
    (run,) = list_runs(tmp_path)
    assert run.recipe == "mnist-linear-32" and run.config.epochs == 1 and run.config.optimizer == "adam"


def test_ctrl_c(tmp_path: Path, photos: str, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(run: Any, **others: Any) -> Any:
        recorded = record(run, **others)
        yield next(recorded)
        recorded.throw(KeyboardInterrupt)

    monkeypatch.setattr(cli.train, "record", interrupted)
    assert call(tmp_path, "train", "--dataset", photos, "--model", "linear-32", "--device", "cpu") == 130
    assert capsys.readouterr().err.endswith("dae: stopped\n") and list_runs(tmp_path)[0].state == "stopped"


def test_what_is_unreadable_is_told_where_it_is_trained_on_and_measured(
    tmp_path: Path, photos: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures = shutil.copytree(photos.removeprefix("folder:").removesuffix("@28"), tmp_path / "pictures")
    for split in ("train", "test"):
        (pictures / split / "broken.png").write_bytes(b"no picture")
    dataset = f"folder:{pictures}@28"
    options = ["--dataset", dataset, "--model", "linear-10", "--epochs", 1, "--batch-size", 8, "--name", "spoilt"]
    assert call(tmp_path / "runs", "train", *options) == 0
    assert "1 unreadable file skipped: broken.png." in capsys.readouterr().out
    facts = find_run("spoilt", tmp_path / "runs").facts()
    assert facts is not None and "broken.png" in facts.note
    assert call(tmp_path / "runs", "evaluate", "spoilt") == 0
    assert "1 unreadable file skipped: broken.png." in capsys.readouterr().out


@pytest.mark.parametrize("name", ["noisy", "median"])
def test_no_run_can_take_the_name_of_what_it_is_compared_with(name: str, tmp_path: Path, photos: str) -> None:
    with pytest.raises(RunError, match=f"{name}' cannot name a run: in tables"):
        new_run(tmp_path, photos, name)


def test_a_resumed_run_keeps_what_it_was_asked_for(
    tmp_path: Path, photos: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = new_run(tmp_path, photos, "stopped")
    assert call(tmp_path, "train", "--resume", "stopped", "--epochs", 9, "--batch-size", 4) == 2
    assert "so --epochs and --batch-size cannot be given" in capsys.readouterr().err and not run.has_model


def test_denoise(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = tmp_path / "in.jpg", tmp_path / "out.png"
    Image.new("RGB", (50, 40), "white").save(source)
    kept = set()
    for options in ([], ["--noise", "gaussian:0.3", "--seed", 4], ["--noise", "gaussian:0.3", "--ensemble"]):
        assert call(root, "denoise", "trained", source, target, *options) == 0
        assert "28 x 28, resized to fit the model" in capsys.readouterr().out
        with Image.open(target) as picture:
            assert picture.format == "PNG" and np.asarray(picture).shape == (28, 28)
        kept.add(target.read_bytes())
    assert len(kept) == 3
    assert call(root, "denoise", "trained", source, tmp_path / "out.jpg") == 2
    assert "out.jpg does not end in .png" in capsys.readouterr().err and not (tmp_path / "out.jpg").exists()


def test_denoise_tells_the_level_that_a_model_estimates(
    tmp_path: Path, photos: str, capsys: pytest.CaptureFixture[str]
) -> None:
    list(record(new_run(tmp_path, photos, "aware", model="res-unet-level", epochs=1)))
    source = tmp_path / "in.png"
    Image.new("L", (30, 40), 128).save(source)
    assert call(tmp_path, "denoise", "aware", source, tmp_path / "out.png", "--noise", "gaussian:0.3") == 0
    told = re.search(r"30 x 40, noise of about (\d\.\d\d) \(", capsys.readouterr().out)
    assert told and float(told.group(1)) > 0


def test_list(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(root, "list", "--json") == 0
    sections = json.loads(capsys.readouterr().out)
    expected = {"recipes": RECIPES, "models": MODELS, "noises": NOISES, "datasets": DATASETS, "runs": ["trained"]}
    assert {title: [row["name"] for row in rows] for title, rows in sections.items()} == {
        title: list(names) for title, names in expected.items()
    }
    assert call(tmp_path, "list", "--data", tmp_path) == 0
    out = capsys.readouterr().out
    assert "runs: none" in out and "dae download mnist" in out and all(name in out for name in RECIPES)


def test_import_weights(tmp_path: Path) -> None:
    model = build_model("conv-64", (1, 28, 28), torch.Generator())
    save_file(dict(model.state_dict()), tmp_path / "w.safetensors")
    options = ["--model", "conv-64", "--noise", "gaussian:0.3", "--name", "theirs"]
    assert call(tmp_path / "runs", "import-weights", tmp_path / "w.safetensors", *options) == 0
    run = find_run("theirs", tmp_path / "runs")
    assert run.state == "finished" and run.load().name == "conv-64" and "w.safetensors" in run.note


def test_weights_that_the_disk_refuses_leave_no_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    save_file(dict(build_model("conv-64", (1, 28, 28), torch.Generator()).state_dict()), tmp_path / "w.safetensors")

    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("dae.runs.save_checkpoint", refuse)
    told = fails(capsys, tmp_path / "runs", "import-weights", tmp_path / "w.safetensors", "--model", "conv-64")
    assert "No space left on device" in told and list_runs(tmp_path / "runs") == []


def test_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(cli.stock.data, "download", lambda *arguments: asked.append(arguments))
    assert call(tmp_path, "download", "mnist", "--data", tmp_path) == 0
    assert asked == [("mnist", str(tmp_path))] and str(tmp_path) in capsys.readouterr().out


MISTAKES = [
    (["train", "--model", "conv64"], "Did you mean 'conv-64'"),
    (["train", "--recipe", "mnist-liner"], "Did you mean 'mnist-linear'"),
    (["train", "--dataset", "mnits"], "Did you mean 'mnist'"),
    (["train", "--dataset", "mnist"], "dae download mnist"),
    (["train", "--dataset", "folder:nowhere"], "There is no folder"),
    (["train", "--dataset", "folder:~nobody-of-that-name/x"], "has no home folder here"),
    (["train", "--dataset", "folder:" + 300 * "x"], "There is no folder"),
    (["evaluate", 300 * "x"], "There is no run"),
    (["list", "--data", "~nobody-of-that-name/x"], "has no home folder here"),
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
    (["denoise", "trained", "missing.png", "out.png"], "missing.png cannot be read"),
    (["denoise", "trained", __file__, "out.png"], "Use PNG"),
    (["export", "trained", "model.h5"], "ends in neither .onnx nor .pt2"),
    (["export", "nothing", "model.onnx"], "There is no run 'nothing'"),
    (["export", "trained", "no/model.pt2"], "cannot be written"),
    (["download", "digits"], "needs no download"),
    (["download", "nothing"], "There is no data set"),
    (["import-weights", "missing.safetensors", "--model", "unet"], "cannot be read"),
    (["bench", "inference", "slidr"], "Did you mean 'slider'"),
    (["fly"], "invalid choice"),
]


@pytest.mark.parametrize(("arguments", "words"), MISTAKES, ids=[" ".join(arguments)[:40] for arguments, _ in MISTAKES])
def test_a_mistake_is_told_in_one_sentence_and_leaves_nothing(
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


def test_a_target_that_cannot_be_written(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("L", (28, 28)).save(tmp_path / "in.png")
    told = fails(capsys, root, "denoise", "trained", tmp_path / "in.png", tmp_path / "no" / "out.png")
    assert "cannot be written" in told


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("train", "evaluate", "probe", "denoise", "export", "list", "download", "import-weights", "bench"):
        with pytest.raises(SystemExit) as caught:
            main([command, "--help"])
        assert caught.value.code == 0 and "--checkpoints" in capsys.readouterr().out
