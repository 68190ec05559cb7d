"""Image sets in memory or memory-mapped, and the cache of packed image sets on disk."""

import errno
import hashlib
import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dae.errors import DataError, SpecError
from dae.utils.files import atomic_dir, explain_write_error, fingerprint, user_cache_dir

# Increment when cached files of older versions become invalid.
_CACHE_FORMAT = 3
_IMAGES, _LABELS, _ABOUT = "images.npy", "labels.npy", "about.json"
# Checksums read up to 64 MiB, so that a file larger than memory opens at once.
_BLOCK_BYTES = 1 << 16
_MAX_BLOCKS = 1 << 10

Arrays = tuple[np.ndarray, np.ndarray, tuple[str, ...]]  # images uint8 (N, C, H, W), labels int64 (N,), class names


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images of one split with their labels.

    Attributes:
        name: of the data set.
        images: uint8 (N, C, H, W), usually memory-mapped; treat as read-only.
        labels: int64 (N,), indices into `classes`.
        note: remark for the user, such as the number of unreadable files.
        file: the .npy file that starts with these images, None if there is no permanent one.
    """

    name: str
    split: str
    images: Tensor = field(repr=False)
    labels: Tensor = field(repr=False)
    classes: tuple[str, ...]
    note: str = ""
    file: Path | None = None

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return the shape of one image, (C, H, W)."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    def to_float(self, index: slice | list[int] | Tensor = slice(None)) -> Tensor:
        """Return the images at `index` as float32 (B, C, H, W) in [0, 1]."""
        return self.images[index].float().div_(255)

    def take(self, limit: int | None) -> "ImageSet":
        """Return the first `limit` images, or all if None."""
        return replace(self, images=self.images[:limit], labels=self.labels[:limit])

    def as_reader(self) -> "Tensor | NpyReader":
        """Return an object whose `index_select` reads images from the file, or the tensor if there is no file."""
        return NpyReader(self.file) if self.file else self.images

    def fingerprint(self, step: int = 1) -> str:
        """Return a hash of the shape and of the pixels of every `step`-th image."""
        return fingerprint(tuple(self.images.shape), self.images[::step].contiguous().numpy().data)[:16]


class NpyReader:
    """Read images of an .npy file one by one; the file may be larger than memory.

    This is not a memory map, for which the kernel would read ahead 128 KiB around each image, count all visited pages
    as memory of this process, and kill the process with SIGBUS if the file is truncated meanwhile.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        header = np.load(file, mmap_mode="r", allow_pickle=False)
        self._shape, self._offset = header.shape[1:], header.offset

    def index_select(self, _dim: int, index: Tensor) -> Tensor:
        """Return the images at `index` (B,) as uint8 (B, C, H, W), like `torch.Tensor.index_select` for dimension 0.

        Raises:
            DataError: the file is missing or truncated.
        """
        images = torch.empty((len(index), *self._shape), dtype=torch.uint8)
        try:
            with self._file.open("rb", buffering=0) as file:
                for image, number in zip(images.numpy(), index.tolist(), strict=True):
                    file.seek(self._offset + number * image.nbytes)
                    if file.readinto(image.data) != image.nbytes:
                        raise DataError(f"{self._file} ends before image {number}. Delete it to create it again.")
        except OSError as error:
            raise DataError(f"{self._file} can no longer be read: {error.strerror}. Resume the run.") from error
        return images


def check_limit(limit: int | None) -> None:
    """Raise SpecError for a maximum number of images that leaves no image."""
    if limit is not None and limit < 1:
        raise SpecError(f"A limit of {limit} leaves no image. Use at least 1.")


def short_digest(*parts: str) -> str:
    """Return a hash of these strings for the name of a cache directory: 12 hexadecimal digits."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:12]


def exists(key: str) -> bool:
    """Return whether the cache contains an image set under `key`."""
    return _cache_dir(key).is_dir()


def _cache_dir(key: str) -> Path:
    return user_cache_dir() / "images" / f"{key}-v{_CACHE_FORMAT}"


def pack(target: Path, arrays: Arrays) -> None:
    """Write an image set in memory into `target`.

    Raises:
        DataError: images and labels differ in number, or have another type than `Arrays`.
    """
    images, labels, classes = arrays
    if images.dtype != np.uint8 or images.ndim != 4 or labels.dtype != np.int64 or labels.ndim != 1:
        raise DataError(
            f"The loader returned images {images.dtype} {images.shape} and labels {labels.dtype} {labels.shape}. "
            "Return uint8 (N, C, H, W) and int64 (N,)."
        )
    if len(labels) and not 0 <= labels.min() <= labels.max() < len(classes):
        raise DataError(
            f"The loader returned labels from {labels.min()} to {labels.max()} for {len(classes)} classes. "
            "Return indices into the class names."
        )
    if len(images) != len(labels):
        raise DataError(f"The data set has {len(images)} images but {len(labels)} labels. Download it again.")
    np.save(target / _IMAGES, images)
    pack_labels(target, labels, classes)


def pack_labels(target: Path, labels: np.ndarray, classes: Sequence[str], note: str = "") -> None:
    """Write the labels (N,) and the metadata of a packed image set next to its images.npy."""
    np.save(target / _LABELS, labels)
    about = {"classes": classes, "note": note, "checksums": _checksums(target)}
    (target / _ABOUT).write_text(json.dumps(about))


def cached(name: str, split: str, key: str, make: Callable[[Path], None]) -> ImageSet:
    """Memory-map the image set under `key`; create it first if it is missing or damaged.

    Args:
        make: writes images.npy, labels.npy and about.json into a directory, see `pack`.

    Raises:
        DataError: the cache cannot be read, or the disk is full. A read-only cache is bypassed.
    """
    path = _cache_dir(key)
    try:
        return _open(name, split, path)
    except Exception as error:
        # For example too many open files: the cache itself may be intact.
        if isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
            reason = error.strerror or str(error)
            raise DataError(f"The cache {path} cannot be read: {reason}. Delete it, or try again.") from error
        # A file is missing or damaged; NumPy's reader of headers raises errors of many classes.
        shutil.rmtree(path, ignore_errors=True)
    try:
        with atomic_dir(path) as target:
            make(target)
        return _open(name, split, path)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise DataError(f"The cache {path.parent} cannot be written: {explain_write_error(error)}") from error
        with tempfile.TemporaryDirectory() as scratch:
            make(Path(scratch))
            # Mapped files remain readable after they are deleted.
            return replace(_open(name, split, Path(scratch)), file=None)


def _open(name: str, split: str, path: Path) -> ImageSet:
    """Map the files of a directory; raise an error of any class if they are damaged."""
    about = json.loads((path / _ABOUT).read_text())
    if about["checksums"] != _checksums(path):
        raise ValueError("checksums differ")
    images, labels = (
        torch.from_numpy(np.load(path / file, mmap_mode="c", allow_pickle=False)) for file in (_IMAGES, _LABELS)
    )
    if images.dtype != torch.uint8 or images.ndim != 4 or labels.dtype != torch.int64:
        raise ValueError("wrong types")
    if labels.shape != (len(images),) or not ((labels >= 0) & (labels < len(about["classes"]))).all():
        raise ValueError("wrong labels")
    return ImageSet(name, split, images, labels, tuple(map(str, about["classes"])), str(about["note"]), path / _IMAGES)


def _checksums(path: Path) -> dict[str, list[int]]:
    """Return size and CRC-32 of the arrays; of a large file, the CRC of blocks at equal distances and its end."""
    checksums = {}
    for name in (_IMAGES, _LABELS):
        with (path / name).open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            step = max(_BLOCK_BYTES, size // _MAX_BLOCKS)
            crc = 0
            for offset in (*range(0, size, step), max(0, size - _BLOCK_BYTES)):
                file.seek(offset)
                crc = zlib.crc32(file.read(_BLOCK_BYTES), crc)
        checksums[name] = [size, crc]
    return checksums
