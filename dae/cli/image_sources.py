"""Images that a command reads: single files, folders and ZIP archives."""

import lzma
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from dae.data.folder_files import find_images
from dae.data.image_formats import ALL_SUFFIXES
from dae.data.uploads import BYTES_LIMIT
from dae.errors import DataError

# Raised by zipfile for archives and members that are damaged, encrypted, of a later version of the format or compressed
# by an unknown method, and for names that are not UTF-8 (ValueError).
_ARCHIVE_ERRORS = (
    OSError,
    RuntimeError,
    ValueError,
    LookupError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)


@dataclass(frozen=True)
class Source:
    """One image.

    Attributes:
        name: relative path for the result.
        read: returns the content; raises DataError.
        file: path of the image, None for a member of an archive.
    """

    name: str
    read: Callable[[], bytes]
    file: Path | None = None


def list_sources(paths: list[Path], exclude: Path) -> list[Source]:
    """Return the images of files, folders and ZIP archives; a file that cannot be read fails when it is read.

    Args:
        exclude: the output folder. If one of the folders contains it, the images in it are results, and are left out.

    Raises:
        DataError: a folder or an archive contains no image, or an archive cannot be read.
    """
    return [source for path in paths for source in _list(path, Path(os.path.realpath(exclude)))]


def read_file(path: Path) -> bytes:
    """Return the content of a file; of a file above the limit, enough of it to refuse it.

    Raises:
        DataError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(BYTES_LIMIT + 1)
    except OSError as error:
        raise DataError(f"The file cannot be read: {error.strerror}.") from error


def _list(path: Path, exclude: Path) -> Iterator[Source]:
    if path.is_dir():
        images = find_images(path)
        if Path(os.path.realpath(path)) in exclude.parents:
            images = [image for image in images if exclude not in Path(os.path.realpath(image)).parents]
            if not images:
                raise DataError(f"{path} contains no image outside {exclude.name}. Choose another output folder.")
        for image in images:
            yield Source(image.relative_to(path).as_posix(), partial(read_file, image), image)
    elif path.suffix.lower() == ".zip":
        yield from _list_archive(path)
    else:
        yield Source(path.name, partial(read_file, path), path)


def _list_archive(path: Path) -> Iterator[Source]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if _is_image(member.filename)]
    except _ARCHIVE_ERRORS as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path} cannot be read as a ZIP archive: {reason}.") from error
    if not members:
        raise DataError(f"The archive {path} contains no image. Supported: {', '.join(ALL_SUFFIXES)}.")
    for member in members:
        # Names with ".." or a root would leave the target folder.
        parts = [part for part in PurePosixPath(member.filename.replace("\\", "/")).parts if part not in ("/", "..")]
        yield Source("/".join(part.replace(":", "_") for part in parts), partial(_read_member, path, member.filename))


def _is_image(name: str) -> bool:
    return name.lower().endswith(ALL_SUFFIXES) and not name.startswith("__MACOSX/")


def _read_member(path: Path, name: str) -> bytes:
    """Return a member of an archive; a larger one than uploads may be is not decompressed."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(name) as file:
            return file.read(BYTES_LIMIT + 1)
    except _ARCHIVE_ERRORS as error:
        raise DataError(f"It cannot be read from {path}: {error}.") from error
