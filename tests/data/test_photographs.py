"""Photographs at their own size: tiles that cover them, splits of whole photographs, unreadable files."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from dae.data import ImageSet, dataset_label, is_available, load_dataset
from dae.data.datasets import SPLITS
from dae.data.whole_photographs import load_whole_photographs
from dae.errors import DataError, SpecError


def photograph(path: Path, width: int, height: int, mode: str = "RGB", value: int = 0) -> None:
    """Write an image whose first two channels are the column and the row of each pixel, and the third `value`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((height, width, 3), value, np.uint8)
    pixels[..., 0], pixels[..., 1] = np.arange(width), np.arange(height)[:, None]
    Image.fromarray(pixels).convert(mode).save(path)


def load(folder: Path, split: str = "train", size: str = "@100") -> ImageSet:
    return load_dataset(f"photos:{folder}{size}", split)


def corners(images: ImageSet) -> set[tuple[int, int]]:
    return {(int(column), int(row)) for column, row in images.images[:, :2, 0, 0]}


def test_tiles_keep_pixels_and_overlap_so_that_each_crop_lies_within_one_tile(tmp_path: Path) -> None:
    photograph(tmp_path / "only.png", 200, 110)
    images = load(tmp_path)
    assert images.shape == (3, 100, 100)
    assert corners(images) == {(column, row) for column in (0, 33, 67, 100) for row in (0, 10)}
    assert (images.images[:, 0, 0, -1] - images.images[:, 0, 0, 0] == 99).all()
    assert load(tmp_path, size="").shape == (3, 192, 192)


def test_small_tiles_overlap_by_two_thirds(tmp_path: Path) -> None:
    photograph(tmp_path / "only.png", 126, 42)
    assert corners(load(tmp_path, size="@42")) == {(column, 0) for column in range(0, 85, 14)}


def test_photographs_are_split_as_a_whole_and_held_out_ones_have_one_central_tile(tmp_path: Path) -> None:
    for index in range(40):
        photograph(tmp_path / f"{index}.png", 200, 110, value=index)
    train, validation, test = (load(tmp_path, split) for split in SPLITS)
    numbers = [set(images.images[:, 2, 0, 0].tolist()) for images in (train, validation, test)]
    assert sum(map(len, numbers)) == 40 and set.union(*numbers) == set(range(40))
    assert len(validation) == len(numbers[1]) and len(train) == 8 * len(numbers[0])
    assert corners(validation) == corners(test) == {(50, 5)}


def test_a_small_photograph_is_padded_by_reflection(tmp_path: Path) -> None:
    photograph(tmp_path / "small.png", 70, 30)
    (tile,) = load(tmp_path).images
    assert tile[0, 0, 60:80].tolist() == [*range(60, 70), *range(69, 59, -1)]
    assert tile[1, 25:35, 0].tolist() == [*range(25, 30), *range(29, 24, -1)]


def test_gray_photographs_have_one_channel_and_unreadable_files_are_named(tmp_path: Path) -> None:
    for index in range(30):
        photograph(tmp_path / f"{index}.png", 120, 120, "L")
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    splits = [load(tmp_path, split) for split in SPLITS]
    assert {images.shape for images in splits} == {(1, 100, 100)}
    assert [images.note for images in splits if images.note] == ["1 unreadable file skipped: broken.jpg."]


def test_photograph_folders_have_labels_and_invalid_ones_are_refused(tmp_path: Path) -> None:
    assert dataset_label("photos:a/holiday@64") == "Photographs holiday" and dataset_label("folder:.") == "Folder ."
    assert is_available(f"photos:{tmp_path}") and not is_available(f"photos:{tmp_path}/none")
    with pytest.raises(SpecError, match="photos:images@64"):
        load(tmp_path, size="@4")
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    with pytest.raises(DataError, match="None of the 1 image files for train"):
        load(tmp_path)


def test_whole_photographs_keep_their_sizes_and_their_split(tmp_path: Path) -> None:
    for index in range(20):
        photograph(tmp_path / "train" / f"{index}.png", 30, 20)
    for index, size in enumerate([(90, 50), (50, 90), (90, 50)]):
        photograph(tmp_path / "test" / f"{index}.png", *size, value=index)
    (tmp_path / "test" / "broken.jpg").write_bytes(b"no image")
    landscape, portrait = load_whole_photographs(f"photos:{tmp_path}")
    assert landscape.images.shape == (2, 3, 50, 90) and portrait.images.shape == (1, 3, 90, 50)
    assert landscape.images[:, 2, 0, 0].tolist() == [0, 2] and portrait.images[0, 0, 0].tolist() == list(range(50))
    assert landscape.note == portrait.note == "1 unreadable file skipped: broken.jpg."
    for limit in (0, -1):
        with pytest.raises(SpecError, match="leaves no image"):
            load_whole_photographs(f"photos:{tmp_path}", limit=limit)
    (first,) = load_whole_photographs(f"photos:{tmp_path}", limit=1)
    assert torch.equal(first.images, landscape.images[:1])


def test_the_note_says_that_splits_share_a_single_photograph(tmp_path: Path) -> None:
    photograph(tmp_path / "only.png", 30, 20)
    (images,) = load_whole_photographs(f"photos:{tmp_path}")
    assert "splits share images" in images.note


def test_a_split_without_a_readable_photograph_is_an_error(tmp_path: Path) -> None:
    photograph(tmp_path / "train" / "0.png", 30, 20)
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "broken.jpg").write_bytes(b"no image")
    with pytest.raises(DataError, match="No photograph of the test split"):
        load_whole_photographs(f"photos:{tmp_path}")
