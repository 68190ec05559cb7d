"""Data sets by name: uint8 images in three splits, memory-mapped from a cache that is written once.

    load_dataset("digits")                    synthetic digits, always available
    load_dataset("mnist", "test")             read from the data root; `download` fetches it
    load_dataset("folder:photos@64")          any folder of images, resized to 64 x 64 (32 x 32 without @)
    load_dataset("photos:holiday")            photographs at their own size, in overlapping tiles of 192 x 192

Training reads the splits "train" and "validation" only. The validation split is held out from the published training
images, so that every choice can be made without the test split.

The data root is `root`, else the environment variable DAE_DATA, else a cache directory of the user. A relative
`folder:` or `photos:` is looked up in the data root first, then in the working directory; `.`, `./x` and `..` in the
latter only.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import torch

from dae.data import image_folder, image_set, photographs, synthetic_digits, torchvision_datasets
from dae.data.folder_files import resolve_folder, split_path_and_size
from dae.data.image_set import Arrays, ImageSet
from dae.errors import DataError, SpecError, UnknownNameError
from dae.utils.files import expand_user, user_cache_dir
from dae.utils.registry import lookup

SPLITS = ("train", "validation", "test")
# The last images of the published training set; fewer if that is small.
NUM_VALIDATION_IMAGES = 2_000
_MAX_VALIDATION_SHARE = 0.1
# Up to this many synthetic digits are drawn directly instead of creating the full set first.
_MAX_DIRECT_IMAGES = 2_000


@dataclass(frozen=True)
class DatasetInfo:
    """Registry entry of a data set.

    Attributes:
        load: reads a published split, "train" or "test", from a data root.
        download: fetches the files into a data root; None if there is nothing to fetch.
        is_downloaded: returns True if a data root contains the files.
        load_range: draws images `start` to `stop` of a published split without the others; None if unsupported.
        counts: number of images of each published split; needed with `load_range` only.
        version: increment it after a change of the loader, as its results are cached.
    """

    label: str
    help: str
    shape: tuple[int, int, int]
    load: Callable[[Path, str], Arrays]
    download: Callable[[Path], None] | None = None
    is_downloaded: Callable[[Path], bool] = lambda root: True
    load_range: Callable[[str, int, int], Arrays] | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    version: int = 1


def _draw_digits(split: str, start: int, stop: int) -> Arrays:
    images, labels = synthetic_digits.draw_digits(split, start, stop)
    return images.numpy(), labels.numpy(), tuple("0123456789")


def _load_cifar10_28(root: Path, split: str) -> Arrays:
    images, labels, classes = torchvision_datasets.read_cifar10(root, split)
    resized = torch.nn.functional.interpolate(torch.from_numpy(images).float(), 28, mode="bilinear", antialias=True)
    return resized.round().clamp(0, 255).byte().numpy(), labels, classes


DATASETS: dict[str, DatasetInfo] = {
    "digits": DatasetInfo(
        label="Drawn digits",
        help="Digits drawn by a program in the style of handwriting; no download needed.",
        shape=(1, 28, 28),
        load=lambda root, split: _draw_digits(split, 0, synthetic_digits.COUNTS[split]),
        load_range=_draw_digits,
        counts=synthetic_digits.COUNTS,
    ),
    "mnist": DatasetInfo(
        label="MNIST",
        help="70,000 handwritten digits, a standard benchmark since 1998.",
        shape=(1, 28, 28),
        load=partial(torchvision_datasets.read_mnist, "mnist"),
        download=partial(torchvision_datasets.download, "mnist"),
        is_downloaded=partial(torchvision_datasets.is_downloaded, "mnist"),
    ),
    "fashion-mnist": DatasetInfo(
        label="Fashion-MNIST",
        help="70,000 small gray images of clothes and shoes.",
        shape=(1, 28, 28),
        load=partial(torchvision_datasets.read_mnist, "fashion-mnist"),
        download=partial(torchvision_datasets.download, "fashion-mnist"),
        is_downloaded=partial(torchvision_datasets.is_downloaded, "fashion-mnist"),
    ),
    "cifar10": DatasetInfo(
        label="CIFAR-10",
        help="60,000 small color photographs of animals and vehicles.",
        shape=(3, 32, 32),
        load=torchvision_datasets.read_cifar10,
        download=partial(torchvision_datasets.download, "cifar10"),
        is_downloaded=partial(torchvision_datasets.is_downloaded, "cifar10"),
    ),
    "cifar10-28": DatasetInfo(
        label="CIFAR-10 at 28 x 28",
        help="CIFAR-10 resized to 28 x 28, as in one published study.",
        shape=(3, 28, 28),
        load=_load_cifar10_28,
        download=partial(torchvision_datasets.download, "cifar10"),
        is_downloaded=partial(torchvision_datasets.is_downloaded, "cifar10"),
    ),
}


@dataclass(frozen=True)
class FolderInfo:
    """Registry entry of a way to read a folder of images.

    Attributes:
        cut: returns the squares of an image that become images of the data set.
        default_size: of the squares in pixels, for names without `@SIZE`.
    """

    label: str
    cut: image_folder.Cut
    default_size: int


FOLDER_KINDS = {
    "folder": FolderInfo("Folder", image_folder.fit_square, 32),
    "photos": FolderInfo("Photographs", photographs.cut_tiles, photographs.TILE),
}


def data_root(root: Path | str | None = None) -> Path:
    """Return the directory of data sets: `root`, else DAE_DATA, else a cache directory of the user."""
    return expand_user(Path(root or os.environ.get("DAE_DATA") or user_cache_dir() / "data"))


def load_dataset(
    name: str, split: str = "train", *, root: Path | str | None = None, limit: int | None = None
) -> ImageSet:
    """Open one split of a data set; the first call writes the cache, later calls map it.

    Args:
        name: a key of DATASETS, or `folder:PATH` or `photos:PATH` with an optional `@SIZE`.
        split: "train", "validation" or "test". The validation split is the last 2,000 images of the published training
            set; the training split is the rest. `dae.data.folder_splits` describes the splits of a folder.
        root: the data root, see `data_root`.
        limit: open the first images only; up to 2,000 synthetic digits are then drawn without the others.

    Raises:
        SpecError: the limit or the image size is out of range. UnknownNameError: no such data set or split.
        DataError: files are missing or damaged, or there is no image.
    """
    lookup("split", dict.fromkeys(SPLITS), split)
    image_set.check_limit(limit)
    if is_folder(name):
        return _load_folder(name, split, data_root(root)).take(limit)
    entry = find_dataset(name)
    published = "test" if split == "test" else "train"
    key = f"{name}-{published}" + (f"-{entry.version}" if entry.version > 1 else "")
    if entry.download:
        key += "-" + image_set.short_digest(str(data_root(root).resolve()))
    if entry.load_range and limit is not None and limit <= _MAX_DIRECT_IMAGES and not image_set.exists(key):
        count = entry.counts[published]
        first = _num_train(count) if split == "validation" else 0
        stop = min(first + limit, _num_train(count) if split == "train" else count)
        images, labels, classes = entry.load_range(published, first, stop)
        return ImageSet(name, split, torch.from_numpy(images), torch.from_numpy(labels), classes)

    def write(target: Path) -> None:
        image_set.pack(target, entry.load(data_root(root), published))

    return _hold_out(image_set.cached(name, published, key, write), split).take(limit)


def find_dataset(name: str) -> DatasetInfo:
    """Return a registry entry; for an unknown name that is a folder, the error shows how to write it."""
    try:
        return lookup("data set", DATASETS, name)
    except UnknownNameError as error:
        if "/" in name or os.path.isdir(name):
            raise SpecError(f"There is no data set {name!r}. For a folder of images write folder:{name}.") from error
        raise


def _hold_out(images: ImageSet, split: str) -> ImageSet:
    """Return the part of a published split that belongs to `split`."""
    if split == "test":
        return images
    num_train = _num_train(len(images))
    if split == "train":
        return images.take(num_train)
    return replace(images, split=split, images=images.images[num_train:], labels=images.labels[num_train:], file=None)


def _num_train(published: int) -> int:
    """Return the size of the training split; the other published training images are the validation split."""
    return published - max(1, min(NUM_VALIDATION_IMAGES, int(published * _MAX_VALIDATION_SHARE)))


def _load_folder(name: str, split: str, root: Path) -> ImageSet:
    kind = name.partition(":")[0]
    folder, size = resolve_folder(name, root, FOLDER_KINDS[kind].default_size)
    digest = image_set.short_digest(image_folder.folder_fingerprint(folder), str(folder))
    prefix = "" if kind == "folder" else f"{kind}-"

    def write(target: Path) -> None:
        image_folder.pack_folder(folder, split, size, target, FOLDER_KINDS[kind].cut)

    # File systems accept names of 255 bytes.
    return image_set.cached(name, split, f"{prefix}{folder.name[:40]}-{size}-{split}-{digest}", write)


def is_available(name: str, root: Path | str | None = None) -> bool:
    """Return True if the data set can be opened without a download; reads no image."""
    if is_folder(name):
        kind = FOLDER_KINDS[name.partition(":")[0]]
        return os.path.isdir(resolve_folder(name, data_root(root), kind.default_size)[0])
    return find_dataset(name).is_downloaded(data_root(root))


def dataset_label(name: str) -> str:
    """Return the display name of a data set; for `folder:PATH`, the folder's; unknown names stay as they are."""
    if not is_folder(name):
        return DATASETS[name].label if name in DATASETS else name
    kind = FOLDER_KINDS[name.partition(":")[0]]
    path = split_path_and_size(name, kind.default_size)[0]
    return f"{kind.label} {Path(path).name or path}"


def download(name: str, root: Path | str | None = None) -> None:
    """Fetch a data set into the data root, with a progress bar on standard error.

    Raises:
        DataError: there is nothing to fetch, the server does not answer within seconds, or the disk is full.
    """
    entry = lookup("data set", DATASETS, name)
    if entry.download is None:
        raise DataError(f"{entry.label} needs no download. It is ready to use.")
    entry.download(data_root(root))


def is_folder(name: str) -> bool:
    """Return True if the name of a data set is that of a folder of images, `folder:PATH` or `photos:PATH`."""
    return name.partition(":")[0] in FOLDER_KINDS and ":" in name
