"""Atomic writes, a bounded disk cache and the user's cache directory."""

import contextlib
import errno
import functools
import hashlib
import json
import os
import platform
import secrets
import shutil
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import platformdirs
from cachetools import LRUCache

from dae.errors import DataError, SpecError

T = TypeVar("T")

# Trained models that are part of the project.
SHIPPED_RUNS = Path(__file__).parents[2] / "checkpoints"
# JSON and CSV files of a run have a few thousand bytes.
MAX_RECORD_BYTES = 4 << 20
_TEMPORARY_SUFFIX = ".part"
_MAX_CACHED_FILES = 8_192
_RACY_NS = 100_000_000


@contextlib.contextmanager
def atomic_write(path: Path, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path that replaces `path` when the block succeeds and is deleted when it raises.

    Args:
        durable: wait until the file is on disk, which takes milliseconds. Otherwise a power failure can damage it.
    """
    temporary = _temporary_path(path)
    # Unlike mkstemp, this applies the umask of the process.
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        yield temporary
        if durable:
            _sync(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_dir(path: Path) -> Iterator[Path]:
    """Yield a temporary directory that becomes `path` when the block succeeds and is deleted when it raises.

    If another process creates `path` first, the existing directory stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary_path(path)
    temporary.mkdir()
    try:
        yield temporary
        for file in temporary.iterdir():
            _sync(file)
        try:
            os.replace(temporary, path)
        except OSError:
            if not path.is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def write_output(path: Path) -> Iterator[Path]:
    """Yield a temporary path for a file of the user, as `atomic_write` does; raise DataError if that fails."""
    try:
        with atomic_write(path) as temporary:
            yield temporary
    except OSError as error:
        raise DataError(f"{path} cannot be written: {explain_write_error(error)}") from error


def _temporary_path(path: Path) -> Path:
    """Return an unused path beside `path`, after deleting those of processes that were killed."""
    host = hashlib.sha256(platform.node().encode()).hexdigest()[:6]
    # The name of the file itself could make this one too long for the disk.
    prefix = f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:12]}-{host}-"
    with contextlib.suppress(OSError):
        for left in path.parent.glob(f"{prefix}*{_TEMPORARY_SUFFIX}"):
            process = left.name.removeprefix(prefix).partition("-")[0]
            if not process.isdecimal() or _is_running(int(process)):
                continue
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
    return path.parent / f"{prefix}{os.getpid()}-{secrets.token_hex(4)}{_TEMPORARY_SUFFIX}"


def _is_running(process: int) -> bool:
    """Return whether a process with this number runs on this machine; True if unknown."""
    # On Windows, os.kill would end the process.
    if sys.platform == "win32":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def explain_write_error(error: OSError) -> str:
    """Return why a file cannot be written and what to do about it, as two sentences."""
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return f"{error.strerror or error}. {'Free some space.' if is_full else 'Check the folder and its permissions.'}"


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading; raise OSError also for a pipe or device, which could block its reader for ever."""
    file = os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "It is not a regular file", str(path))
    return file


def read_regular(path: Path, max_bytes: int = MAX_RECORD_BYTES) -> bytes:
    """Return the content of a regular file; raise OSError if it is missing or has more than `max_bytes`."""
    with open_regular(path) as file:
        if (size := os.fstat(file.fileno()).st_size) > max_bytes:
            raise OSError(errno.EFBIG, f"It has {size:,} bytes; the limit is {max_bytes:,}", str(path))
        return file.read(max_bytes)


def cached_by_stat(read: Callable[[Path], T]) -> Callable[[Path], T]:
    """Decorate a function of one file so that it reads an unchanged file once; callers share the result.

    A file that changed within the last 0.1 s is read again, since its next change may have the same time.
    """
    results: LRUCache[str, tuple[tuple[int, ...], T]] = LRUCache(_MAX_CACHED_FILES)
    lock = threading.Lock()

    @functools.wraps(read)
    def get(path: Path) -> T:
        try:
            status = path.stat()
        except (OSError, ValueError):
            return read(path)
        key, signature = str(path), (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        with lock:
            if (found := results.get(key)) and found[0] == signature:
                return found[1]
        result = read(path)
        if time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _RACY_NS:
            with lock:
                results[key] = signature, result
        return result

    return get


def _sync(file: Path) -> None:
    """Write a file's content to the disk, so that a power failure after its renaming cannot leave it empty."""
    # Windows syncs only files that are open for writing.
    with file.open("rb+") as opened:
        os.fsync(opened.fileno())


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a JSON object atomically."""
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(values, indent=1) + "\n")


def fingerprint(*values: object) -> str:
    """Return a hash of these bytes-like or JSON values: 32 hexadecimal digits, for example to name a cache file."""
    digest = hashlib.sha256()
    for value in values:
        content = value if isinstance(value, (bytes, memoryview)) else json.dumps(value).encode()
        # The length keeps "ab", "c" apart from "a", "bc".
        digest.update(f"{memoryview(content).nbytes} ".encode())
        digest.update(content)
    return digest.hexdigest()[:32]


def cache_put(path: Path, content: bytes, max_files: int) -> None:
    """Write a cache file, and evict the older half of its directory if that exceeds `max_files`.

    A full or read-only disk is ignored: cache files can be computed again.
    """
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary:
            temporary.write_bytes(content)
        files = list(path.parent.iterdir())
        if len(files) > max_files:
            for file in sorted(files, key=lambda file: file.stat().st_mtime)[: max_files // 2]:
                file.unlink(missing_ok=True)


def expand_user(path: Path) -> Path:
    """Expand a leading `~` to a home directory; raise SpecError if that user has none."""
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise SpecError(f"{path} starts with an unknown user. Write the full path.") from error


def user_cache_dir() -> Path:
    """Return the user's cache directory of this package, `$XDG_CACHE_HOME/dae` or `~/.cache/dae` on Linux.

    A user without a home directory gets one below the system's directory of temporary files.
    """
    try:
        path = platformdirs.user_cache_path("dae", appauthor=False, opinion=False)
        if path.is_absolute() and "~" not in path.parts:
            return path
    except (KeyError, RuntimeError):
        pass
    user = os.getuid() if hasattr(os, "getuid") else "user"
    return Path(tempfile.gettempdir()) / f"dae-cache-{user}"
