"""Metadata, configs and seed results of older, newer and damaged runs."""

import json
from pathlib import Path
from typing import Any

import pytest

from dae.errors import RunError
from dae.evaluation import Scores
from dae.runs import Run, RunMetadata, find_run, list_runs
from dae.runs.metadata import read_metadata, read_seed_results, write_metadata
from tests.helpers import ROOT, shipped_runs, small_config

METADATA = RunMetadata(
    device="CPU, 1 thread",
    baselines={"noisy input": Scores(0.1, 10.0, 0.3), "median filter": Scores(0.0, float("inf"), 1.0)},
    world_size=2,
    note="1 unreadable file skipped.",
    machine_id="0123",
)


def update_json(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_metadata_is_read_as_written_under_the_keys_of_older_versions(tmp_path: Path) -> None:
    write_metadata(tmp_path, METADATA)
    assert read_metadata(tmp_path) == METADATA
    assert set(json.loads((tmp_path / "facts.json").read_text())) >= {"device", "references", "processes", "note"}


def test_metadata_of_an_older_version_is_read_with_current_names_and_defaults(tmp_path: Path) -> None:
    scores = {"mse": 0.1, "psnr_db": 10.0, "ssim": 0.3}
    (tmp_path / "facts.json").write_text(
        json.dumps({"device": "CPU, 1 thread", "references": {"doing nothing": scores}})
    )
    metadata = read_metadata(tmp_path)
    assert metadata and metadata.baselines == {"noisy input": Scores(**scores)}
    assert (metadata.world_size, metadata.note, metadata.machine_id) == (1, "", "")


@pytest.mark.parametrize(
    "damage",
    [
        {"device": 5},
        {"device": None},
        {"references": []},
        {"references": {"noisy input": {"mse": 0.1}}},
        {"references": {"noisy input": {"mse": "0.1", "psnr_db": 1.0, "ssim": 1.0}}},
        {"processes": 0},
        {"processes": "2"},
    ],
)
def test_damaged_metadata_is_none(damage: dict[str, Any], tmp_path: Path) -> None:
    write_metadata(tmp_path, METADATA)
    update_json(tmp_path / "facts.json", **damage)
    assert read_metadata(tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe", b"null", b"[" * 10_000])
def test_unreadable_metadata_is_none(content: bytes, tmp_path: Path) -> None:
    assert read_metadata(tmp_path) is None
    (tmp_path / "facts.json").write_bytes(content)
    assert read_metadata(tmp_path) is None


def test_unknown_keys_of_a_newer_version_give_a_warning_and_a_usable_run(tmp_path: Path) -> None:
    run = Run.create(small_config(), root=tmp_path, name="run")
    run.status.set("finished", "done")
    write_metadata(run.path, METADATA)
    for file in ("config.json", "state.json", "facts.json"):
        update_json(run.path / file, from_the_future=[1])
    with pytest.warns(UserWarning, match="RunConfigFile: from_the_future"):
        (run,) = list_runs(tmp_path)
    assert run.config == small_config()
    with pytest.warns(UserWarning, match="StateRecord: from_the_future"):
        assert (run.state, run.status.message) == ("finished", "done")
    with pytest.warns(UserWarning, match="RunMetadata: from_the_future"):
        metadata = run.metadata()
    assert metadata and metadata.device == METADATA.device


def test_unknown_scores_of_a_newer_version_are_ignored(tmp_path: Path) -> None:
    write_metadata(tmp_path, METADATA)
    scores = {"mse": 0.1, "psnr_db": 10.0, "ssim": 0.3, "lpips": 0.5}
    update_json(tmp_path / "facts.json", references={"noisy input": scores})
    metadata = read_metadata(tmp_path)
    assert metadata and metadata.baselines == {"noisy input": Scores(0.1, 10.0, 0.3)}


@pytest.mark.parametrize("name", shipped_runs())
def test_shipped_runs_are_readable(name: str) -> None:
    run = find_run(name, ROOT / "checkpoints")
    metadata = run.metadata()
    assert run.state == "finished" and run.config.model == run.model == run.load().name
    assert metadata and "noisy input" in metadata.baselines and metadata.machine_id == ""
    assert len(run.progress()) == len((run.path / "progress.jsonl").read_text().splitlines()) > 0
    if (run.path / "seeds.csv").is_file():
        assert run.seed_results()


HEADER = "run,model,dataset,noise,n,seeds,mse,psnr_db,ssim,mse_sd,psnr_db_sd,ssim_sd,later"


def test_seed_results_are_the_runs_own_rows_over_several_seeds(tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    assert read_seed_results(run_dir) == []
    own = "run,unet,digits,gaussian:0.5,100,3,0.01,20,0.9,0.001,0.2,0.01,x"
    single = "run,unet,digits,gaussian:0.2,100,1,0.01,20,0.9,nan,nan,nan,x"
    other = "noisy,nothing,digits,gaussian:0.5,100,2,0.01,20,0.9,nan,nan,nan,x"
    (run_dir / "seeds.csv").write_text("\n".join([HEADER, own, single, other]))
    (row,) = read_seed_results(run_dir)
    assert (row["run"], row["noise"], row["n"], row["seeds"]) == ("run", "gaussian:0.5", 100, 3)
    assert (row["psnr_db"], row["psnr_db_sd"]) == (20.0, 0.2)


@pytest.mark.parametrize("content", ["", "run\nrun", f"{HEADER}\nrun,unet", f"{HEADER}\n" + "run," * 13, "\0"])
def test_damaged_seed_results_are_empty(content: str, tmp_path: Path) -> None:
    (tmp_path / "seeds.csv").write_text(content)
    assert read_seed_results(tmp_path) == []


def test_a_missing_config_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"config\.json is missing or damaged"):
        Run(tmp_path)
