"""Find the folder of a data set, its image files, and the files that cannot be used."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from dae.data.image_formats import ALL_SUFFIXES
from dae.errors import DaeError, DataError, SpecError
from dae.utils.files import expand_user
from dae.utils.text import counted

# Folders that operating systems and file servers create, in lower case; names with a leading dot are skipped anyway.
_SYSTEM_FOLDERS = {
    "__macosx",
    "__pycache__",
    "@eadir",
    "#recycle",
    "$recycle.bin",
    "system volume information",
    "lost+found",
}
# Files that accompany images, which nobody expects to be read.
_COMPANIONS = {"", ".txt", ".md", ".csv", ".tsv", ".json", ".xml", ".yaml", ".yml", ".html", ".ini", ".db", ".pdf"}
_COMPANIONS |= {".py", ".ipynb", ".log", ".zip", ".gz", ".tar", ".lnk", ".npy", ".mat"}
_MAX_LISTED_SUFFIXES = 5


def resolve_folder(name: str, root: Path, default_size: int) -> tuple[Path, int]:
    """Return the folder and the image size of `folder:PATH@SIZE` or `photos:PATH@SIZE`.

    Raises:
        SpecError: the path is empty or impossible, or the size is out of range.
    """
    kind = name.partition(":")[0]
    path, size = split_path_and_size(name, default_size, root)
    if not path:
        raise SpecError(f"{kind}: needs a path. Write {kind}:images, or {kind}:. for the current directory.")
    # Longer texts of digits than Python converts to an integer are out of range, too.
    if len(size) > 4 or not 8 <= int(size) <= 512:
        raise SpecError(f"Image size {size[:20]} is outside 8 to 512 pixels. Write for example {kind}:images@64.")
    try:
        return _locate(path, root).resolve(), int(size)
    except (OSError, ValueError, RuntimeError) as error:
        raise SpecError(f"{name!r} names no folder: {error}. Write for example {kind}:images.") from error


def _locate(path: str, root: Path) -> Path:
    """Return the folder in the data root if it is there, else in the working directory, as for `./` and `../`."""
    folder = expand_user(Path(path))
    is_explicit = Path(path).is_absolute() or path.split("/")[0] in (".", "..")
    return folder if is_explicit or not os.path.isdir(root / folder) else root / folder


def split_path_and_size(name: str, default_size: int, root: Path | None = None) -> tuple[str, str]:
    """Split `folder:PATH@SIZE`; a folder whose own name ends in @SIZE is found before that.

    Args:
        root: data root to look for such a folder; None to ignore the disk.
    """
    text = name.partition(":")[2]
    path, at, size = text.rpartition("@")
    if not (at and size.isdecimal() and size.isascii()):
        return text, str(default_size)
    with suppress(OSError, ValueError, DaeError):
        if root is not None and os.path.isdir(_locate(text, root)) and not os.path.isdir(_locate(path, root)):
            return text, str(default_size)
    return path, size


def find_images(folder: Path) -> list[Path]:
    """Return the image files below `folder`, by suffix, sorted by path.

    Hidden files and folders of the system are skipped. Links to folders are followed; a folder that is reached by
    several paths is read once.

    Raises:
        DataError: the folder does not exist or contains no image.
    """
    # Unlike Path.is_dir, os.path.isdir accepts names that are too long for the disk.
    if not os.path.isdir(folder):
        raise DataError(f"There is no folder {folder}. Name a folder of images, for example folder:photos.")
    paths = sorted(path for path in _walk(folder) if path.suffix.lower() in ALL_SUFFIXES and path.is_file())
    if not paths:
        raise DataError(
            f"The folder {folder} contains no image. Supported: {', '.join(ALL_SUFFIXES)}."
            + (f" {left_out}" if (left_out := describe_left_out(folder)) else "")
        )
    return paths


def describe_left_out(folder: Path) -> str:
    """Return a sentence with the number of files of each unsupported suffix, "" if there are none."""
    suffixes = (path.suffix.lower() for path in _walk(folder))
    counts = Counter(suffix for suffix in suffixes if suffix not in ALL_SUFFIXES and suffix not in _COMPANIONS)
    if not counts:
        return ""
    listed = [f"{number} {suffix}" for suffix, number in counts.most_common(_MAX_LISTED_SUFFIXES)]
    listed += ["others"] if len(counts) > _MAX_LISTED_SUFFIXES else []
    total = counts.total()
    return f"{counted(total, 'file')} of other formats left out: {', '.join(listed)}."


def _walk(folder: Path) -> Iterator[Path]:
    """Yield the files below `folder` without hidden ones; each folder once, by its own path rather than by a link."""
    seen = {_identity(folder.resolve())}
    # A link to a folder above would lead to files that do not belong to the data set.
    seen.update(_identity(parent) for parent in folder.resolve().parents)
    links = [folder]
    while links:
        pending = [links.pop(0)]
        while pending:
            entries = sorted(_list(pending.pop()), key=lambda entry: entry.name)
            for entry in entries:
                if entry.name.startswith(".") or entry.name.lower() in _SYSTEM_FOLDERS:
                    continue
                path = Path(entry.path)
                if entry.is_dir(follow_symlinks=False):
                    seen.add(_identity(path))
                    pending.append(path)
                elif path.is_dir():
                    links.append(path)
                else:
                    yield path
        # Links are followed after all real folders are known.
        links = [link for link in links if _identity(link) not in seen]
        if links:
            seen.add(_identity(links[0]))


def _list(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise DataError(f"The folder {folder} cannot be read: {error.strerror}. Check its permissions.") from error


def _identity(folder: Path) -> tuple[int, int]:
    """Return what identifies a folder under all its paths."""
    status = folder.stat()
    return status.st_dev, status.st_ino
