"""The public data sets, through torchvision's own readers.

torchvision takes seconds to import, so it is imported only where a data set is read for the first time.
"""

import queue
import socket
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from dae.errors import DataError
from dae.packed import Arrays

_ANSWER_S = 3.0  # how long a server may take to answer at all
_PATIENCE_S = 6.0  # and to send the next bytes

# What must be there, in torchvision's own layout under the data root.
_FILES = {
    "mnist": [f"MNIST/raw/{part}-ubyte" for part in ("train-images-idx3", "t10k-images-idx3")],
    "fashion-mnist": [f"FashionMNIST/raw/{part}-ubyte" for part in ("train-images-idx3", "t10k-images-idx3")],
    "cifar10": [f"cifar-10-batches-py/{part}" for part in ("data_batch_1", "test_batch")],
}
_LABELS = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST", "cifar10": "CIFAR-10"}


def present(name: str, root: Path) -> bool:
    """Whether the files of `name` lie under `root`; they are not read."""
    return all((root / file).is_file() for file in _FILES[name])


def _torchvision(name: str) -> Any:
    from torchvision import datasets

    return {"mnist": datasets.MNIST, "fashion-mnist": datasets.FashionMNIST, "cifar10": datasets.CIFAR10}[name]


def _open(name: str, root: Path, split: str) -> Any:
    if not present(name, root):
        raise DataError(
            f"{_LABELS[name]} is not in {root}. Fetch it with `dae download {name}`, name the folder that "
            "holds it with --data or DAE_DATA, or use the data set 'digits', which is always there."
        )
    try:
        return _torchvision(name)(root=str(root), train=split == "train", download=False)
    except (RuntimeError, ValueError, EOFError, OSError, AssertionError) as error:
        raise DataError(
            f"{_LABELS[name]} in {root} is damaged. Remove it and fetch it again with `dae download {name}`."
        ) from error


def read_grey(name: str, root: Path, split: str) -> Arrays:
    """Of "mnist" or "fashion-mnist": images uint8 (N, 1, 28, 28), labels int64 (N,), class names."""
    dataset = _open(name, root, split)
    classes = tuple(text.partition(" - ")[0] for text in dataset.classes)  # MNIST says "3 - three"
    return dataset.data.unsqueeze(1).numpy(), dataset.targets.numpy(), classes


def read_cifar10(root: Path, split: str) -> Arrays:
    """Images uint8 (N, 3, 32, 32), labels int64 (N,), class names."""
    dataset = _open("cifar10", root, split)
    images = np.ascontiguousarray(dataset.data.transpose(0, 3, 1, 2))
    return images, np.asarray(dataset.targets, dtype=np.int64), tuple(dataset.classes)


def download(name: str, root: Path) -> None:
    """Fetch the files of `name` into `root`; raises DataError where no server answers or the disk refuses."""
    source = _torchvision(name)
    urls = list(getattr(source, "mirrors", [])) or [source.url]
    if not _answers(urls):
        hosts = " or ".join(str(urlsplit(url).hostname) for url in urls)
        raise DataError(
            f"{_LABELS[name]} cannot be fetched: {hosts} did not answer within {_ANSWER_S:.0f} s. Check the network, "
            "copy the files into the data root by hand, or use the data set 'digits', which needs none."
        )
    usual = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_PATIENCE_S)  # torchvision sets none, and would wait for ever
    try:
        root.mkdir(parents=True, exist_ok=True)
        for train in (True, False):
            source(root=str(root), train=train, download=True)
    except (OSError, RuntimeError) as error:
        raise DataError(f"{_LABELS[name]} could not be fetched into {root}: {error}. Try again.") from error
    finally:
        socket.setdefaulttimeout(usual)


def _answers(urls: list[str]) -> bool:
    """Whether any server of these can be reached in time; threads, since a look-up of a name has no time limit."""
    answers: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def connect(url: str) -> None:
        parts = urlsplit(url)
        try:
            port = parts.port or (443 if parts.scheme == "https" else 80)
            socket.create_connection((str(parts.hostname), port), timeout=_ANSWER_S).close()
            answers.put(True)
        except OSError:
            answers.put(False)

    for url in urls:
        threading.Thread(target=connect, args=(url,), daemon=True).start()
    deadline = time.monotonic() + _ANSWER_S
    try:
        return any(answers.get(timeout=max(deadline - time.monotonic(), 0.001)) for _ in urls)
    except queue.Empty:
        return False
