"""Runs: their names, their states, who may write them, and what a death at any moment leaves."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dae import progress
from dae.errors import CheckpointError, RunError, SpecError
from dae.recording import record
from dae.runs import FORMAT, RunDirectory, find_run, list_runs, runs_root
from dae.status import ACTIVE
from dae.training import Report, Scores
from tests.conftest import new_run, small


def change(run: RunDirectory, **values: Any) -> None:
    path = run.path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_new_run_says_what_was_asked_for(tmp_path: Path) -> None:
    config = small(dataset="mnist", lr=1e-4)
    run = RunDirectory.create(config, root=tmp_path, recipe="mnist-linear", note="a line")
    again = find_run(run.name, tmp_path)
    assert again.config == config and (again.recipe, again.note) == ("mnist-linear", "a line")
    assert (run.state, run.status.message, run.progress()) == ("stopped", "Not started yet.", [])
    assert find_run(str(run.path)).name == run.name and not run.has_model
    with pytest.raises(CheckpointError, match="no weights yet"):
        run.load()


def test_where_runs_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert runs_root() == Path("checkpoints") and runs_root("here") == Path("here")
    monkeypatch.setenv("DAE_CHECKPOINTS", str(tmp_path))
    assert runs_root() == tmp_path and list_runs() == [] and list_runs(tmp_path / "nowhere") == []


def test_names_count_up_where_none_is_given(tmp_path: Path) -> None:
    names = [RunDirectory.create(small(), root=tmp_path).name for _ in range(3)]
    assert names == ["digits-linear-32", "digits-linear-32-2", "digits-linear-32-3"]
    assert [run.name for run in list_runs(tmp_path)][-1] == names[0]
    with pytest.raises(RunError, match="already"):
        RunDirectory.create(small(), root=tmp_path, name=names[0])


@pytest.mark.parametrize("folder", ["_x", "Фото", "...", "a b/c d", "-", "x" * 300, "photos@64", "/", ""])
def test_a_run_on_any_folder_has_a_name(folder: str, tmp_path: Path) -> None:
    run = RunDirectory.create(small(dataset=f"folder:{folder}"), root=tmp_path)
    assert run.path.parent == tmp_path and run.config.dataset == f"folder:{folder}"


BAD_NAMES = [
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


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_cannot_leave_the_folder(name: str, tmp_path: Path) -> None:
    root = tmp_path / "deep" / "runs"
    run = RunDirectory.create(small(), root=root, name="good")
    with pytest.raises(RunError, match="cannot name a run"):
        run.rename(name)
    if name:
        with pytest.raises(RunError, match="cannot name a run"):
            RunDirectory.create(small(), root=root, name=name)
    with pytest.raises(RunError, match="There is no run"):
        find_run(name, root)
    assert [path.name for path in root.iterdir()] == ["good"] and list((tmp_path / "deep").iterdir()) == [root]


def test_rename_and_delete(tmp_path: Path) -> None:
    run, other = (RunDirectory.create(small(), root=tmp_path, name=name) for name in ("old", "other"))
    renamed = run.rename("new")
    assert renamed.config == small() and {entry.name for entry in list_runs(tmp_path)} == {"new", "other"}
    with pytest.raises(RunError, match="already"):
        renamed.rename("other")
    renamed.delete()
    assert not renamed.path.exists() and [entry.name for entry in list_runs(tmp_path)] == ["other"]
    with pytest.raises(RunError, match="Runs there: other"):
        find_run("new", tmp_path)


def test_who_still_looks_at_a_deleted_run_does_not_bring_it_back(tmp_path: Path) -> None:
    run = RunDirectory.create(small(), root=tmp_path, name="gone")
    RunDirectory(run.path).delete()
    assert run.state in ("interrupted", "stopped") and run.status.message == "" and run.progress() == []
    assert not run.path.exists()
    RunDirectory.create(small(), root=tmp_path, name="gone")


def test_one_writer_and_any_number_of_readers(tmp_path: Path) -> None:
    run = RunDirectory.create(small(), root=tmp_path, name="run")
    reader = RunDirectory(run.path)
    run.status.acquire()
    for state in ACTIVE:
        run.status.set(state)
        assert run.state == reader.state == state
    for refused in (reader.delete, lambda: next(record(reader))):
        with pytest.raises(RunError, match=f"being written by process {os.getpid()}"):
            refused()
    run.status.release()
    assert run.state == reader.state == "interrupted"
    for state in ("stopped", "finished", "failed"):
        run.status.set(state, "why")
        assert (reader.state, reader.status.message) == (state, "why")


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunDirectory.create(small(), root=tmp_path, name="run")
    run.status.set("running")

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(FileLock, "_acquire", refuse)
    monkeypatch.setattr("dae.files.tempfile.mkstemp", refuse)
    assert run.state == "interrupted" and list_runs(tmp_path)[0].config == small()
    with pytest.raises(RunError, match="cannot be written: Permission denied"):
        run.status.acquire()
    with pytest.raises(RunError, match="cannot be written"):
        RunDirectory.create(small(), root=tmp_path, name="other")
    assert [entry.name for entry in list_runs(tmp_path)] == ["run"]
    assert not (tmp_path / "other").exists()  # the name is still free
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written"):
        RunDirectory.create(small(), root=tmp_path / "file")


def test_a_newer_format_and_damage_are_passed_over_in_lists(tmp_path: Path) -> None:
    newer, broken, good = (RunDirectory.create(small(), root=tmp_path, name=name) for name in "abc")
    change(newer, format=FORMAT + 1)
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
    ):
        (broken.path / "config.json").write_bytes(content)
        with pytest.raises(RunError, match="missing or damaged"):
            find_run("b", tmp_path)
        assert [run.name for run in list_runs(tmp_path)] == ["c"]
    change(good, created=10**400)
    assert len(list_runs(tmp_path)) <= 1  # a clock beyond all numbers at most hides its run


def test_names_that_this_version_does_not_know(tmp_path: Path) -> None:
    run = RunDirectory.create(small(), root=tmp_path, name="run")
    change(run, config=small().to_json() | {"model": "from-the-future"})
    with pytest.raises(SpecError, match="from-the-future"):
        _ = find_run("run", tmp_path).config
    assert [entry.name for entry in list_runs(tmp_path)] == ["run"]


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe", b'{"state": 5, "message": []}', b"[" * 10_000])
def test_a_damaged_state(content: bytes, tmp_path: Path) -> None:
    run = RunDirectory.create(small(), root=tmp_path)
    (run.path / "state.json").write_bytes(content)
    assert isinstance(run.state, str) and isinstance(run.status.message, str)


# Progress

SCORES = Scores(0.01, 20.0, 0.9)


def report(step: int) -> Report:
    return Report(step // 3, 3, step, 9, step / 7, 0.5, 99.5, *([SCORES, SCORES] if step % 3 == 0 else []))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_progress_cut_at_any_byte_reads_up_to_there(data: st.DataObject, tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    path.unlink(missing_ok=True)
    ends = [0]
    for step in range(5):
        progress.append(path, report(step))
        ends.append(path.stat().st_size)
    whole, content = progress.read(path), path.read_bytes()
    assert [line["step"] for line in whole] == [0, 1, 2, 3, 4]
    cut = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:cut] + data.draw(st.sampled_from([b"", b"\xff", b"\0" * 9])))
    lines = progress.read(path)
    assert lines == whole[: len(lines)] and sum(end <= cut for end in ends) - 1 <= len(lines) <= 5
    step = data.draw(st.integers(0, 5))
    progress.rewind(path, step)
    assert progress.read(path) == (lines[: step + 1] if step else [])


@pytest.mark.parametrize("line", ["5", "[]", "{}", '{"epoch": "1"}', "[" * 50_000, '{"scores": 1}', '{"epoch": null}'])
def test_progress_of_another_kind_ends_what_is_read(line: str, tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    assert progress.read(path) == []
    progress.append(path, report(0))
    path.write_text(path.read_text() + line + "\n" + path.read_text())
    assert len(progress.read(path)) == 1


def test_a_loss_as_large_as_a_number_can_be_does_not_end_what_is_read(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    for step, loss in enumerate([0.5, torch.finfo(torch.float32).max, 0.5]):
        progress.append(path, replace(report(step), loss=loss))
    assert [line["step"] for line in progress.read(path)] == [0, 1, 2]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_progress_read_while_it_grows_is_what_stands_in_the_file(data: st.DataObject, tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    path.unlink(missing_ok=True)
    for step in range(6):
        progress.append(path, report(step))
    content = path.read_bytes()
    for size in sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=4))):
        path.write_bytes(content[:size])
        whole = content[:size].count(b"\n")
        assert len(progress.read(path)) in (whole, whole + 1)  # the last may lack its line's end alone
    path.write_bytes(content)
    assert [line["step"] for line in progress.read(path)] == list(range(6))
    path.write_bytes(content[content.index(b"\n") + 1 :])  # another run under the same name
    assert [line["step"] for line in progress.read(path)] == list(range(1, 6))


def test_many_who_look_at_once_do_not_take_each_other_for_the_owner(photos: str, tmp_path: Path) -> None:
    new_run(tmp_path, photos).status.set("running")
    with ThreadPoolExecutor(8) as viewers:
        states = list(viewers.map(lambda _: find_run("run", tmp_path).state, range(400)))
    assert set(states) == {"interrupted"}
