"""Images to train and test on: uint8 tensors, memory-mapped from a cache that is made once.

    load_dataset("digits")                    drawn by code, always there
    load_dataset("mnist", "test")             read from the data root; `download` fetches it
    load_dataset("folder:photos@64")          any folder of pictures, resized to 64 x 64 (32 x 32 without @)

The data root is what the caller names, else the environment's DAE_DATA, else a cache folder of the user's.
A relative `folder:` is looked for in the data root first, then in the working directory.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from dae import digits, downloads, folders, packed
from dae.errors import DataError, SpecError
from dae.files import cache_folder, expanded
from dae.packed import Arrays, ImageSet
from dae.registry import lookup

SPLITS = ("train", "test")


@dataclass(frozen=True)
class Dataset:
    """A data set, as pages, the command line and tests need it."""

    label: str
    help: str
    shape: tuple[int, int, int]
    read: Callable[[Path, str], Arrays]  # (data root, split)
    download: Callable[[Path], None] | None = None  # None: nothing to fetch
    present: Callable[[Path], bool] = lambda root: True  # whether `read` will find its files
    first: Callable[[str, int], Arrays] | None = None  # the first so many images of a split, without the others


def _first_digits(split: str, limit: int) -> Arrays:
    images, labels = digits.draw_digits(split, 0, min(limit, digits.COUNTS[split]))
    return images.numpy(), labels.numpy(), tuple("0123456789")


def _read_digits(root: Path, split: str) -> Arrays:
    return _first_digits(split, digits.COUNTS[split])


def _read_cifar10_small(root: Path, split: str) -> Arrays:
    images, labels, classes = downloads.read_cifar10(root, split)
    whole = torch.from_numpy(images).float()
    small = torch.nn.functional.interpolate(whole, 28, mode="bilinear", antialias=True)
    return small.round().clamp(0, 255).byte().numpy(), labels, classes


DATASETS: dict[str, Dataset] = {
    "digits": Dataset(
        label="Drawn digits",
        help="Digits drawn by a program as a hand might; needs no download.",
        shape=(1, 28, 28),
        read=_read_digits,
        first=_first_digits,
    ),
    "mnist": Dataset(
        label="MNIST",
        help="70,000 digits written by hand; the classic test for autoencoders.",
        shape=(1, 28, 28),
        read=partial(downloads.read_grey, "mnist"),
        download=partial(downloads.download, "mnist"),
        present=partial(downloads.present, "mnist"),
    ),
    "fashion-mnist": Dataset(
        label="Fashion-MNIST",
        help="70,000 small grey pictures of clothes and shoes.",
        shape=(1, 28, 28),
        read=partial(downloads.read_grey, "fashion-mnist"),
        download=partial(downloads.download, "fashion-mnist"),
        present=partial(downloads.present, "fashion-mnist"),
    ),
    "cifar10": Dataset(
        label="CIFAR-10",
        help="60,000 small colour photographs of animals and vehicles.",
        shape=(3, 32, 32),
        read=downloads.read_cifar10,
        download=partial(downloads.download, "cifar10"),
        present=partial(downloads.present, "cifar10"),
    ),
    "cifar10-28": Dataset(
        label="CIFAR-10 at 28 x 28",
        help="CIFAR-10 made a little smaller, as one published study did.",
        shape=(3, 28, 28),
        read=_read_cifar10_small,
        download=partial(downloads.download, "cifar10"),
        present=partial(downloads.present, "cifar10"),
    ),
}


def data_root(root: Path | str | None = None) -> Path:
    """The folder that holds data sets: `root`, else DAE_DATA, else a cache folder of the user's."""
    return expanded(Path(root or os.environ.get("DAE_DATA") or cache_folder() / "data"))


def load_dataset(
    name: str, split: str = "train", *, root: Path | str | None = None, limit: int | None = None
) -> ImageSet:
    """Open one split of a data set; the first time reads or draws it into the cache, later ones map that.

    Args:
        name: a key of DATASETS, or `folder:PATH` with `@SIZE` if wanted.
        split: "train" or "test".
        root: the data root, see the module.
        limit: only the first images; drawn digits then need not wait for the rest.

    Raises:
        SpecError: the limit or the size is out of range; `UnknownName`, one of its kinds: no such data set or split.
        DataError: its files are missing, damaged, or hold no picture.
    """
    lookup("split", dict.fromkeys(SPLITS), split)
    if limit is not None and limit < 1:
        raise SpecError(f"A limit of {limit} images leaves none; it must be at least 1.")
    if name.startswith("folder:"):
        folder, size = _folder(name, data_root(root))
        key = f"{folder.name}-{size}-{split}-{packed.digest(folders.fingerprint(folder), str(folder))}"
        return packed.cached(name, split, key, lambda target: folders.pack(folder, split, size, target)).head(limit)
    entry = lookup("data set", DATASETS, name)
    key = f"{name}-{split}"
    if entry.download:
        key += "-" + packed.digest(str(data_root(root).resolve()))
    if entry.first and limit is not None and limit <= 2_000 and not packed.exists(key):
        images, labels, classes = entry.first(split, limit)
        return ImageSet(name, split, torch.from_numpy(images), torch.from_numpy(labels), classes)

    def make(target: Path) -> None:
        packed.pack(target, entry.read(data_root(root), split))

    return packed.cached(name, split, key, make).head(limit)


def is_available(name: str, root: Path | str | None = None) -> bool:
    """Whether the data set `name` can be opened without a download; reads no image."""
    if name.startswith("folder:"):
        return os.path.isdir(_folder(name, data_root(root))[0])
    entry = lookup("data set", DATASETS, name)
    return entry.present(data_root(root))


def label(name: str) -> str:
    """What people call the data set, a folder by its own name."""
    if name in DATASETS:
        return DATASETS[name].label
    return f"Folder {Path(_path_and_size(name)[0]).name}"


def download(name: str, root: Path | str | None = None) -> None:
    """Fetch a data set into the data root, with a progress bar on standard error.

    Raises:
        DataError: there is nothing to fetch, the server does not answer within seconds, or the disk refuses.
    """
    entry = lookup("data set", DATASETS, name)
    if entry.download is None:
        raise DataError(f"{entry.label} needs no download; it is ready.")
    entry.download(data_root(root))


def _folder(name: str, root: Path) -> tuple[Path, int]:
    path, size = _path_and_size(name)
    if not 8 <= int(size) <= 512:
        raise SpecError(f"Picture size {size} is outside 8 to 512 pixels; write for example folder:photos@64.")
    here = expanded(Path(path))
    return (root / here if os.path.isdir(root / here) else here).resolve(), int(size)


def _path_and_size(name: str) -> tuple[str, str]:
    whole = name.removeprefix("folder:")
    path, at, size = whole.rpartition("@")
    return (path, size) if at and size.isdecimal() else (whole, "32")
