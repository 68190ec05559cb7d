"""Run directories: names, states, locks and damaged files."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from dae.errors import CheckpointError, RunError, SpecError
from dae.runs import ACTIVE_STATES, Run, find_run, list_runs, run_training
from dae.runs.directory import runs_root
from dae.runs.metadata import FORMAT
from tests.helpers import new_run, small_config


def update_config_file(run: Run, **values: Any) -> None:
    path = run.path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_new_run_stores_its_config(tmp_path: Path) -> None:
    config = small_config(dataset="mnist", lr=1e-4)
    run = Run.create(config, root=tmp_path, recipe="mnist-linear", note="a line")
    reopened = find_run(run.name, tmp_path)
    assert reopened.config == config and (reopened.recipe, reopened.note) == ("mnist-linear", "a line")
    assert (run.state, run.status.message, run.progress()) == ("stopped", "Not started yet.", [])
    assert find_run(str(run.path)).name == run.name and not run.has_model
    with pytest.raises(CheckpointError, match="no weights yet"):
        run.load()


def test_the_runs_directory_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert runs_root() == Path("checkpoints") and runs_root("here") == Path("here")
    monkeypatch.setenv("DAE_CHECKPOINTS", str(tmp_path))
    assert runs_root() == tmp_path and list_runs() == [] and list_runs(tmp_path / "nowhere") == []


def test_names_are_searched_in_the_runs_directory_first_and_paths_are_used_as_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, work = tmp_path / "runs", tmp_path / "work"
    for folder, name in ((root, "x"), (work, "x"), (work, "y")):
        Run.create(small_config(), root=folder, name=name)
    monkeypatch.chdir(work)
    assert find_run("x", root).path == root / "x"
    assert find_run("y", root).path.resolve() == work / "y"
    for path in (f".{os.sep}x", str(work / "x"), f"..{os.sep}work{os.sep}x"):
        assert find_run(path, root).path.resolve() == work / "x"
    with pytest.raises(RunError, match="There is no run"):
        find_run("z", root)


def test_default_names_are_numbered(tmp_path: Path) -> None:
    names = [Run.create(small_config(), root=tmp_path).name for _ in range(3)]
    assert names == ["digits-linear-32", "digits-linear-32-2", "digits-linear-32-3"]
    assert [run.name for run in list_runs(tmp_path)][-1] == names[0]
    with pytest.raises(RunError, match="already"):
        Run.create(small_config(), root=tmp_path, name=names[0])


@pytest.mark.parametrize("folder", ["_x", "Фото", "...", "a b/c d", "-", "x" * 300, "photos@64", "/", ""])
def test_any_image_folder_gives_a_valid_default_name(folder: str, tmp_path: Path) -> None:
    run = Run.create(small_config(dataset=f"folder:{folder}"), root=tmp_path)
    assert run.path.parent == tmp_path and run.config.dataset == f"folder:{folder}"


INVALID_NAMES = [
    "../out",
    "..",
    ".",
    "a/b",
    "/abs",
    "a\\b",
    "A",
    "",
    "é",
    "a b",
    "-a",
    ".a",
    "x" * 65,
    "a\0",
    "a\n",
    "a\x1b[0m",
    "noisy",
]


@pytest.mark.parametrize("name", INVALID_NAMES)
def test_invalid_names_are_refused_and_cannot_leave_the_runs_directory(name: str, tmp_path: Path) -> None:
    root = tmp_path / "deep" / "runs"
    run = Run.create(small_config(), root=root, name="good")
    with pytest.raises(RunError, match="cannot name a run"):
        run.rename(name)
    if name:
        with pytest.raises(RunError, match="cannot name a run"):
            Run.create(small_config(), root=root, name=name)
    with pytest.raises(RunError, match="There is no run"):
        find_run(name, root)
    assert [path.name for path in root.iterdir()] == ["good"] and list((tmp_path / "deep").iterdir()) == [root]


def test_runs_can_be_renamed_and_deleted(tmp_path: Path) -> None:
    run, _ = (Run.create(small_config(), root=tmp_path, name=name) for name in ("old", "other"))
    renamed = run.rename("new")
    assert renamed.config == small_config() and {entry.name for entry in list_runs(tmp_path)} == {"new", "other"}
    with pytest.raises(RunError, match="already"):
        renamed.rename("other")
    renamed.delete()
    assert not renamed.path.exists() and [entry.name for entry in list_runs(tmp_path)] == ["other"]
    with pytest.raises(RunError, match="Runs there: other"):
        find_run("new", tmp_path)


def test_reading_a_deleted_run_does_not_create_its_directory_again(tmp_path: Path) -> None:
    run = Run.create(small_config(), root=tmp_path, name="gone")
    Run(run.path).delete()
    assert run.state in ("interrupted", "stopped") and run.status.message == "" and run.progress() == []
    assert not run.path.exists()
    with pytest.raises(RunError, match="has been deleted"):
        run.delete()
    assert not run.path.exists()
    Run.create(small_config(), root=tmp_path, name="gone")


def test_a_locked_run_has_one_writer_and_any_number_of_readers(tmp_path: Path) -> None:
    run = Run.create(small_config(), root=tmp_path, name="run")
    reader = Run(run.path)
    run.status.acquire()
    for state in ACTIVE_STATES:
        run.status.set(state)
        assert run.state == reader.state == state
    for write in (reader.delete, lambda: next(run_training(reader))):
        with pytest.raises(RunError, match=f"being written by process {os.getpid()}"):
            write()
    run.status.release()
    assert run.state == reader.state == "interrupted"
    for state in ("stopped", "finished", "failed"):
        run.status.set(state, "why")
        assert (reader.state, reader.status.message) == (state, "why")


def test_lock_error_without_a_known_writer_mentions_another_process(tmp_path: Path) -> None:
    run = Run.create(small_config(), root=tmp_path, name="run")
    run.status.acquire()
    with pytest.raises(RunError, match=r"being written by another process\. Wait"):
        Run(run.path).delete()


def test_runs_in_a_read_only_directory_can_be_read_but_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run.create(small_config(), root=tmp_path, name="run")
    run.status.set("running")

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(FileLock, "_acquire", refuse)
    monkeypatch.setattr("dae.utils.files._temporary_path", refuse)
    assert run.state == "interrupted" and list_runs(tmp_path)[0].config == small_config()
    with pytest.raises(RunError, match="cannot be written: Permission denied"):
        run.status.acquire()
    with pytest.raises(RunError, match="cannot be written"):
        Run.create(small_config(), root=tmp_path, name="other")
    assert [entry.name for entry in list_runs(tmp_path)] == ["run"]
    # The name is still free.
    assert not (tmp_path / "other").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written"):
        Run.create(small_config(), root=tmp_path / "file")


def test_damaged_runs_and_newer_formats_are_skipped_in_lists(tmp_path: Path) -> None:
    newer, damaged, good = (Run.create(small_config(), root=tmp_path, name=name) for name in "abc")
    update_config_file(newer, format=FORMAT + 1)
    with pytest.raises(RunError, match=f"format {FORMAT + 1}.*Update the program"):
        find_run("a", tmp_path)
    for content in (
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 10_000,
        b'{"format": 1}',
        b'{"format": 1, "created": "x"}',
        json.dumps(json.loads((good.path / "config.json").read_text()) | {"config": {"model": "unet"}}).encode(),
    ):
        (damaged.path / "config.json").write_bytes(content)
        with pytest.raises(RunError, match="missing or damaged"):
            find_run("b", tmp_path)
        assert [run.name for run in list_runs(tmp_path)] == ["c"]
    # A creation time that no float can hold may hide its own run, but no other.
    update_config_file(good, created=10**400)
    assert len(list_runs(tmp_path)) <= 1


def test_a_config_with_unknown_names_is_listed(tmp_path: Path) -> None:
    run = Run.create(small_config(), root=tmp_path, name="run")
    update_config_file(run, config=small_config().to_json() | {"model": "from-the-future"})
    with pytest.raises(SpecError, match="from-the-future"):
        _ = find_run("run", tmp_path).config
    assert [entry.name for entry in list_runs(tmp_path)] == ["run"]


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe", b'{"state": 5, "message": []}', b"[" * 10_000])
def test_a_damaged_state_reads_as_interrupted(content: bytes, tmp_path: Path) -> None:
    run = Run.create(small_config(), root=tmp_path)
    (run.path / "state.json").write_bytes(content)
    assert (run.state, run.status.message) == ("interrupted", "")


def test_simultaneous_readers_do_not_take_each_other_for_the_writer(photos: str, tmp_path: Path) -> None:
    new_run(tmp_path, photos).status.set("running")
    with ThreadPoolExecutor(8) as readers:
        states = list(readers.map(lambda _: find_run("run", tmp_path).state, range(400)))
    assert set(states) == {"interrupted"}
