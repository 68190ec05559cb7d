"""Image folders as data sets: classes, splits, colors, unreadable files and modified folders."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from dae.data import ImageSet, dataset_label, load_dataset
from dae.data.datasets import SPLITS
from dae.errors import DaeError, DataError


def paint(folder: Path, count: int, value: int = 0, mode: str = "L", size: tuple[int, int] = (12, 10)) -> None:
    """Write `count` uniform images of increasing brightness."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        Image.new("L", size, value + index).convert(mode).save(folder / f"{index:03d}.png")


def load(folder: Path, split: str = "train", size: str = "@8") -> ImageSet:
    return load_dataset(f"folder:{folder}{size}", split)


def values(*splits: ImageSet) -> list[int]:
    return sorted(value for images in splits for value in images.images[:, 0, 0, 0].tolist())


def load_all(folder: Path) -> list[ImageSet]:
    return [load(folder, split) for split in SPLITS]


def test_every_image_is_in_one_of_three_splits(tmp_path: Path) -> None:
    paint(tmp_path, 60)
    train, validation, test = load_all(tmp_path)
    assert values(train, validation, test) == list(range(60))
    assert 2 <= len(validation) <= 12 and 2 <= len(test) <= 12
    assert train.classes == ("all",) and train.shape == (1, 8, 8) and train.note == ""
    assert load(tmp_path, size="").shape == (1, 32, 32)


def test_subfolders_are_classes(tmp_path: Path) -> None:
    for name, value in (("cat", 100), ("dog", 200)):
        paint(tmp_path / name / "deep", 5, value)
    splits = load_all(tmp_path)
    assert sum(map(len, splits)) == 10
    for images in splits:
        assert images.classes == ("cat", "dog")
        assert torch.equal(images.images[:, 0, 0, 0] >= 200, images.labels == 1)


def test_train_and_test_folders_are_the_splits(tmp_path: Path) -> None:
    for split, value in (("train", 10), ("test", 90)):
        paint(tmp_path / split / "a", 3, value)
        paint(tmp_path / split / "b", 2, value + 50)
    train, validation, test = load_all(tmp_path)
    assert values(train, validation) == [10, 11, 12, 60, 61] and values(test) == [90, 91, 92, 140, 141]
    assert len(validation) > 0
    assert train.classes == test.classes == ("a", "b") and sorted(test.labels.tolist()) == [0, 0, 0, 1, 1]
    assert [value >= 140 for value in test.images[:, 0, 0, 0].tolist()] == [
        label == 1 for label in test.labels.tolist()
    ]


def test_validation_folder_is_the_validation_split_and_the_test_split_is_held_out_of_training(tmp_path: Path) -> None:
    paint(tmp_path / "Train", 30)
    paint(tmp_path / "Val", 3, 200)
    train, validation, test = load_all(tmp_path)
    assert values(validation) == [200, 201, 202] and values(train, test) == list(range(30)) and len(test) > 0


def test_a_single_image_is_in_all_splits(tmp_path: Path) -> None:
    paint(tmp_path, 1, 77)
    assert [values(images) for images in load_all(tmp_path)] == [[77]] * 3


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("1", 1), ("RGB", 3), ("RGBA", 3), ("P", 3), ("LA", 1)])
def test_mode_of_the_files_determines_the_channels(mode: str, channels: int, tmp_path: Path) -> None:
    paint(tmp_path, 3, 0, mode)
    assert load(tmp_path).shape == (channels, 8, 8)


def test_most_images_determine_the_channels_of_all_splits(tmp_path: Path) -> None:
    paint(tmp_path, 20, 50)
    for index in range(1, 20):
        Image.new("RGB", (9, 9), (255, 0, 0)).save(tmp_path / f"{index:03d}.png")
    assert {images.shape for images in load_all(tmp_path)} == {(3, 8, 8)}
    assert "1 image converted from gray to color." in load(tmp_path).note
    for index in range(15):
        Image.new("L", (9, 9), 50).save(tmp_path / f"{index:03d}.png")
    assert {images.shape for images in load_all(tmp_path)} == {(1, 8, 8)}
    assert "5 images converted from color to gray." in load(tmp_path).note


def test_unreadable_files_are_skipped_counted_and_named(tmp_path: Path) -> None:
    paint(tmp_path, 9, 1)
    png = (tmp_path / "001.png").read_bytes()
    # Pillow can read this format, but FORMATS excludes it.
    pgm = b"P5 8 8 255 " + bytes(64)
    for index, content in enumerate((b"", b"no image", png[: len(png) // 2], pgm)):
        (tmp_path / f"00{index + 3}.png").write_bytes(content)
    (tmp_path / "notes.txt").write_text("ignored")
    splits = load_all(tmp_path)
    assert values(*splits) == [1, 2, 3, 8, 9]
    assert all(len(images.labels) == len(images) for images in splits)
    notes = " ".join(images.note for images in splits)
    assert "unreadable file" in notes and all(f"00{index}.png" in notes for index in range(3, 7))


def test_only_some_of_many_unreadable_files_are_named(tmp_path: Path) -> None:
    paint(tmp_path / "train", 3, 1)
    paint(tmp_path / "val", 1, 1)
    for index in range(20):
        (tmp_path / "val" / f"x{index:02d}.jpg").write_bytes(b"no")
    note = load(tmp_path, "validation").note
    assert "20 unreadable files" in note and "and others" in note


def test_folder_without_readable_images_is_refused(tmp_path: Path) -> None:
    for index in range(3):
        (tmp_path / f"{index}.png").write_bytes(b"no")
    with pytest.raises(DataError, match="None of the [12] image files"):
        load(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need a privilege on Windows")
def test_broken_links_are_ignored(tmp_path: Path) -> None:
    paint(tmp_path, 3)
    (tmp_path / "a.png").symlink_to(tmp_path / "nowhere")
    assert sum(map(len, load_all(tmp_path))) == 3


def test_images_are_rotated_upright_and_center_cropped(tmp_path: Path) -> None:
    pixels = np.zeros((8, 24), dtype=np.uint8)
    pixels[:, 8:16] = 255
    pixels[:4, 8:16] = 100
    exif = Image.Exif()
    # Orientation 3 is upside down.
    exif[0x0112] = 3
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    (image,) = load(tmp_path).images[:, 0]
    assert (image[:4] == 255).all() and (image[4:] == 100).all()


def test_16_bit_images_are_scaled_instead_of_clipped(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65_535, 64).astype(np.uint16).repeat(64).reshape(64, 64)
    Image.fromarray(ramp).save(tmp_path / "a.png")
    assert 100 < load(tmp_path).images.float().mean() < 155


def test_modified_folder_is_packed_again(tmp_path: Path) -> None:
    paint(tmp_path, 3)
    assert sum(map(len, load_all(tmp_path))) == 3
    paint(tmp_path, 5, 9)
    assert values(*load_all(tmp_path)) == [9, 10, 11, 12, 13]


def test_limit_takes_the_first_images(tmp_path: Path) -> None:
    paint(tmp_path / "train", 9)
    paint(tmp_path / "test", 1)
    paint(tmp_path / "val", 1)
    assert len(load_dataset(f"folder:{tmp_path}@8", limit=3)) == 3
    assert len(load_dataset(f"folder:{tmp_path}@8", limit=300)) == 9


def test_missing_and_empty_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no folder"):
        load(tmp_path / "nowhere")
    with pytest.raises(DataError, match="contains no image.*png"):
        load(tmp_path)
    (tmp_path / "test").mkdir()
    paint(tmp_path / "train", 2)
    with pytest.raises(DataError, match="contains no image"):
        load(tmp_path, "test")


@pytest.mark.parametrize("size", ["@0", "@-1", "@x", "@", "@99999999", "@8.5"])
def test_invalid_sizes_are_refused(size: str, tmp_path: Path) -> None:
    paint(tmp_path, 2)
    with pytest.raises(DaeError):
        load(tmp_path, size=size)


def test_relative_folder_is_found_in_the_data_root_before_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paint(tmp_path / "root" / "photos", 2, 10)
    paint(tmp_path / "here" / "photos", 2, 90)
    paint(tmp_path / "here" / "others", 2, 200)
    monkeypatch.chdir(tmp_path / "here")
    for name, expected in (("photos", [10, 11]), ("others", [200, 201])):
        splits = [load_dataset(f"folder:{name}@8", split, root=tmp_path / "root") for split in SPLITS]
        assert set(values(*splits)) == set(expected)


def test_images_are_shuffled_deterministically_across_classes(tmp_path: Path) -> None:
    for index, name in enumerate(("a", "b", "c", "d")):
        paint(tmp_path / "photos" / name, 50, 50 * index)
    first = load(tmp_path / "photos")
    counts = torch.bincount(first.labels[:80], minlength=4)
    assert counts.min() >= 10
    shutil.copytree(tmp_path / "photos", tmp_path / "copy")
    assert torch.equal(load(tmp_path / "copy").images, first.images)


@pytest.mark.parametrize("name", ["folder:a/photos", "folder:photos@64", "folder:me@work/photos"])
def test_label_of_a_folder_is_its_name(name: str) -> None:
    assert dataset_label(name) == "Folder photos"
