"""Commands through `main`: train, denoise, list, download and import-weights."""

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

from dae import cli
from dae.data import DATASETS
from dae.errors import RunError
from dae.models import MODELS, build_model
from dae.noise import NOISES, NoiseSpec
from dae.runs import find_run, list_runs, recorder, run_training
from dae.training import RECIPES
from tests.cli.calls import call, fails
from tests.helpers import new_run


def test_train_uses_its_options_and_resume_finishes_a_stopped_run(
    tmp_path: Path, photos: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--dataset", photos, "--model", "linear-32", "--epochs", 2, "--batch-size", 8, "--device", "cpu"]
    options += ["--noise", "masking:0.3", "--lr", 0.001, "--seed", 5, "--max-images", 16]
    assert call(tmp_path, "train", *options, "--name", "mine", "--note", "a b") == 0
    out = capsys.readouterr().out
    assert "Run mine in" in out and "epoch 2/2" in out and "dB over the noisy input" in out
    run = find_run("mine", tmp_path)
    assert run.state == "finished" and run.note == "a b"
    config = run.config
    assert config.noise == NoiseSpec("masking", 0.3)
    assert (config.lr, config.seed, config.max_images) == (0.001, 5, 16)
    stopped = new_run(tmp_path, photos, "stopped")
    recorded = run_training(stopped)
    next(recorded)
    recorded.close()
    assert call(tmp_path, "train", "--resume", "stopped") == 0 and stopped.state == "finished"


def test_train_resolves_folders_in_the_data_root_and_loads_inputs_once(
    tmp_path: Path, photos: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(photos.removeprefix("folder:").rpartition("@")[0], tmp_path / "data" / "mine")
    loaded: list[Any] = []
    for module in (cli.train, recorder):
        load = module.load_inputs
        monkeypatch.setattr(module, "load_inputs", lambda *args, load=load: loaded.append(args) or load(*args))
    options = ["--data", tmp_path / "data", "--dataset", "folder:mine@28", "--model", "linear-32", "--epochs", 1]
    assert call(tmp_path / "runs", "train", *options) == 0
    (run,) = list_runs(tmp_path / "runs")
    assert run.state == "finished" and len(loaded) == 1


def test_options_override_the_recipe(tmp_path: Path, photos: str) -> None:
    options = ["--recipe", "mnist-linear-32", "--dataset", photos, "--epochs", 1, "--max-images", 4]
    assert call(tmp_path, "train", *options) == 0
    (run,) = list_runs(tmp_path)
    assert run.recipe == "mnist-linear-32" and run.config.optimizer == "adam"
    assert (run.config.epochs, run.config.max_images) == (1, 4)


def test_ctrl_c_stops_the_run_and_returns_130(
    tmp_path: Path, photos: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(run: Any, **others: Any) -> Any:
        recorded = run_training(run, **others)
        yield next(recorded)
        recorded.throw(KeyboardInterrupt)

    monkeypatch.setattr(cli.train, "run_training", interrupted)
    assert call(tmp_path, "train", "--dataset", photos, "--model", "linear-32", "--device", "cpu") == 130
    assert capsys.readouterr().err.endswith("dae: stopped\n") and list_runs(tmp_path)[0].state == "stopped"


def test_train_and_evaluate_report_unreadable_images(
    tmp_path: Path, photos: str, capsys: pytest.CaptureFixture[str]
) -> None:
    images = shutil.copytree(photos.removeprefix("folder:").removesuffix("@28"), tmp_path / "images")
    for split in ("train", "test"):
        (images / split / "broken.png").write_bytes(b"not an image")
    dataset = f"folder:{images}@28"
    options = ["--dataset", dataset, "--model", "linear-10", "--epochs", 1, "--batch-size", 8, "--name", "partial"]
    assert call(tmp_path / "runs", "train", *options) == 0
    assert "1 unreadable file skipped: broken.png." in capsys.readouterr().out
    metadata = find_run("partial", tmp_path / "runs").metadata()
    assert metadata is not None and "broken.png" in metadata.note
    assert call(tmp_path / "runs", "evaluate", "partial") == 0
    assert "1 unreadable file skipped: broken.png." in capsys.readouterr().out


@pytest.mark.parametrize("name", ["noisy", "median", "memory"])
def test_runs_cannot_have_the_name_of_a_baseline(name: str, tmp_path: Path, photos: str) -> None:
    with pytest.raises(RunError, match=f"{name}' cannot name a run: it is the name of a baseline"):
        new_run(tmp_path, photos, name)


def test_resume_rejects_options_of_new_runs(tmp_path: Path, photos: str, capsys: pytest.CaptureFixture[str]) -> None:
    run = new_run(tmp_path, photos, "stopped")
    assert call(tmp_path, "train", "--resume", "stopped", "--epochs", 9, "--batch-size", 4) == 2
    assert "--epochs and --batch-size cannot change" in capsys.readouterr().err and not run.has_model


def test_denoise_writes_a_png_of_the_model_size(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = tmp_path / "in.jpg", tmp_path / "out.png"
    Image.new("RGB", (50, 40), "white").save(source)
    outputs = set()
    for options in ([], ["--noise", "gaussian:0.3", "--seed", 4], ["--noise", "gaussian:0.3", "--tta"]):
        assert call(root, "denoise", "trained", source, target, *options) == 0
        assert "28 x 28, resized to fit the model" in capsys.readouterr().out
        with Image.open(target) as image:
            assert image.format == "PNG" and np.asarray(image).shape == (28, 28)
        outputs.add(target.read_bytes())
    assert len(outputs) == 3
    assert call(root, "denoise", "trained", source, tmp_path / "out.txt") == 2
    assert "Use a name that ends in .png" in capsys.readouterr().err and not (tmp_path / "out.txt").exists()


def test_denoise_prints_the_estimated_noise_level(
    tmp_path: Path, photos: str, capsys: pytest.CaptureFixture[str]
) -> None:
    list(run_training(new_run(tmp_path, photos, "aware", model="res-unet-blind", epochs=1)))
    source = tmp_path / "in.png"
    Image.new("L", (30, 40), 128).save(source)
    assert call(tmp_path, "denoise", "aware", source, tmp_path / "out.png", "--noise", "gaussian:0.3") == 0
    printed = re.search(r"30 x 40, estimated noise level (\d\.\d\d) \(", capsys.readouterr().out)
    assert printed and float(printed.group(1)) > 0


def test_list_prints_all_registries_and_runs(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(root, "list", "--json") == 0
    sections = json.loads(capsys.readouterr().out)
    expected = {"recipes": RECIPES, "models": MODELS, "noises": NOISES, "datasets": DATASETS, "runs": ["trained"]}
    assert {title: [row["name"] for row in rows] for title, rows in sections.items()} == {
        title: list(names) for title, names in expected.items()
    }
    assert call(tmp_path, "list", "--data", tmp_path) == 0
    out = capsys.readouterr().out
    assert "runs: none" in out and "dae download mnist" in out and all(name in out for name in RECIPES)


def test_import_weights_creates_a_finished_run(tmp_path: Path) -> None:
    model = build_model("conv-64", (1, 28, 28), torch.Generator())
    save_file(dict(model.state_dict()), tmp_path / "w.safetensors")
    options = ["--model", "conv-64", "--noise", "gaussian:0.3", "--name", "theirs"]
    assert call(tmp_path / "runs", "import-weights", tmp_path / "w.safetensors", *options) == 0
    run = find_run("theirs", tmp_path / "runs")
    assert run.state == "finished" and run.load().name == "conv-64" and "w.safetensors" in run.note


def test_import_weights_leaves_no_run_if_the_disk_is_full(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    save_file(dict(build_model("conv-64", (1, 28, 28), torch.Generator()).state_dict()), tmp_path / "w.safetensors")

    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("dae.runs.directory.save_checkpoint", refuse)
    message = fails(capsys, tmp_path / "runs", "import-weights", tmp_path / "w.safetensors", "--model", "conv-64")
    assert "No space left on device" in message and list_runs(tmp_path / "runs") == []


def test_download_uses_the_data_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    downloads: list[Any] = []
    monkeypatch.setattr(cli.catalog.datasets, "download", lambda *arguments: downloads.append(arguments))
    assert call(tmp_path, "download", "mnist", "--data", tmp_path) == 0
    assert downloads == [("mnist", str(tmp_path))] and str(tmp_path) in capsys.readouterr().out
