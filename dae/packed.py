"""Image sets, and the cache that keeps them packed: uint8 arrays that are memory-mapped."""

import errno
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dae.errors import DataError
from dae.files import cache_folder, whole_folder

_CACHE_FORMAT = 3  # raise it when the cached files of an older version would be wrong

Arrays = tuple[np.ndarray, np.ndarray, tuple[str, ...]]  # images (N, C, H, W), labels (N,), classes


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images of one split and their classes.

    Attributes:
        images: uint8 (N, C, H, W), often memory-mapped; treat as read-only.
        labels: int64 (N,), places in `classes`.
        note: what a reader of a table should know, such as how many files were unreadable.
        file: the .npy file that begins with these images; None where there is none that stays.
    """

    name: str
    split: str
    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    note: str = ""
    file: Path | None = None

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one image, (C, H, W)."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    def clean(self, where: slice | list[int] | Tensor = slice(None)) -> Tensor:
        """The images at `where` as float32 (B, C, H, W) in [0, 1]."""
        return self.images[where].float().div_(255)

    def head(self, limit: int | None) -> "ImageSet":
        """The first `limit` images, all where it is None."""
        return replace(self, images=self.images[:limit], labels=self.labels[:limit])

    def streamed(self) -> "Tensor | Rows":
        """What gives images (B, C, H, W) for places (B,) and keeps none of them in memory, where they have a file."""
        return Rows(self.file) if self.file else self.images

    def digest(self) -> str:
        """A short name for exactly these pixels."""
        content = hashlib.sha256(str(tuple(self.images.shape)).encode())
        content.update(self.images.contiguous().numpy().data)
        return content.hexdigest()[:16]


class Rows:
    """The images of an .npy file, read where and when they are asked for; the set may be larger than the memory.

    A mapping would do, but counts what was looked at as this process's memory, and reads 128 KiB around each image.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        mapped = np.load(file, mmap_mode="r", allow_pickle=False)
        self._shape, self._start = mapped.shape[1:], mapped.offset

    def index_select(self, _dim: int, places: Tensor) -> Tensor:
        """The images at `places` (B,), uint8 (B, C, H, W), as a tensor's first dimension gives them.

        Raises:
            DataError: the file is gone or cut.
        """
        images = torch.empty((len(places), *self._shape), dtype=torch.uint8)
        try:
            with self._file.open("rb", buffering=0) as file:
                for image, place in zip(images.numpy(), places.tolist(), strict=True):
                    file.seek(self._start + place * image.nbytes)
                    if file.readinto(image.data) != image.nbytes:
                        raise DataError(f"{self._file} ends before image {place}. Remove it, and it is made again.")
        except OSError as error:
            raise DataError(f"{self._file} cannot be read any more: {error.strerror}. Resume the run.") from error
        return images


def digest(*parts: str) -> str:
    """A short name for what these parts identify."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def exists(key: str) -> bool:
    """Whether something is kept under `key`."""
    return _place(key).is_dir()


def _place(key: str) -> Path:
    return cache_folder() / "images" / f"{key}-v{_CACHE_FORMAT}"


def pack(target: Path, arrays: Arrays) -> None:
    """Write arrays as the three files of a packed set; raises DataError where they do not belong together."""
    images, labels, classes = arrays
    if len(images) != len(labels):
        raise DataError(f"The data set has {len(images)} images but {len(labels)} labels. Fetch it again.")
    np.save(target / "images.npy", images)
    np.save(target / "labels.npy", labels)
    (target / "about.json").write_text(json.dumps({"classes": classes, "note": ""}))


def cached(name: str, split: str, key: str, make: Callable[[Path], None]) -> ImageSet:
    """Map the images kept under `key`, made first where they are missing or damaged."""
    place = _place(key)
    try:
        return _open(name, split, place)
    except (FileNotFoundError, ValueError, KeyError, EOFError, TypeError):
        shutil.rmtree(place, ignore_errors=True)  # not made yet, or damaged
    except OSError as error:
        raise DataError(f"The cache {place} cannot be read: {error.strerror}. Remove it, or try again.") from error
    try:
        with whole_folder(place) as target:
            make(target)
        return _open(name, split, place)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):  # a read-only cache: make it anew each time
            with tempfile.TemporaryDirectory() as scratch:
                make(Path(scratch))
                return _open(name, split, Path(scratch), stays=False)  # what is mapped outlives its name
        raise DataError(f"The cache {place.parent} cannot be written ({error.strerror}). Free some space.") from error


def _open(name: str, split: str, place: Path, stays: bool = True) -> ImageSet:
    about = json.loads((place / "about.json").read_text())
    images = np.load(place / "images.npy", mmap_mode="c", allow_pickle=False)
    labels = np.load(place / "labels.npy", mmap_mode="c", allow_pickle=False)
    return ImageSet(
        name,
        split,
        torch.from_numpy(images),
        torch.from_numpy(labels),
        tuple(about["classes"]),
        about["note"],
        place / "images.npy" if stays else None,
    )
