"""Data sets: read once, mapped ever after, and told plainly where they are missing or damaged."""

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dae import data, downloads, packed, training
from dae.data import DATASETS, data_root, is_available, load_dataset
from dae.errors import DataError, SpecError, UnknownName
from dae.packed import ImageSet
from tests.conftest import blobs, same, small, tiny, train, weights

FETCHED = [name for name, entry in DATASETS.items() if entry.download]


def idx(array: np.ndarray) -> bytes:
    """The array in the format of MNIST's files."""
    head = bytes([0, 0, 8, array.ndim]) + b"".join(side.to_bytes(4, "big") for side in array.shape)
    return head + array.astype(np.uint8).tobytes()


def write_grey(root: Path, folder: str) -> None:
    raw = root / folder / "raw"
    raw.mkdir(parents=True)
    for part, number in (("train", 20), ("t10k", 6)):
        (raw / f"{part}-images-idx3-ubyte").write_bytes(idx(blobs(number, seed=number)[:, 0]))
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(idx(np.arange(number) % 10))


@pytest.fixture
def root(tmp_path: Path, own_cache: Path) -> Path:
    """A data root with tiny MNIST and Fashion-MNIST, and an empty cache."""
    write_grey(tmp_path / "data", "MNIST")
    write_grey(tmp_path / "data", "FashionMNIST")
    return tmp_path / "data"


def no_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> Any:
        raise AssertionError(f"{name} was read through torchvision again")

    monkeypatch.setattr(downloads, "_torchvision", refuse)


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_images_labels_and_classes(name: str, root: Path) -> None:
    for split, number in (("train", 20), ("test", 6)):
        images = load_dataset(name, split, root=root)
        assert torch.equal(images.images, torch.from_numpy(blobs(number, seed=number)))
        assert images.labels.tolist() == [place % 10 for place in range(number)] and images.labels.dtype == torch.int64
        assert (images.name, images.split, len(images), images.shape) == (name, split, number, (1, 28, 28))
        assert len(images.classes) == 10
    assert load_dataset("mnist", root=root).classes[3] == "3"


def test_the_second_time_nothing_is_read_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_dataset("mnist", root=root)
    no_reader(monkeypatch)
    again = load_dataset("mnist", root=root, limit=5)
    assert torch.equal(again.images, first.images[:5]) and torch.equal(again.labels, first.labels[:5])


def test_another_root_is_another_data_set(root: Path, tmp_path: Path) -> None:
    load_dataset("mnist", root=root)
    with pytest.raises(DataError, match="MNIST is not in"):
        load_dataset("mnist", root=tmp_path / "elsewhere")


@pytest.mark.parametrize("file", ["images.npy", "labels.npy", "about.json"])
@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY\x01\x00v\x00{'descr'", b"[]", None])
def test_a_damaged_cache_is_made_anew(file: str, damage: bytes | None, root: Path, own_cache: Path) -> None:
    first = load_dataset("mnist", root=root).images.clone()
    (path,) = own_cache.glob(f"mnist-*/{file}")
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage)
    assert torch.equal(load_dataset("mnist", root=root).images, first)
    assert load_dataset("mnist", root=root).labels.tolist()[:3] == [0, 1, 2]


def test_a_cache_cut_short_is_made_anew(root: Path, own_cache: Path) -> None:
    load_dataset("mnist", root=root)
    (path,) = own_cache.glob("mnist-*/images.npy")
    path.write_bytes(path.read_bytes()[:-100])
    assert len(load_dataset("mnist", root=root)) == 20


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_cache_that_cannot_be_written_is_done_without(
    number: int, root: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = Path.mkdir

    def refuse(self: Path, *others: Any, **more: Any) -> None:
        if str(self).startswith(str(own_cache.parent.parent)):
            raise OSError(number, os.strerror(number))  # becomes PermissionError where it is one
        make(self, *others, **more)

    monkeypatch.setattr(Path, "mkdir", refuse)
    for _ in range(2):
        assert len(load_dataset("mnist", "test", root=root)) == 6
    assert not own_cache.exists()


def test_a_full_cache_is_told(root: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(packed.np, "save", full)
    with pytest.raises(DataError, match="No space left.*Free some space"):
        load_dataset("mnist", root=root)
    assert list(own_cache.iterdir()) == []


@pytest.mark.parametrize("name", FETCHED)
def test_missing_data_says_where_and_three_ways_out(name: str, tmp_path: Path, own_cache: Path) -> None:
    assert not is_available(name, tmp_path)
    with pytest.raises(DataError) as caught:
        load_dataset(name, root=tmp_path)
    assert all(words in str(caught.value) for words in (str(tmp_path), "dae download", "DAE_DATA", "'digits'"))


@pytest.mark.parametrize("content", [b"", b"\0\0\x08\x03", b"junk" * 99, idx(blobs(20)[:, 0])[:-9]])
def test_damaged_files_are_told(content: bytes, root: Path) -> None:
    assert is_available("mnist", root)
    (root / "MNIST/raw/train-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(DataError, match="damaged.*dae download mnist"):
        load_dataset("mnist", root=root)
    assert len(load_dataset("fashion-mnist", root=root)) == 20


def test_labels_that_are_missing_or_too_few(root: Path) -> None:
    labels = root / "MNIST/raw/train-labels-idx1-ubyte"
    labels.write_bytes(idx(np.arange(3)))
    with pytest.raises(DataError):
        load_dataset("mnist", root=root)
    labels.unlink()
    with pytest.raises(DataError):
        load_dataset("mnist", root=root)


def test_drawn_digits_are_always_there() -> None:
    assert is_available("digits")
    few, more = (load_dataset("digits", "test", limit=limit) for limit in (3, 40))
    assert torch.equal(few.images, more.images[:3]) and few.classes == tuple("0123456789")
    assert (len(few), few.shape) == (3, (1, 28, 28))


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one(limit: int, photos: str) -> None:
    for name in ("digits", photos):
        with pytest.raises(SpecError, match=f"limit of {limit}"):
            load_dataset(name, limit=limit)


def test_a_new_entry_needs_no_other_change(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The promise of the registries: a data set is one entry, with or without a download."""
    shape = (3, 9, 7)

    def read(root: Path, split: str) -> data.Arrays:
        return blobs(5, shape), np.zeros(5, dtype=np.int64), ("all",)

    for name, download in (("drawn", None), ("fetched-28", lambda root: None)):
        monkeypatch.setitem(DATASETS, name, data.Dataset("New", "New.", shape, read, download))
        images = load_dataset(name, "test", limit=2)
        assert images.shape == shape and len(images) == 2 and len(load_dataset(name, "test")) == 5
        assert is_available(name) in (True, False)


def test_names_that_do_not_exist() -> None:
    with pytest.raises(UnknownName) as caught:
        load_dataset("mnits")
    assert caught.value.closest == "mnist"
    with pytest.raises(UnknownName, match="train, test"):
        load_dataset("digits", "valid")
    with pytest.raises(UnknownName):
        is_available("nothing")


def test_the_data_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert data_root().name == "data" and data_root().parent.name == "dae"
    monkeypatch.setenv("DAE_DATA", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert data_root() == tmp_path and data_root("here") == Path("here")
    assert data_root("~/there") == tmp_path / "home" / "there"


@pytest.mark.parametrize("name", DATASETS)
def test_entries_serve_pages(name: str) -> None:
    entry = DATASETS[name]
    assert entry.label and entry.help.endswith(".") and len(entry.shape) == 3


def test_an_image_set() -> None:
    images: ImageSet = tiny(6, (3, 37, 31))
    clean = images.clean(slice(1, 3))
    assert clean.shape == (2, 3, 37, 31) and clean.dtype == torch.float32
    assert clean.min() >= 0 and clean.max() <= 1 and torch.equal(clean * 255, images.images[1:3].float())
    assert torch.equal(images.clean(torch.tensor([2]))[0], images.clean()[2])
    assert len(images.head(None)) == 6 and len(images.head(4)) == 4 == len(images.head(4).labels)


def test_mapped_images_may_be_written_to_without_harm(root: Path) -> None:
    first = load_dataset("mnist", root=root)
    first.images[0] = 99
    assert not (load_dataset("mnist", root=root).images[0] == 99).all()


def test_a_data_set_outlives_its_cache(root: Path, own_cache: Path) -> None:
    images = load_dataset("mnist", root=root)
    shutil.rmtree(own_cache)
    assert torch.equal(images.images, torch.from_numpy(blobs(20, seed=20)))


def test_real_mnist(mnist: ImageSet) -> None:
    assert mnist.shape == (1, 28, 28) and mnist.labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert mnist.clean().mean().item() == pytest.approx(0.13, abs=0.02)


def test_a_set_too_large_for_memory_is_read_from_its_file_and_trains_the_same(
    photos: str, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, test = (load_dataset(photos, split) for split in ("train", "test"))
    rows = images.head(9).streamed()
    places = torch.tensor([8, 0, 3, 3])
    assert isinstance(rows, packed.Rows) and torch.equal(rows.index_select(0, places), images.images[places])
    whole = train(small(dataset=photos, images=21), images)[0]
    monkeypatch.setattr(training, "STREAMED_FROM", 0)
    assert same(weights(train(small(dataset=photos, images=21), images)[0]), weights(whole))
    assert tiny().streamed() is not None and not isinstance(tiny().streamed(), packed.Rows)
    (file,) = own_cache.glob("*train*/images.npy")
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(DataError, match="ends before image 23"):
        rows.index_select(0, torch.tensor([23]))
    file.unlink()
    with pytest.raises(DataError, match="cannot be read any more"):
        rows.index_select(0, places)
