"""Files: whole or absent, whatever happens half-way."""

import errno
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from dae.errors import RunError
from dae.files import cache_folder, whole_file, whole_folder, write_json
from dae.recording import record
from tests.conftest import epochs, new_run


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "f"
    with whole_file(path) as temporary:
        temporary.write_text("new")
        assert not path.exists() and temporary.parent == tmp_path
    assert path.read_text() == "new" and names(tmp_path) == ["f"]
    assert path.stat().st_mode & 0o777 == 0o644 or sys.platform == "win32"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
def test_a_failed_block_leaves_the_old_file_alone(error: type[BaseException], tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    with pytest.raises(error), whole_file(path) as temporary:
        temporary.write_text("half")
        raise error
    assert path.read_text() == "old" and names(tmp_path) == ["f"]


def test_a_refused_replacement_leaves_no_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError), whole_file(tmp_path / "f") as temporary:
        temporary.write_text("new")
    with pytest.raises(OSError), whole_folder(tmp_path / "g") as folder:
        (folder / "a").write_text("new")
    assert names(tmp_path) == []


def test_json_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    write_json(tmp_path / "f", {"a": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "f", {"a": object()})
    assert json.loads((tmp_path / "f").read_text()) == {"a": 1} and names(tmp_path) == ["f"]


def test_a_folder_appears_whole_and_the_first_one_stays(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "g"
    with whole_folder(place) as folder:
        (folder / "a").write_text("mine")
        assert not place.exists()
        place.mkdir()  # another process was faster
        (place / "a").write_text("theirs")
    assert (place / "a").read_text() == "theirs" and names(place.parent) == ["g"]
    with pytest.raises(ValueError), whole_folder(tmp_path / "h") as folder:
        (folder / "a").write_text("half")
        raise ValueError
    assert names(tmp_path) == ["deep"]


def test_the_cache_is_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "dae"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "dae"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache_folder() == tmp_path / "Library" / "Caches" / "dae"


def full_disk(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    "target", ["dae.runs.save_tensors", "dae.runs.save_checkpoint", "dae.progress.append", "PIL.Image.Image.save"]
)
def test_a_full_disk_is_told_and_the_run_can_go_on(
    target: str, tmp_path: Path, photos: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(tmp_path, photos)
    with pytest.raises(RunError, match="No space left.*Free some space"):
        for report in record(run):
            if report.scores and report.epoch == 1:
                monkeypatch.setattr(target, full_disk)
    assert run.state == "failed" and "Free some space" in run.status.message
    monkeypatch.undo()
    assert run.load() and epochs(run)[:2] == [0, 1]
    list(record(run))
    assert run.state == "finished" and epochs(run) == [0, 1, 2, 3]


def test_a_disk_that_refuses_everything(tmp_path: Path, photos: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run = new_run(tmp_path, photos)
    with pytest.raises(RunError, match="Free some space"):
        for report in record(run):
            if report.scores and report.epoch == 1:
                monkeypatch.setattr("dae.files.tempfile.mkstemp", full_disk)
    assert run.state == "interrupted"  # not even its failure could be written
    monkeypatch.undo()
    list(record(run))
    assert run.state == "finished"
