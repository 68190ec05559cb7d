"""CIFAR-10 read by torchvision, downloads, and servers that do not respond."""

import gzip
import hashlib
import io
import math
import pickle
import socket
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision import datasets as torchvision_classes

from dae.data import DATASETS, datasets, is_available, load_dataset, torchvision_datasets
from dae.data.datasets import download
from dae.errors import DataError, UnknownNameError
from tests.helpers import blobs

COLOR = (3, 32, 32)
CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def cifar(tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a data root with a CIFAR-10 of 10 + 4 images whose checksums torchvision accepts."""
    folder = tmp_path / "data" / "cifar-10-batches-py"
    folder.mkdir(parents=True)

    def write(name: str, values: dict[str, Any]) -> str:
        content = pickle.dumps(values)
        (folder / name).write_bytes(content)
        return hashlib.md5(content, usedforsecurity=False).hexdigest()

    def batch(name: str, count: int, seed: int) -> tuple[str, str]:
        pixels = blobs(count, COLOR, seed).reshape(count, -1)
        return name, write(name, {"data": pixels, "labels": list(range(count))})

    train = [batch(f"data_batch_{index}", 2, index) for index in range(1, 6)]
    monkeypatch.setattr(torchvision_classes.CIFAR10, "train_list", train)
    monkeypatch.setattr(torchvision_classes.CIFAR10, "test_list", [batch("test_batch", 4, 9)])
    md5 = write("batches.meta", {"label_names": CLASSES})
    meta = {"filename": "batches.meta", "key": "label_names", "md5": md5}
    monkeypatch.setattr(torchvision_classes.CIFAR10, "meta", meta)
    return tmp_path / "data"


def test_cifar10_has_images_labels_and_classes(cifar: Path) -> None:
    assert is_available("cifar10", cifar)
    train, test = (load_dataset("cifar10", split, root=cifar) for split in ("train", "test"))
    assert (len(train), len(test), train.shape) == (9, 4, COLOR)
    assert torch.equal(test.images, torch.from_numpy(blobs(4, COLOR, seed=9)))
    assert torch.equal(train.images[2:4], torch.from_numpy(blobs(2, COLOR, seed=2)))
    assert test.labels.tolist() == [0, 1, 2, 3] and train.classes == tuple(CLASSES)


def test_cifar10_28_is_a_downscaled_copy(cifar: Path) -> None:
    assert is_available("cifar10-28", cifar)
    small, full = (load_dataset(name, "test", root=cifar) for name in ("cifar10-28", "cifar10"))
    assert small.shape == DATASETS["cifar10-28"].shape and small.images.dtype == torch.uint8
    assert torch.allclose(small.to_float().mean((2, 3)), full.to_float().mean((2, 3)), atol=0.01)


def test_modified_pickle_is_refused_without_unpickling_it(cifar: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return (open, (str(cifar / "EXPLODED"), "w"))

    (cifar / "cifar-10-batches-py" / "test_batch").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(DataError, match="damaged.*dae download cifar10"):
        load_dataset("cifar10", "test", root=cifar)
    assert not (cifar / "EXPLODED").exists()


@pytest.mark.parametrize("name", [name for name, entry in DATASETS.items() if entry.download])
def test_download_fails_at_once_without_network(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts: list[Any] = []

    def refuse(address: Any, timeout: float) -> None:
        attempts.append((address, timeout))
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(torchvision_datasets, "_CONNECT_TIMEOUT_S", 0.2)
    with pytest.raises(DataError) as caught:
        download(name, tmp_path / "data")
    assert attempts and all(timeout <= torchvision_datasets._CONNECT_TIMEOUT_S for _, timeout in attempts)
    assert "did not answer" in str(caught.value) and "'digits'" in str(caught.value)
    assert not (tmp_path / "data").exists() and socket.getdefaulttimeout() is None


def test_download_uses_the_proxy_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts: list[Any] = []

    def connect(address: Any, timeout: float) -> Any:
        attempts.append(address)
        if address != ("proxy.invalid", 3128):
            raise OSError(101, "Network is unreachable")
        return io.BytesIO()

    class Source:
        mirrors = ("https://one.example/",)

        def __init__(self, **_: Any) -> None:
            pass

    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://proxy.invalid:3128")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setattr(torchvision_datasets, "_dataset_class", lambda name: Source)
    monkeypatch.setattr(socket, "create_connection", connect)
    download("mnist", tmp_path / "data")
    assert attempts == [("proxy.invalid", 3128)]


def test_download_does_not_wait_for_a_hanging_name_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: released.wait(60) and io.BytesIO())
    monkeypatch.setattr(torchvision_datasets, "_CONNECT_TIMEOUT_S", 0.1)
    with pytest.raises(DataError, match="did not answer"):
        download("mnist", tmp_path)
    released.set()


@pytest.mark.parametrize("error", [RuntimeError("File not found or corrupted."), OSError(28, "No space left")])
def test_broken_download_reports_the_reason(error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[float | None] = []

    class Source:
        url = "https://example.org/a.tar.gz"

        def __init__(self, **_: Any) -> None:
            limits.append(socket.getdefaulttimeout())
            raise error

    monkeypatch.setattr(torchvision_datasets, "_dataset_class", lambda name: Source)
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: io.BytesIO())
    with pytest.raises(DataError, match="could not be downloaded.*Try again"):
        download("cifar10", tmp_path)
    assert limits == [torchvision_datasets._READ_TIMEOUT_S] and socket.getdefaulttimeout() is None


def test_damaged_files_that_torchvision_keeps_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in torchvision_datasets._FILES["mnist"]:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes(b"<html>")
    monkeypatch.setattr(torchvision_datasets, "_server_responds", lambda urls: True)
    with pytest.raises(DataError, match="MNIST in .* is damaged. Delete it"):
        download("mnist", tmp_path)


def test_download_fetches_both_splits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[Any] = []

    class Source:
        mirrors = ("https://one.example/", "https://two.example/")

        def __init__(self, **options: Any) -> None:
            fetched.append(options)

    monkeypatch.setattr(torchvision_datasets, "_dataset_class", lambda name: Source)
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: io.BytesIO())
    datasets.download("mnist", tmp_path / "new")
    assert [(entry["train"], entry["download"]) for entry in fetched] == [(True, True), (False, True)]
    assert (tmp_path / "new").is_dir() and {entry["root"] for entry in fetched} == {str(tmp_path / "new")}


def test_download_leaves_compressed_files_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for part in ("train", "t10k"):
        for name, shape in (("images-idx3", (2, 28, 28)), ("labels-idx1", (2,))):
            header = bytes([0, 0, 8, len(shape)]) + b"".join(side.to_bytes(4) for side in shape)
            (folder / f"{part}-{name}-ubyte.gz").write_bytes(gzip.compress(header + bytes(math.prod(shape))))
    monkeypatch.setattr(torchvision_datasets, "_server_responds", lambda urls: pytest.fail("contacted a server"))
    download("mnist", tmp_path)


def test_download_refuses_data_sets_without_a_source() -> None:
    with pytest.raises(DataError, match="needs no download"):
        download("digits")
    with pytest.raises(UnknownNameError):
        download("nothing")


def test_read_cifar10_returns_contiguous_arrays(cifar: Path) -> None:
    images, labels, _ = torchvision_datasets.read_cifar10(cifar, "train")
    assert images.dtype == np.uint8 and labels.dtype == np.int64 and images.flags.c_contiguous
