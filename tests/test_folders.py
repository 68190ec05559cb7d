"""Any folder of pictures as a data set: classes, splits, colours, odd files, and folders that change."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from dae.data import label, load_dataset
from dae.errors import DaeError, DataError
from dae.packed import ImageSet


def paint(folder: Path, number: int, value: int = 0, mode: str = "L", size: tuple[int, int] = (12, 10)) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for place in range(number):
        Image.new("L", size, value + place).convert(mode).save(folder / f"{place:03d}.png")


def opened(folder: Path, split: str = "train", size: str = "@8") -> ImageSet:
    return load_dataset(f"folder:{folder}{size}", split)


def values(images: ImageSet) -> list[int]:
    return sorted(images.images[:, 0, 0, 0].tolist())


def test_every_tenth_picture_is_for_testing(tmp_path: Path) -> None:
    paint(tmp_path, 21)
    train, test = opened(tmp_path), opened(tmp_path, "test")
    assert values(test) == [0, 10, 20] and values(train) == [n for n in range(21) if n % 10]
    assert train.classes == ("all",) and train.shape == (1, 8, 8) and train.note == ""
    assert opened(tmp_path, size="").shape == (1, 32, 32)


def test_folders_below_are_classes(tmp_path: Path) -> None:
    for name, value in (("cat", 100), ("dog", 200)):
        paint(tmp_path / name / "deep", 5, value)
    train, test = opened(tmp_path), opened(tmp_path, "test")
    assert train.classes == ("cat", "dog")
    assert torch.equal(train.images[:, 0, 0, 0] >= 200, train.labels == 1) and len(train) + len(test) == 10


def test_a_class_has_the_same_number_in_both_splits(tmp_path: Path) -> None:
    for name, value in (("cat", 100), ("dog", 200)):
        paint(tmp_path / name, 5, value)
    assert opened(tmp_path).classes == opened(tmp_path, "test").classes


def test_train_and_test_folders_are_the_splits(tmp_path: Path) -> None:
    for split, value in (("train", 10), ("test", 90)):
        paint(tmp_path / split / "a", 3, value)
        paint(tmp_path / split / "b", 2, value + 50)
    train, test = opened(tmp_path), opened(tmp_path, "test")
    assert values(train) == [10, 11, 12, 60, 61] and values(test) == [90, 91, 92, 140, 141]
    assert train.classes == test.classes == ("a", "b") and sorted(test.labels.tolist()) == [0, 0, 0, 1, 1]
    assert [value >= 140 for value in test.images[:, 0, 0, 0].tolist()] == [
        label == 1 for label in test.labels.tolist()
    ]


def test_one_picture_serves_both_splits(tmp_path: Path) -> None:
    paint(tmp_path, 1, 77)
    assert values(opened(tmp_path)) == values(opened(tmp_path, "test")) == [77]


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("1", 1), ("RGB", 3), ("RGBA", 3), ("P", 3), ("LA", 1)])
def test_colours(mode: str, channels: int, tmp_path: Path) -> None:
    paint(tmp_path, 3, 0, mode)
    assert opened(tmp_path).shape == (channels, 8, 8)


def test_the_first_picture_decides_for_both_splits_between_grey_and_colour(tmp_path: Path) -> None:
    paint(tmp_path, 20, 50)
    for place in range(1, 20):
        Image.new("RGB", (9, 9), (255, 0, 0)).save(tmp_path / f"{place:03d}.png")
    assert opened(tmp_path).shape == opened(tmp_path, "test").shape == (1, 8, 8)
    (tmp_path / "000.png").write_text("cannot be read")
    assert opened(tmp_path).shape == opened(tmp_path, "test").shape == (3, 8, 8)
    assert opened(tmp_path).images[:, :, 0, 0].tolist() == 18 * [[255, 0, 0]]


def test_unreadable_files_are_counted_and_named(tmp_path: Path) -> None:
    paint(tmp_path, 9, 1)
    whole = (tmp_path / "001.png").read_bytes()
    of_another_kind = b"P5 8 8 255 " + bytes(64)  # which Pillow knows, and is not among those supported
    for place, content in enumerate((b"", b"no picture", whole[: len(whole) // 2], of_another_kind)):
        (tmp_path / f"00{place + 3}.png").write_bytes(content)
    (tmp_path / "notes.txt").write_text("not looked at")
    images = opened(tmp_path)
    assert values(images) == [2, 3, 8, 9]
    assert images.note == "4 unreadable files skipped: 003.png, 004.png, 005.png, 006.png."
    assert len(images.labels) == len(images) == 4


def test_many_unreadable_files_are_not_all_named(tmp_path: Path) -> None:
    paint(tmp_path, 3, 1)
    for place in range(20):
        (tmp_path / f"x{place:02d}.jpg").write_bytes(b"no")
    assert "18 unreadable files" in opened(tmp_path).note and "and others" in opened(tmp_path).note


def test_nothing_but_unreadable_files(tmp_path: Path) -> None:
    for place in range(3):
        (tmp_path / f"{place}.png").write_bytes(b"no")
    with pytest.raises(DataError, match="None of the 2 picture files"):
        opened(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_links_that_lead_nowhere_are_unreadable_files(tmp_path: Path) -> None:
    paint(tmp_path, 3)
    (tmp_path / "a.png").symlink_to(tmp_path / "nowhere")
    assert len(opened(tmp_path)) == 2


def test_pictures_stand_upright_and_are_cropped_at_the_centre(tmp_path: Path) -> None:
    picture = np.zeros((8, 24), dtype=np.uint8)
    picture[:, 8:16] = 255  # what stays
    picture[:4, 8:16] = 100
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    Image.fromarray(picture).save(tmp_path / "a.png", exif=exif)
    (image,) = opened(tmp_path).images[:, 0]
    assert (image[:4] == 255).all() and (image[4:] == 100).all()


def test_16_bit_pictures_are_not_clipped(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65_535, 64).astype(np.uint16).repeat(64).reshape(64, 64)
    Image.fromarray(ramp).save(tmp_path / "a.png")
    assert 100 < opened(tmp_path).images.float().mean() < 155


def test_a_changed_folder_is_read_again(tmp_path: Path) -> None:
    paint(tmp_path, 3)
    assert len(opened(tmp_path)) == 2
    paint(tmp_path, 5, 9)
    assert values(opened(tmp_path)) == [10, 11, 12, 13]


def test_limit(tmp_path: Path) -> None:
    paint(tmp_path, 9)
    assert len(load_dataset(f"folder:{tmp_path}@8", limit=3)) == 3
    assert len(load_dataset(f"folder:{tmp_path}@8", limit=300)) == 8


def test_missing_and_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no folder"):
        opened(tmp_path / "nowhere")
    with pytest.raises(DataError, match="holds no picture.*png"):
        opened(tmp_path)
    (tmp_path / "test").mkdir()
    paint(tmp_path / "train", 2)
    with pytest.raises(DataError, match="holds no picture"):
        opened(tmp_path, "test")


@pytest.mark.parametrize("size", ["@0", "@-1", "@x", "@", "@99999999", "@8.5"])
def test_impossible_sizes(size: str, tmp_path: Path) -> None:
    paint(tmp_path, 2)
    with pytest.raises(DaeError):
        opened(tmp_path, size=size)


def test_a_relative_folder_is_looked_for_in_the_data_root_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paint(tmp_path / "root" / "pictures", 2, 10)
    paint(tmp_path / "here" / "pictures", 2, 90)
    paint(tmp_path / "here" / "others", 2, 200)
    monkeypatch.chdir(tmp_path / "here")
    read = {name: values(load_dataset(f"folder:{name}@8", root=tmp_path / "root")) for name in ("pictures", "others")}
    assert read == {"pictures": [11], "others": [201]}


def test_the_first_few_pictures_are_of_every_class_and_the_same_each_time(tmp_path: Path) -> None:
    for place, name in enumerate(("a", "b", "c", "d")):
        paint(tmp_path / "photos" / name, 50, 50 * place)
    first = opened(tmp_path / "photos")
    counts = torch.bincount(first.labels[:80], minlength=4)
    assert counts.min() >= 10
    shutil.copytree(tmp_path / "photos", tmp_path / "copy")
    assert torch.equal(opened(tmp_path / "copy").images, first.images)


@pytest.mark.parametrize("name", ["folder:a/photos", "folder:photos@64", "folder:me@work/photos"])
def test_a_folder_is_called_by_its_own_name(name: str) -> None:
    assert label(name) == "Folder photos"
