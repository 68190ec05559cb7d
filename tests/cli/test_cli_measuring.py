"""`dae evaluate` and `dae probe` print the results of the library functions."""

import csv
import io
import json
import shutil
from pathlib import Path
from statistics import mean, stdev

import pytest
from PIL import Image

from dae.data import load_dataset
from dae.data.whole_photographs import load_whole_photographs
from dae.evaluation import evaluate, filter_denoiser, model_denoiser
from dae.evaluation.denoisers import with_self_ensemble
from dae.noise import NoiseSpec
from dae.representation import cache, summary
from dae.representation.linear_probe import ProbeTask
from dae.runs import find_run, run_training
from tests.cli.calls import call, fails
from tests.helpers import ROOT, blobs, gray_noise, new_run


def test_evaluate_prints_the_rows_of_the_library(root: Path, photos: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["trained", "median", "--noise", "gaussian:0.3", "--noise", "masking:0.2-0.4", "--limit", 5, "--seed", 3]
    assert call(root, "evaluate", *options, "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    images = load_dataset(photos, "test", limit=5)
    checkpoint = find_run("trained", root).load()
    denoisers = [
        model_denoiser("trained", checkpoint, images),
        filter_denoiser("median", load_dataset(photos, "train")),
    ]
    noises = [NoiseSpec("gaussian", 0.3), NoiseSpec("masking", (0.2, 0.4))]
    assert rows == list(evaluate(denoisers, images, noises, 3, draws=3))
    assert call(root, "evaluate", *options, "--csv") == 0
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [{key: str(value) for key, value in row.items()} for row in rows] == table
    assert call(root, "evaluate", *options) == 0
    out = capsys.readouterr().out
    assert f"{rows[1]['psnr_db']:.5g}" in out and "5 test images" in out and "seed 3" in out


def test_evaluate_measures_whole_photographs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for index, size in enumerate([(60, 40)] * 12 + [(40, 60)] * 12):
        path = tmp_path / "photos" / ("test" if index % 4 == 0 else "train") / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        gray_noise(*size, 40).save(path)
    dataset = f"photos:{tmp_path / 'photos'}"
    options = ["--dataset", dataset, "--noise", "gaussian:0.1:unclipped", "--protocol", "awgn-8bit", "--json"]
    assert call(tmp_path, "evaluate", "gaussian-blur", *options) == 0
    images = load_whole_photographs(dataset)
    assert [image_set.shape for image_set in images] == [(1, 40, 60), (1, 60, 40)]
    denoiser = filter_denoiser("gaussian-blur", load_dataset(dataset, "train"))
    noise = NoiseSpec("gaussian", 0.1, clipped=False)
    rows = list(evaluate([denoiser], images, [noise], draws=3, protocol="awgn-8bit"))
    assert rows == json.loads(capsys.readouterr().out) and rows[1]["n"] == 6


def test_evaluate_adds_a_row_with_test_time_augmentation_per_run(
    root: Path, photos: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(root, "evaluate", "trained", "median", "--noise", "gaussian:0.3", "--tta", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["run"] for row in rows] == ["noisy", "trained", "trained x8", "median"]
    denoiser = with_self_ensemble(
        model_denoiser("trained", find_run("trained", root).load(), load_dataset(photos, "test"))
    )
    noises = [NoiseSpec("gaussian", 0.3)]
    assert rows[2] == list(evaluate([denoiser], load_dataset(photos, "test"), noises, draws=3))[1]
    assert rows[2]["mse"] != rows[1]["mse"]


def test_evaluate_aggregates_seeds_by_mean_and_standard_deviation(
    tmp_path: Path, photos: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in (1, 2, 3):
        list(run_training(new_run(tmp_path, photos, f"seed-{seed}", epochs=1, seed=seed)))
    list(run_training(new_run(tmp_path, photos, "other", epochs=2, seed=1)))
    options = ["seed-1", "seed-2", "seed-3", "other", "median", "--noise", "gaussian:0.3"]
    assert call(tmp_path, "evaluate", *options, "--json") == 0
    single = {row["run"]: row for row in json.loads(capsys.readouterr().out)}
    assert call(tmp_path, "evaluate", *options, "--aggregate-seeds", "--json") == 0
    rows = {row["run"]: row for row in json.loads(capsys.readouterr().out)}
    assert {run: row["seeds"] for run, row in rows.items()} == {"noisy": 1, "seed-1": 3, "other": 1, "median": 1}
    values = [single[f"seed-{seed}"]["psnr_db"] for seed in (1, 2, 3)]
    assert rows["seed-1"]["psnr_db"] == pytest.approx(mean(values))
    assert rows["seed-1"]["psnr_db_sd"] == pytest.approx(stdev(values)) and rows["other"]["psnr_db_sd"] is None
    assert call(tmp_path, "evaluate", *options, "--aggregate-seeds", "--tta", "--json") == 0
    seeds = {row["run"]: row["seeds"] for row in json.loads(capsys.readouterr().out)}
    assert seeds == {"noisy": 1, "seed-1": 3, "seed-1 x8": 3, "other": 1, "other x8": 1, "median": 1}
    assert call(tmp_path, "evaluate", *options, "--aggregate-seeds") == 0
    out = capsys.readouterr().out
    assert f"{mean(values):.5g} ±{stdev(values):.1g}" in out and "standard deviation over seeds" in out

    run = find_run("seed-1", tmp_path)
    assert run.seed_results() == []
    assert call(tmp_path, "evaluate", *options, "--aggregate-seeds", "--csv") == 0
    table = run.path / "seeds.csv"
    table.write_text(capsys.readouterr().out)
    # The table has rows of other runs, too.
    (row,) = run.seed_results()
    assert row["seeds"] == 3 and all(value == rows["seed-1"][name] for name, value in row.items())
    # This run was trained with one seed only.
    table.rename(find_run("other", tmp_path).path / "seeds.csv")
    assert find_run("other", tmp_path).seed_results() == []
    table.write_text("run,mse\nseed-1,much")
    assert run.seed_results() == []
    assert call(tmp_path, "evaluate", "seed-1", tmp_path / "seed-1", "--aggregate-seeds") == 2
    assert "same name: 'seed-1'" in capsys.readouterr().err
    shutil.copy(find_run("seed-2", tmp_path).path / "config.json", run.path / "config.json")
    assert call(tmp_path, "evaluate", "seed-1", "seed-2", "--aggregate-seeds") == 2
    assert "have the same seed" in capsys.readouterr().err


def test_probe_prints_the_rows_of_the_library(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dae.representation.finetune.NUM_STEPS", 5)
    monkeypatch.setattr("dae.representation.finetune.LABEL_COUNT_RANGE", (8, 8))
    monkeypatch.setattr("dae.representation.linear_probe._INVERSE_REGULARIZATION", (0.1,))
    images = tmp_path / "classes"
    for split, number in (("train", 20), ("val", 4), ("test", 6)):
        for bright in (0, 1):
            (images / split / str(bright)).mkdir(parents=True)
            for index, image in enumerate(blobs(number, seed=bright)[:, 0]):
                Image.fromarray(image // (1 + 2 * bright)).save(images / split / str(bright) / f"{index}.png")
    dataset = f"folder:{images}@28"
    list(run_training(new_run(tmp_path / "runs", dataset, "coded", epochs=1)))
    options = ["coded", "--labels", "2,8,all", "--seeds", 2, "--limit", 10]
    assert call(tmp_path / "runs", "probe", *options, "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    task = ProbeTask(load_dataset(dataset, "train"), load_dataset(dataset, "test", limit=10))
    probes = cache.ProbeCache(task, 2, tmp_path / "none")
    methods = cache.probe_methods("coded", find_run("coded", tmp_path / "runs").load(), task)
    jobs = list(cache.probe_jobs(methods, probes.feasible_counts((2, 8, None))))
    for job in jobs:
        probes.compute(*job)
    assert rows == [probes.summary_row(*job) for job in jobs]
    assert call(tmp_path / "runs", "probe", "coded", tmp_path / "runs" / "coded") == 2
    assert "same name: 'coded'" in capsys.readouterr().err
    assert call(tmp_path / "runs", "probe", *options) == 0
    printed = capsys.readouterr().out
    assert "2 seeds" in printed and "code of coded" in printed
    assert summary.describe_task(task) in printed
    # By default 10, 100, 1,000 and all labels, of which this data set has 32.
    assert call(tmp_path / "runs", "probe", "coded", "--seeds", 1, "--limit", 10, "--json") == 0
    assert {row["labels"] for row in json.loads(capsys.readouterr().out)} == {10, 32}
    assert "Choose 2 to 32" in fails(capsys, tmp_path / "runs", "probe", "coded", "--labels", "1")
    assert "Number of labels 'few' is invalid" in fails(capsys, tmp_path / "runs", "probe", "coded", "--labels", "few")


def test_probe_requires_classes(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "each subfolder is a class" in fails(capsys, root, "probe", "trained")


def test_json_output_has_no_infinity(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(root, "evaluate", "trained", "--noise", "gaussian:0", "--json") == 0

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    json.loads(capsys.readouterr().out, parse_constant=refuse)


def test_shipped_runs_are_found_by_name_from_any_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("L", (28, 28)).save(tmp_path / "in.png")
    assert call(tmp_path / "runs", "denoise", "digits-linear", "in.png", "out.png") == 0
    message = fails(capsys, ROOT / "checkpoints", "denoise", "mnist-con", "in.png", "a.png")
    assert "Did you mean 'mnist-conv'?" in message
    assert "There is no run" in fails(capsys, tmp_path / "runs", "train", "--resume", "digits-linear")
    for name in ("..", "../dae", ""):
        message = fails(capsys, tmp_path / "runs", "evaluate", name)
        assert f"There is no run {name!r} in {(tmp_path / 'runs').resolve()}" in message
