"""Files that are whole or absent, files that can be made again, and the folder that is the user's own."""

import contextlib
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dae.errors import SpecError


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, put in its place when the block ends well and removed when it does not."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as written:  # writable, or Windows refuses to flush it
            os.fsync(written.fileno())
        temporary.chmod(0o644)  # mkstemp makes it private
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """The same for a folder; where another process has made `path` meanwhile, theirs stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part"))
    try:
        yield temporary
        try:
            os.replace(temporary, path)
        except OSError:
            if not path.is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write one JSON object, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(values, indent=1) + "\n")


def name_of(*about: object) -> str:
    """A file name for what these JSON values identify."""
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:32]


def keep(path: Path, content: bytes, most: int) -> None:
    """Write what can be made again, where the disk lets; the older half of the folder goes when it has over `most`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as temporary:
            temporary.write_bytes(content)
        files = list(path.parent.iterdir())
        if len(files) > most:
            for old in sorted(files, key=lambda file: file.stat().st_mtime)[: most // 2]:
                old.unlink(missing_ok=True)
    except OSError:
        pass  # a full or read-only disk: the next process makes it again


def expanded(path: Path) -> Path:
    """The path with `~` as a home folder; raises SpecError where nobody of that name has one."""
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise SpecError(f"{path} begins with a user that has no home folder here; write the whole path.") from error


def cache_folder() -> Path:
    """Where this user's programs keep what can be made again."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "dae"
