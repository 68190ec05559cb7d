"""The commands that measure: evaluate and probe say what the library says."""

import csv
import io
import json
import shutil
from pathlib import Path
from statistics import mean, stdev

import pytest
from PIL import Image

from dae import probed
from dae.contenders import classical, ensembled, trained
from dae.data import load_dataset
from dae.evaluation import evaluate
from dae.noise import NoiseSpec
from dae.probe import Task
from dae.recording import record
from dae.runs import find_run
from tests.cli.calls import call, fails
from tests.conftest import blobs, new_run


def test_evaluate_says_what_evaluation_says(root: Path, photos: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["trained", "median", "--noise", "gaussian:0.3", "--noise", "masking:0.2-0.4", "--limit", 5, "--seed", 3]
    assert call(root, "evaluate", *options, "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    images = load_dataset(photos, "test", limit=5)
    checkpoint = find_run("trained", root).load()
    contenders = [trained("trained", checkpoint, images), classical("median", load_dataset(photos, "train"))]
    noises = [NoiseSpec("gaussian", 0.3), NoiseSpec("masking", 0.2, 0.4)]
    assert rows == list(evaluate(contenders, images, noises, 3))
    assert call(root, "evaluate", *options, "--csv") == 0
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [{key: str(value) for key, value in row.items()} for row in rows] == table
    assert call(root, "evaluate", *options) == 0
    out = capsys.readouterr().out
    assert f"{rows[1]['psnr_db']:.5g}" in out and "5 test images" in out and "seed 3" in out


def test_evaluate_puts_the_mean_over_eight_views_beside_each_run(
    root: Path, photos: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(root, "evaluate", "trained", "median", "--noise", "gaussian:0.3", "--ensemble", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["run"] for row in rows] == ["noisy", "trained", "trained x8", "median"]
    contender = ensembled(trained("trained", find_run("trained", root).load(), load_dataset(photos, "test")))
    assert rows[2] == list(evaluate([contender], load_dataset(photos, "test"), [NoiseSpec("gaussian", 0.3)]))[1]
    assert rows[2]["mse"] != rows[1]["mse"]


def test_evaluate_gives_mean_and_spread_over_seeds(
    tmp_path: Path, photos: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in (1, 2, 3):
        list(record(new_run(tmp_path, photos, f"seed-{seed}", epochs=1, seed=seed)))
    list(record(new_run(tmp_path, photos, "other", epochs=2, seed=1)))
    options = ["seed-1", "seed-2", "seed-3", "other", "median", "--noise", "gaussian:0.3"]
    assert call(tmp_path, "evaluate", *options, "--json") == 0
    each = {row["run"]: row for row in json.loads(capsys.readouterr().out)}
    assert call(tmp_path, "evaluate", *options, "--over-seeds", "--json") == 0
    rows = {row["run"]: row for row in json.loads(capsys.readouterr().out)}
    assert {run: row["seeds"] for run, row in rows.items()} == {"noisy": 1, "seed-1": 3, "other": 1, "median": 1}
    values = [each[f"seed-{seed}"]["psnr_db"] for seed in (1, 2, 3)]
    assert rows["seed-1"]["psnr_db"] == pytest.approx(mean(values))
    assert rows["seed-1"]["psnr_db_sd"] == pytest.approx(stdev(values)) and rows["other"]["psnr_db_sd"] is None
    assert call(tmp_path, "evaluate", *options, "--over-seeds", "--ensemble", "--json") == 0
    seeds = {row["run"]: row["seeds"] for row in json.loads(capsys.readouterr().out)}
    assert seeds == {"noisy": 1, "seed-1": 3, "seed-1 x8": 3, "other": 1, "other x8": 1, "median": 1}
    assert call(tmp_path, "evaluate", *options, "--over-seeds") == 0
    out = capsys.readouterr().out
    assert f"{mean(values):.5g} ±{stdev(values):.1g}" in out and "standard deviation over seeds" in out

    run = find_run("seed-1", tmp_path)
    assert run.over_seeds() == []
    assert call(tmp_path, "evaluate", *options, "--over-seeds", "--csv") == 0
    kept = run.path / "seeds.csv"
    kept.write_text(capsys.readouterr().out)
    (row,) = run.over_seeds()  # its own alone
    assert row["seeds"] == 3 and all(value == rows["seed-1"][name] for name, value in row.items())
    kept.rename(find_run("other", tmp_path).path / "seeds.csv")
    assert find_run("other", tmp_path).over_seeds() == []  # trained once
    kept.write_text("run,mse\nseed-1,much")
    assert run.over_seeds() == []
    assert call(tmp_path, "evaluate", "seed-1", tmp_path / "seed-1", "--over-seeds") == 2
    assert "called 'seed-1'" in capsys.readouterr().err
    shutil.copy(find_run("seed-2", tmp_path).path / "config.json", run.path / "config.json")
    assert call(tmp_path, "evaluate", "seed-1", "seed-2", "--over-seeds") == 2
    assert "have the same seed" in capsys.readouterr().err


def test_probe_says_what_the_probe_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dae.finetune.STEPS", 5)
    monkeypatch.setattr("dae.finetune.LABELS", (8, 8))
    pictures = tmp_path / "classes"
    for split, number in (("train", 20), ("test", 6)):
        for bright in (0, 1):
            (pictures / split / str(bright)).mkdir(parents=True)
            for place, image in enumerate(blobs(number, seed=bright)[:, 0]):
                Image.fromarray(image // (1 + 2 * bright)).save(pictures / split / str(bright) / f"{place}.png")
    dataset = f"folder:{pictures}@28"
    list(record(new_run(tmp_path / "runs", dataset, "coded", epochs=1)))
    options = ["coded", "--labels", "2,8,32,all", "--seeds", 2, "--limit", 10]
    assert call(tmp_path / "runs", "probe", *options, "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    task = Task(load_dataset(dataset, "train"), load_dataset(dataset, "test", limit=10))
    probes = probed.Probes(task, 2, tmp_path / "none")
    learners = probed.learners("coded", find_run("coded", tmp_path / "runs").load(), task)
    jobs = list(probed.jobs(learners, probes.counts((2, 8, 32, None))))
    for job in jobs:
        probes.measure(*job)
    assert rows == [probes.row(*job) for job in jobs]
    assert call(tmp_path / "runs", "probe", *options) == 0
    told = capsys.readouterr().out
    assert "10 test pictures" in told and "2 seeds" in told and "code of coded" in told
    assert call(tmp_path / "runs", "probe", "coded", "--seeds", 1, "--limit", 10, "--json") == 0
    assert {row["labels"] for row in json.loads(capsys.readouterr().out)} == {10, 32}  # 100 are not there
    assert "choose 2 to 32" in fails(capsys, tmp_path / "runs", "probe", "coded", "--labels", "1")
    assert "no number of labels" in fails(capsys, tmp_path / "runs", "probe", "coded", "--labels", "few")


def test_probe_needs_classes(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "each subfolder is a class" in fails(capsys, root, "probe", "trained")


def test_json_is_json_even_where_nothing_is_noisy(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(root, "evaluate", "trained", "--noise", "gaussian:0", "--json") == 0

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    json.loads(capsys.readouterr().out, parse_constant=refuse)
