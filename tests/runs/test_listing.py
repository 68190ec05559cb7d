"""Lists of runs: changes appear at once, unchanged files are read once, and unusual files do not block a list."""

import json
import os
import shutil
import sys
import time
from pathlib import Path

import pytest

from dae.runs import find_run, list_runs, reference_runs, run_names, unreadable_runs
from dae.runs import metadata as metadata_module
from dae.utils import files
from tests.helpers import ROOT, wait_for

NAMES = ("digits-conv", "digits-linear")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder with two finished runs that have not changed for a minute."""
    for name in NAMES:
        shutil.copytree(ROOT / "checkpoints" / name, tmp_path / name)
        for path in (*(tmp_path / name).iterdir(), tmp_path / name):
            os.utime(path, (time.time() - 60, time.time() - 60))
    os.utime(tmp_path, (time.time() - 60, time.time() - 60))
    return tmp_path


def test_new_renamed_and_deleted_runs_are_seen_at_once(root: Path) -> None:
    assert run_names(root) == run_names(root) == NAMES
    # A run counts from the moment its config is written.
    (root / "new").mkdir()
    assert run_names(root) == NAMES
    shutil.copy(root / NAMES[0] / "config.json", root / "new")
    assert run_names(root) == (*NAMES, "new")
    (root / "new").rename(root / "renamed")
    assert run_names(root) == (*NAMES, "renamed")
    shutil.rmtree(root / "renamed")
    assert run_names(root) == NAMES and run_names(root / "nowhere") == ()


def test_a_config_that_changes_in_place_is_read_again(root: Path) -> None:
    assert {run.note for run in list_runs(root)} == {run.note for run in list_runs(root)}
    config = root / NAMES[0] / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"note": "another"}))
    assert find_run(NAMES[0], root).note == "another"


def test_a_list_of_unchanged_runs_reads_no_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = [run.name for run in list_runs(root)]
    references = reference_runs(list_runs(root))

    # The times in the file system cannot be older than the copies, so this waits until they count as unchanged.
    def is_settled(path: Path) -> bool:
        return time.time_ns() - path.stat().st_ctime_ns > files._RACY_NS

    wait_for(lambda: all(map(is_settled, root.rglob("*"))))
    list_runs(root), reference_runs(list_runs(root))
    run_names(root)

    def refuse(*_: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr(metadata_module, "read_regular", refuse)
    monkeypatch.setattr("dae.runs.status.read_regular", refuse)
    monkeypatch.setattr("dae.runs.progress.open_regular", refuse)
    monkeypatch.setattr(os, "listdir", refuse)
    assert [run.name for run in list_runs(root)] == first
    assert reference_runs(list_runs(root)) == references and references


def test_unreadable_runs_are_named(root: Path) -> None:
    (root / "bad").mkdir()
    (root / "bad" / "config.json").write_text("{")
    assert len(list_runs(root)) == 2 and list(unreadable_runs(root)) == ["bad"]
    assert "missing or damaged" in unreadable_runs(root)["bad"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in directories")
@pytest.mark.parametrize(
    "file", ["config.json", "state.json", "facts.json", "progress.jsonl", "seeds.csv", "model.safetensors"]
)
def test_a_named_pipe_in_place_of_a_file_does_not_block_reading(file: str, root: Path) -> None:
    path = root / NAMES[0] / file
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    runs = list_runs(root)
    reference_runs(runs)
    for run in runs:
        run.progress(), run.metadata(), run.seed_results(), run.has_model
        assert run.state in ("finished", "interrupted")
    if file == "model.safetensors":
        (broken,) = (run for run in runs if run.name == NAMES[0])
        assert not broken.has_model
    assert len(runs) == (1 if file == "config.json" else 2)


def test_a_config_file_of_16_gib_makes_the_run_unreadable(root: Path) -> None:
    with (root / NAMES[0] / "config.json").open("wb") as file:
        file.truncate(1 << 34)
    assert list(unreadable_runs(root)) == [NAMES[0]]


@pytest.mark.parametrize("state", ["![x](http://example.org/x.png)", "", 5])
def test_an_unknown_state_reads_as_interrupted(state: object, root: Path) -> None:
    (root / NAMES[0] / "state.json").write_text(json.dumps({"state": state}))
    assert find_run(NAMES[0], root).state == "interrupted"
