"""MNIST, Fashion-MNIST and CIFAR-10, downloaded by torchvision.

torchvision provides mirrors, checksums and the format of CIFAR-10. It takes seconds to import, so this module imports
it on first use, and reads the IDX files of MNIST itself, compressed or not.
"""

import gzip
import math
import queue
import socket
import threading
import zlib
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import numpy as np

from dae.data.image_set import Arrays
from dae.errors import DataError

_CONNECT_TIMEOUT_S = 3.0
_READ_TIMEOUT_S = 6.0

_IDX_PARTS = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
_CIFAR10_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
# Files of a complete download, in torchvision's layout below the data root. Those of MNIST may end in .gz.
_FILES = {
    "mnist": [f"MNIST/raw/{part}-ubyte" for part in _IDX_PARTS],
    "fashion-mnist": [f"FashionMNIST/raw/{part}-ubyte" for part in _IDX_PARTS],
    "cifar10": [f"cifar-10-batches-py/{part}" for part in (*_CIFAR10_BATCHES, "test_batch", "batches.meta")],
}
_CLASSES = {
    "mnist": tuple("0123456789"),
    "fashion-mnist": (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
}
# First bytes of an IDX file of unsigned bytes; the number of dimensions follows.
_IDX_MAGIC = b"\0\0\x08"
# The published files have up to 47 MB.
_MAX_IDX_VALUES = 1 << 30
_LABELS = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST", "cifar10": "CIFAR-10"}


def is_downloaded(name: str, root: Path) -> bool:
    """Return whether the files of a data set exist below `root`, without reading them."""
    return not _missing_files(name, root)


def _missing_files(name: str, root: Path) -> list[str]:
    return [file for file in _FILES[name] if not _find_file(root / file)]


def _find_file(path: Path) -> Path | None:
    """Return the file or its compressed form, None if neither exists."""
    return next((file for file in (path, path.with_name(f"{path.name}.gz")) if file.is_file()), None)


def read_mnist(name: str, root: Path, split: str) -> Arrays:
    """Read "mnist" or "fashion-mnist": images uint8 (N, 1, 28, 28), labels int64 (N,), class names.

    Raises:
        DataError: the files are missing or damaged.
    """
    _require_files(name, root)
    part = "t10k" if split == "test" else "train"
    paths = [root / file for file in _FILES[name] if f"/{part}-" in file]
    try:
        images, labels = (_read_idx(file) for path in paths if (file := _find_file(path)))
        if images.ndim != 3 or labels.shape != (len(images),):
            raise ValueError("images and labels differ in number")
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise _damaged_error(name, root) from error
    return images[:, None], labels.astype(np.int64), _CLASSES[name]


def _read_idx(path: Path) -> np.ndarray:
    """Return the array of unsigned bytes in an IDX file; raise ValueError if the file has another type or length."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        magic = file.read(4)
        if len(magic) != 4 or magic[:3] != _IDX_MAGIC or not 1 <= magic[3] <= 3:
            raise ValueError("no IDX file of bytes")
        shape = [int.from_bytes(file.read(4)) for _ in range(magic[3])]
        count = math.prod(shape)
        # A compressed file could otherwise fill the memory.
        content = file.read(count + 1) if count <= _MAX_IDX_VALUES else b""
    if len(content) != count or not count:
        raise ValueError("wrong length")
    return np.frombuffer(bytearray(content), dtype=np.uint8).reshape(shape)


def read_cifar10(root: Path, split: str) -> Arrays:
    """Read CIFAR-10: images uint8 (N, 3, 32, 32), labels int64 (N,), class names.

    Raises:
        DataError: the files are missing or damaged.
    """
    _require_files("cifar10", root)
    try:
        dataset = _dataset_class("cifar10")(root=str(root), train=split == "train", download=False)
    except (RuntimeError, ValueError, EOFError, OSError, AssertionError) as error:
        raise _damaged_error("cifar10", root) from error
    images = np.ascontiguousarray(dataset.data.transpose(0, 3, 1, 2))
    return images, np.asarray(dataset.targets, dtype=np.int64), tuple(dataset.classes)


def download(name: str, root: Path) -> None:
    """Download a data set into `root`, unless it can be read there.

    Raises:
        DataError: no server responds within seconds, the connection breaks, or the disk cannot be written.
    """
    read = read_cifar10 if name == "cifar10" else partial(read_mnist, name)
    with suppress(DataError):
        for split in ("train", "test"):
            read(root, split)
        return
    source = _dataset_class(name)
    urls = list(getattr(source, "mirrors", [])) or [source.url]
    if not _server_responds(urls):
        hosts = " or ".join(str(urlsplit(url).hostname) for url in urls)
        raise DataError(
            f"{_LABELS[name]} cannot be downloaded: {hosts} did not answer within {_CONNECT_TIMEOUT_S:.0f} s. Check "
            "the network, copy the files into the data root, or use the data set 'digits', which needs no download."
        )
    previous_timeout = socket.getdefaulttimeout()
    # torchvision sets no timeout, so a stalled connection would block forever.
    socket.setdefaulttimeout(_READ_TIMEOUT_S)
    try:
        root.mkdir(parents=True, exist_ok=True)
        for train in (True, False):
            source(root=str(root), train=train, download=True)
    except (OSError, RuntimeError, ValueError, AssertionError) as error:
        # torchvision keeps the files of MNIST that exist, even if they are damaged.
        if is_downloaded(name, root):
            raise _damaged_error(name, root) from error
        raise DataError(f"{_LABELS[name]} could not be downloaded to {root}: {error}. Try again.") from error
    finally:
        socket.setdefaulttimeout(previous_timeout)


def _dataset_class(name: str) -> Any:
    from torchvision import datasets

    return {"mnist": datasets.MNIST, "fashion-mnist": datasets.FashionMNIST, "cifar10": datasets.CIFAR10}[name]


def _require_files(name: str, root: Path) -> None:
    """Raise DataError if a file is missing; the message names it if others are there."""
    missing = _missing_files(name, root)
    if missing and len(missing) < len(_FILES[name]):
        raise DataError(
            f"{_LABELS[name]} in {root} is incomplete: {missing[0]} is missing. Copy it there, or run "
            f"`dae download {name}`."
        )
    if missing:
        raise DataError(
            f"{_LABELS[name]} is not in {root}. Run `dae download {name}`, set the data root with --data or DAE_DATA, "
            "or use the data set 'digits', which needs no download."
        )


def _damaged_error(name: str, root: Path) -> DataError:
    return DataError(f"{_LABELS[name]} in {root} is damaged. Delete it and run `dae download {name}` again.")


def _server_responds(urls: list[str]) -> bool:
    """Return whether any of the servers, or the proxy that the environment configures, accepts a connection."""
    results: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def connect(url: str) -> None:
        try:
            parts = urlsplit(url)
            proxy = getproxies().get(parts.scheme, "")
            if proxy and not proxy_bypass(str(parts.hostname)):
                parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
            address = str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)
            socket.create_connection(address, timeout=_CONNECT_TIMEOUT_S).close()
            results.put(True)
        except (OSError, ValueError):
            results.put(False)

    # Daemon threads, since name resolution has no timeout and must not delay the exit.
    for url in urls:
        threading.Thread(target=connect, args=(url,), daemon=True).start()
    with suppress(queue.Empty):
        # A server can have two addresses, of which only the second works.
        return any(results.get(timeout=2 * _CONNECT_TIMEOUT_S) for _ in urls)
    return False
