"""Data sets: reading, the memory-mapped cache, and errors for missing or damaged files."""

import errno
import gzip
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dae.data import (
    DATASETS,
    ImageSet,
    data_root,
    datasets,
    image_set,
    is_available,
    load_dataset,
    torchvision_datasets,
)
from dae.data.synthetic_digits import draw_digits
from dae.errors import DataError, SpecError, UnknownNameError
from dae.training import loop
from tests.helpers import blobs, small_config, tensors_equal, tiny_dataset, train, weights

DOWNLOADABLE = [name for name, entry in DATASETS.items() if entry.download]


def idx(array: np.ndarray) -> bytes:
    """Encode an array in the IDX format of MNIST's files."""
    head = bytes([0, 0, 8, array.ndim]) + b"".join(side.to_bytes(4, "big") for side in array.shape)
    return head + array.astype(np.uint8).tobytes()


def write_mnist(root: Path, folder: str) -> None:
    raw = root / folder / "raw"
    raw.mkdir(parents=True)
    for part, count in (("train", 20), ("t10k", 6)):
        (raw / f"{part}-images-idx3-ubyte").write_bytes(idx(blobs(count, seed=count)[:, 0]))
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(idx(np.arange(count) % 10))


@pytest.fixture
def root(tmp_path: Path, own_cache: Path) -> Path:
    """Return a data root with tiny versions of MNIST and Fashion-MNIST; the cache is empty."""
    write_mnist(tmp_path / "data", "MNIST")
    write_mnist(tmp_path / "data", "FashionMNIST")
    return tmp_path / "data"


def forbid_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> Any:
        raise AssertionError(f"{path} was read again")

    monkeypatch.setattr(torchvision_datasets, "_read_idx", refuse)


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_mnist_has_images_labels_and_classes(name: str, root: Path) -> None:
    for split, published, part in (
        ("train", 20, slice(0, 18)),
        ("validation", 20, slice(18, 20)),
        ("test", 6, slice(0, 6)),
    ):
        images, count = load_dataset(name, split, root=root), part.stop - part.start
        assert torch.equal(images.images, torch.from_numpy(blobs(published, seed=published)[part]))
        assert images.labels.tolist() == [index % 10 for index in range(published)][part]
        assert images.labels.dtype == torch.int64
        assert (images.name, images.split, len(images), images.shape) == (name, split, count, (1, 28, 28))
        assert len(images.classes) == 10
    assert load_dataset("mnist", root=root).classes[3] == "3"


def test_second_load_reads_the_cache_only(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_dataset("mnist", root=root)
    forbid_reading(monkeypatch)
    again = load_dataset("mnist", root=root, limit=5)
    assert torch.equal(again.images, first.images[:5]) and torch.equal(again.labels, first.labels[:5])


def test_cache_is_separate_for_each_data_root(root: Path, tmp_path: Path) -> None:
    load_dataset("mnist", root=root)
    with pytest.raises(DataError, match="MNIST is not in"):
        load_dataset("mnist", root=tmp_path / "elsewhere")


@pytest.mark.parametrize("file", ["images.npy", "labels.npy", "about.json"])
@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY\x01\x00v\x00{'descr'", b"[]", None])
def test_damaged_cache_is_created_again(file: str, damage: bytes | None, root: Path, own_cache: Path) -> None:
    first = load_dataset("mnist", root=root).images.clone()
    (path,) = own_cache.glob(f"mnist-*/{file}")
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage)
    assert torch.equal(load_dataset("mnist", root=root).images, first)
    assert load_dataset("mnist", root=root).labels.tolist()[:3] == [0, 1, 2]


@pytest.mark.parametrize("damage", ["zeros", "header", "type", "labels", "range"])
def test_cache_with_wrong_content_is_created_again(damage: str, root: Path, own_cache: Path) -> None:
    first = load_dataset("mnist", root=root).images.clone()
    (images,) = own_cache.glob("mnist-*/images.npy")
    labels = images.with_name("labels.npy")
    content = images.read_bytes()
    if damage == "zeros":
        images.write_bytes(content[:9_000] + bytes(1_000) + content[10_000:])
    elif damage == "header":
        images.write_bytes(content.replace(b"'descr'", b"'des\xff\xff'", 1))
    elif damage == "type":
        np.save(images, np.zeros((20, 1, 28, 28), np.float32))
    elif damage == "labels":
        np.save(labels, np.zeros(3, np.int64))
    else:
        np.save(labels, np.full(20, 99))
    again = load_dataset("mnist", root=root)
    assert torch.equal(again.images, first) and again.labels.tolist()[:3] == [0, 1, 2]


def test_truncated_cache_is_created_again(root: Path, own_cache: Path) -> None:
    load_dataset("mnist", root=root)
    (path,) = own_cache.glob("mnist-*/images.npy")
    path.write_bytes(path.read_bytes()[:-100])
    assert len(load_dataset("mnist", root=root)) == 18


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_read_only_cache_is_bypassed(number: int, root: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mkdir = Path.mkdir

    def refuse(self: Path, *args: Any, **kwargs: Any) -> None:
        if str(self).startswith(str(own_cache.parent.parent)):
            raise OSError(number, os.strerror(number))
        mkdir(self, *args, **kwargs)

    monkeypatch.setattr(Path, "mkdir", refuse)
    for _ in range(2):
        assert len(load_dataset("mnist", "test", root=root)) == 6
    assert not own_cache.exists()


def test_full_disk_is_reported(root: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(image_set.np, "save", full)
    with pytest.raises(DataError, match="No space left.*Free some space"):
        load_dataset("mnist", root=root)
    assert list(own_cache.iterdir()) == []


@pytest.mark.parametrize("name", DOWNLOADABLE)
def test_missing_files_are_reported_with_three_fixes(name: str, tmp_path: Path, own_cache: Path) -> None:
    assert not is_available(name, tmp_path)
    with pytest.raises(DataError) as caught:
        load_dataset(name, root=tmp_path)
    assert all(words in str(caught.value) for words in (str(tmp_path), "dae download", "DAE_DATA", "'digits'"))


@pytest.mark.parametrize("content", [b"", b"\0\0\x08\x03", b"junk" * 99, idx(blobs(20)[:, 0])[:-9]])
def test_damaged_files_are_reported(content: bytes, root: Path) -> None:
    assert is_available("mnist", root)
    (root / "MNIST/raw/train-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(DataError, match="damaged.*dae download mnist"):
        load_dataset("mnist", root=root)
    assert len(load_dataset("fashion-mnist", root=root)) == 18


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ((np.zeros((3, 1, 28, 28), np.float32), np.zeros(3, np.int64)), "float32 .*Return uint8"),
        ((np.zeros((3, 28, 28), np.uint8), np.zeros(3, np.int64)), r"\(3, 28, 28\).*Return uint8 \(N, C, H, W\)"),
        ((np.zeros((3, 1, 28, 28), np.uint8), np.zeros(3, np.int32)), "int32.*int64"),
        ((np.zeros((3, 1, 28, 28), np.uint8), np.arange(3)), "labels from 0 to 2 for 2 classes"),
    ],
)
def test_a_loader_that_returns_invalid_arrays_raises_a_data_error(
    arrays: tuple[np.ndarray, np.ndarray], message: str, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = replace(DATASETS["digits"], load=lambda root, split: (*arrays, ("a", "b")), load_range=None)
    monkeypatch.setitem(DATASETS, "own", info)
    with pytest.raises(DataError, match=message):
        load_dataset("own")


def test_a_new_version_of_a_loader_is_not_read_from_the_cache(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in (1, 2, 1):
        pixels = np.full((20, 1, 28, 28), version, np.uint8)
        arrays = pixels, np.zeros(20, np.int64), ("a",)
        info = replace(DATASETS["digits"], load=lambda *_, arrays=arrays: arrays, load_range=None, version=version)
        monkeypatch.setitem(DATASETS, "own", info)
        assert (load_dataset("own").images == version).all()


def test_missing_or_too_few_labels_are_refused(root: Path) -> None:
    labels = root / "MNIST/raw/train-labels-idx1-ubyte"
    labels.write_bytes(idx(np.arange(3)))
    with pytest.raises(DataError):
        load_dataset("mnist", root=root)
    labels.unlink()
    with pytest.raises(DataError, match="MNIST/raw/train-labels-idx1-ubyte is missing"):
        load_dataset("mnist", root=root)
    assert not is_available("mnist", root)


def test_compressed_files_are_read(root: Path) -> None:
    expected = load_dataset("fashion-mnist", "test", root=root)
    for path in (root / "MNIST/raw").iterdir():
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert is_available("mnist", root)
    images = load_dataset("mnist", "test", root=root)
    assert torch.equal(images.images, expected.images) and images.labels.tolist() == expected.labels.tolist()
    (root / "FashionMNIST/raw/t10k-images-idx3-ubyte").unlink()
    (root / "FashionMNIST/raw/t10k-images-idx3-ubyte.gz").write_bytes(b"\x1f\x8b\x08 damaged")
    with pytest.raises(DataError, match="damaged"):
        datasets.DATASETS["fashion-mnist"].load(root, "test")


def test_synthetic_digits_need_no_files() -> None:
    assert is_available("digits")
    few, more = (load_dataset("digits", "test", limit=limit) for limit in (3, 40))
    assert torch.equal(few.images, more.images[:3]) and few.classes == tuple("0123456789")
    assert (len(few), few.shape) == (3, (1, 28, 28))


def test_validation_digits_are_the_last_published_training_digits() -> None:
    few = load_dataset("digits", "validation", limit=3)
    digits, labels = draw_digits("train", 58_000, 58_003)
    assert torch.equal(few.images, digits) and torch.equal(few.labels, labels) and few.split == "validation"


@pytest.mark.parametrize("limit", [0, -1])
def test_limit_below_one_is_refused(limit: int, photos: str) -> None:
    for name in ("digits", photos):
        with pytest.raises(SpecError, match=f"limit of {limit}"):
            load_dataset(name, limit=limit)


def test_new_registry_entry_needs_no_other_change(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shape = (3, 9, 7)

    def read(root: Path, split: str) -> datasets.Arrays:
        return blobs(5, shape), np.zeros(5, dtype=np.int64), ("all",)

    for name, download in (("local", None), ("downloaded-28", lambda root: None)):
        monkeypatch.setitem(DATASETS, name, datasets.DatasetInfo("New", "New.", shape, read, download))
        images = load_dataset(name, "test", limit=2)
        assert images.shape == shape and len(images) == 2 and len(load_dataset(name, "test")) == 5
        assert is_available(name)


def test_unknown_names_are_refused_with_the_choices() -> None:
    with pytest.raises(UnknownNameError) as caught:
        load_dataset("mnits")
    assert caught.value.closest == "mnist"
    with pytest.raises(UnknownNameError, match="train, validation, test"):
        load_dataset("digits", "valid")
    with pytest.raises(UnknownNameError):
        is_available("nothing")


def test_data_root_precedence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert data_root().name == "data" and data_root().parent.name == "dae"
    monkeypatch.setenv("DAE_DATA", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert data_root() == tmp_path and data_root("here") == Path("here")
    assert data_root("~/there") == tmp_path / "home" / "there"


@pytest.mark.parametrize("name", DATASETS)
def test_registry_entry_is_complete(name: str) -> None:
    entry = DATASETS[name]
    assert entry.label and entry.help.endswith(".") and len(entry.shape) == 3


def test_image_set_converts_and_slices() -> None:
    images: ImageSet = tiny_dataset(6, (3, 37, 31))
    clean = images.to_float(slice(1, 3))
    assert clean.shape == (2, 3, 37, 31) and clean.dtype == torch.float32
    assert clean.min() >= 0 and clean.max() <= 1 and torch.equal(clean * 255, images.images[1:3].float())
    assert torch.equal(images.to_float(torch.tensor([2]))[0], images.to_float()[2])
    assert len(images.take(None)) == 6 and len(images.take(4)) == 4 == len(images.take(4).labels)


def test_writing_to_mapped_images_does_not_change_the_cache(root: Path) -> None:
    first = load_dataset("mnist", root=root)
    first.images[0] = 99
    assert not (load_dataset("mnist", root=root).images[0] == 99).all()


def test_loaded_images_survive_deletion_of_the_cache(root: Path, own_cache: Path) -> None:
    images = load_dataset("mnist", root=root)
    shutil.rmtree(own_cache)
    assert torch.equal(images.images, torch.from_numpy(blobs(20, seed=20)[:18]))


def test_mnist_has_the_published_labels_and_mean(mnist: ImageSet) -> None:
    assert mnist.shape == (1, 28, 28) and mnist.labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert mnist.to_float().mean().item() == pytest.approx(0.13, abs=0.02)


def test_training_from_the_file_equals_training_from_memory(
    photos: str, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, test = (load_dataset(photos, split) for split in ("train", "test"))
    reader = images.take(9).as_reader()
    index = torch.tensor([8, 0, 3, 3])
    assert isinstance(reader, image_set.NpyReader) and torch.equal(reader.index_select(0, index), images.images[index])
    in_memory = train(small_config(dataset=photos, max_images=21), images)[0]
    monkeypatch.setattr(loop, "STREAMING_THRESHOLD_BYTES", 0)
    assert tensors_equal(weights(train(small_config(dataset=photos, max_images=21), images)[0]), weights(in_memory))
    assert tiny_dataset().as_reader() is not None and not isinstance(tiny_dataset().as_reader(), image_set.NpyReader)
    (file,) = own_cache.glob("*train*/images.npy")
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(DataError, match="ends before image 23"):
        reader.index_select(0, torch.tensor([23]))
    file.unlink()
    with pytest.raises(DataError, match="can no longer be read"):
        reader.index_select(0, index)
