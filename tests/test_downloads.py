"""Public data sets: CIFAR-10 through torchvision's reader, and a network that does not answer."""

import hashlib
import io
import pickle
import socket
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision import datasets

from dae import data, downloads
from dae.data import DATASETS, download, is_available, load_dataset
from dae.errors import DataError, UnknownName
from tests.conftest import blobs

COLOUR = (3, 32, 32)
CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


@pytest.fixture
def cifar(tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data root with a CIFAR-10 of 10 + 4 pictures that torchvision's checksums accept."""
    folder = tmp_path / "data" / "cifar-10-batches-py"
    folder.mkdir(parents=True)

    def write(name: str, values: dict[str, Any]) -> str:
        content = pickle.dumps(values)
        (folder / name).write_bytes(content)
        return hashlib.md5(content, usedforsecurity=False).hexdigest()

    def batch(name: str, number: int, seed: int) -> tuple[str, str]:
        pixels = blobs(number, COLOUR, seed).reshape(number, -1)
        return name, write(name, {"data": pixels, "labels": list(range(number))})

    train = [batch(f"data_batch_{place}", 2, place) for place in range(1, 6)]
    monkeypatch.setattr(datasets.CIFAR10, "train_list", train)
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [batch("test_batch", 4, 9)])
    md5 = write("batches.meta", {"label_names": CLASSES})
    meta = {"filename": "batches.meta", "key": "label_names", "md5": md5}
    monkeypatch.setattr(datasets.CIFAR10, "meta", meta)
    return tmp_path / "data"


def test_cifar10(cifar: Path) -> None:
    assert is_available("cifar10", cifar)
    train, test = (load_dataset("cifar10", split, root=cifar) for split in ("train", "test"))
    assert (len(train), len(test), train.shape) == (10, 4, COLOUR)
    assert torch.equal(test.images, torch.from_numpy(blobs(4, COLOUR, seed=9)))
    assert torch.equal(train.images[2:4], torch.from_numpy(blobs(2, COLOUR, seed=2)))
    assert test.labels.tolist() == [0, 1, 2, 3] and train.classes == tuple(CLASSES)


def test_cifar10_made_smaller(cifar: Path) -> None:
    assert is_available("cifar10-28", cifar)
    small, whole = (load_dataset(name, "test", root=cifar) for name in ("cifar10-28", "cifar10"))
    assert small.shape == DATASETS["cifar10-28"].shape and small.images.dtype == torch.uint8
    assert torch.allclose(small.clean().mean((2, 3)), whole.clean().mean((2, 3)), atol=0.01)


def test_a_changed_pickle_is_refused_unread(cifar: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return (open, (str(cifar / "EXPLODED"), "w"))

    (cifar / "cifar-10-batches-py" / "test_batch").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(DataError, match="damaged.*dae download cifar10"):
        load_dataset("cifar10", "test", root=cifar)
    assert not (cifar / "EXPLODED").exists()


@pytest.mark.parametrize("name", [name for name, entry in DATASETS.items() if entry.download])
def test_without_a_network_it_says_so_at_once(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def refuse(address: Any, timeout: float) -> None:
        asked.append((address, timeout))
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(downloads, "_ANSWER_S", 0.2)
    with pytest.raises(DataError) as caught:
        download(name, tmp_path / "data")
    assert asked and all(timeout <= downloads._ANSWER_S for _, timeout in asked)
    assert "did not answer" in str(caught.value) and "'digits'" in str(caught.value)
    assert not (tmp_path / "data").exists() and socket.getdefaulttimeout() is None


def test_a_name_server_that_hangs_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: answered.wait(60) and io.BytesIO())
    monkeypatch.setattr(downloads, "_ANSWER_S", 0.1)
    with pytest.raises(DataError, match="did not answer"):
        download("mnist", tmp_path)
    answered.set()


@pytest.mark.parametrize("error", [RuntimeError("File not found or corrupted."), OSError(28, "No space left")])
def test_a_download_that_breaks_is_told_with_its_reason(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[float | None] = []

    class Source:
        url = "https://example.org/a.tar.gz"

        def __init__(self, **_: Any) -> None:
            limits.append(socket.getdefaulttimeout())
            raise error

    monkeypatch.setattr(downloads, "_torchvision", lambda name: Source)
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: io.BytesIO())
    with pytest.raises(DataError, match="could not be fetched.*Try again"):
        download("cifar10", tmp_path)
    assert limits == [downloads._PATIENCE_S] and socket.getdefaulttimeout() is None


def test_a_download_fetches_both_splits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[Any] = []

    class Source:
        mirrors = ("https://one.example/", "https://two.example/")

        def __init__(self, **options: Any) -> None:
            fetched.append(options)

    monkeypatch.setattr(downloads, "_torchvision", lambda name: Source)
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: io.BytesIO())
    data.download("mnist", tmp_path / "new")
    assert [(entry["train"], entry["download"]) for entry in fetched] == [(True, True), (False, True)]
    assert (tmp_path / "new").is_dir() and {entry["root"] for entry in fetched} == {str(tmp_path / "new")}


def test_what_needs_no_download() -> None:
    with pytest.raises(DataError, match="needs no download"):
        download("digits")
    with pytest.raises(UnknownName):
        download("nothing")


def test_the_readers_type(cifar: Path) -> None:
    images, labels, _ = downloads.read_cifar10(cifar, "train")
    assert images.dtype == np.uint8 and labels.dtype == np.int64 and images.flags.c_contiguous
