"""Atomic writes, the cache directory, and runs on a full disk."""

import errno
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import platformdirs
import pytest
from platformdirs.macos import MacOS

from dae.errors import RunError
from dae.runs import run_training
from dae.utils.files import atomic_dir, atomic_write, user_cache_dir, write_json
from tests.helpers import ROOT, epochs, new_run


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_atomic_write_creates_the_file_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "f"
    with atomic_write(path) as temporary:
        temporary.write_text("new")
        assert not path.exists() and temporary.parent == tmp_path
    assert path.read_text() == "new" and names(tmp_path) == ["f"]
    assert path.stat().st_mode & 0o777 == 0o644 or sys.platform == "win32"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
def test_atomic_write_keeps_the_old_file_when_the_block_raises(error: type[BaseException], tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    with pytest.raises(error), atomic_write(path) as temporary:
        temporary.write_text("half")
        raise error
    assert path.read_text() == "old" and names(tmp_path) == ["f"]


def test_failed_replacement_leaves_no_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError), atomic_write(tmp_path / "f") as temporary:
        temporary.write_text("new")
    with pytest.raises(OSError), atomic_dir(tmp_path / "g") as folder:
        (folder / "a").write_text("new")
    assert names(tmp_path) == []


def test_write_json_keeps_the_old_file_when_values_cannot_be_encoded(tmp_path: Path) -> None:
    write_json(tmp_path / "f", {"a": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "f", {"a": object()})
    assert json.loads((tmp_path / "f").read_text()) == {"a": 1} and names(tmp_path) == ["f"]


def test_atomic_dir_keeps_a_directory_that_another_process_created_first(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "g"
    with atomic_dir(path) as folder:
        (folder / "a").write_text("second")
        assert not path.exists()
        path.mkdir()
        (path / "a").write_text("first")
    assert (path / "a").read_text() == "first" and names(path.parent) == ["g"]
    with pytest.raises(ValueError), atomic_dir(tmp_path / "h") as folder:
        (folder / "a").write_text("half")
        raise ValueError
    assert names(tmp_path) == ["deep"]


@pytest.mark.skipif(sys.platform != "linux", reason="XDG directories are a convention of Linux")
def test_user_cache_dir_follows_the_xdg_convention(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert user_cache_dir() == tmp_path / "dae"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_cache_dir() == tmp_path / ".cache" / "dae"


def test_user_cache_dir_on_macos_is_in_library_caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(platformdirs, "PlatformDirs", MacOS)
    assert user_cache_dir() == tmp_path / "Library" / "Caches" / "dae"


def full_disk(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    "target",
    [
        "dae.runs.directory.save_tensors",
        "dae.runs.directory.save_checkpoint",
        "dae.runs.progress.append_report",
        "PIL.Image.Image.save",
    ],
)
def test_full_disk_fails_the_run_which_can_be_resumed(
    target: str, tmp_path: Path, photos: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(tmp_path, photos)
    with pytest.raises(RunError, match="No space left.*Free some space"):
        for report in run_training(run):
            if report.scores and report.epoch == 1:
                monkeypatch.setattr(target, full_disk)
    assert run.state == "failed" and "Free some space" in run.status.message
    monkeypatch.undo()
    assert run.load() and epochs(run)[:2] == [0, 1]
    list(run_training(run))
    assert run.state == "finished" and epochs(run) == [0, 1, 2, 3]


def test_run_is_interrupted_when_not_even_its_status_can_be_written(
    tmp_path: Path, photos: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(tmp_path, photos)
    with pytest.raises(RunError, match="Free some space"):
        for report in run_training(run):
            if report.scores and report.epoch == 1:
                monkeypatch.setattr("dae.utils.files._temporary_path", full_disk)
    assert run.state == "interrupted"
    monkeypatch.undo()
    list(run_training(run))
    assert run.state == "finished"


def test_file_names_of_249_characters_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("y" * 245 + ".png")
    with atomic_write(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no umask")
@pytest.mark.parametrize("umask", [0o077, 0o002])
def test_new_files_and_directories_follow_the_umask(umask: int, tmp_path: Path) -> None:
    previous = os.umask(umask)
    try:
        with atomic_write(tmp_path / "f"):
            pass
        with atomic_dir(tmp_path / "g"):
            pass
    finally:
        os.umask(previous)
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o666 & ~umask
    assert (tmp_path / "g").stat().st_mode & 0o777 == 0o777 & ~umask


@pytest.mark.skipif(sys.platform == "win32", reason="there a process cannot be tested without ending it")
def test_leftovers_of_killed_processes_are_deleted_by_the_next_write(tmp_path: Path) -> None:
    script = (
        "import os, pathlib, signal\n"
        "from dae.utils.files import atomic_dir, atomic_write\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        "with atomic_dir(folder / 'g') as g, atomic_write(folder / 'f'):\n"
        "    (g / 'a').write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)
    assert len(names(tmp_path)) == 2
    with atomic_dir(tmp_path / "g"), atomic_write(tmp_path / "f"), atomic_write(tmp_path / "f"):
        # A running process keeps its temporary files.
        assert len(names(tmp_path)) == 3
    assert names(tmp_path) == ["f", "g"]


@pytest.mark.skipif(sys.platform != "linux", reason="needs a user id without a home directory")
def test_a_user_without_a_home_has_a_temporary_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd

    def unknown(_: int) -> None:
        raise KeyError("uid not found")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert user_cache_dir().is_relative_to(tempfile.gettempdir())
