"""Files of an image folder: hidden and system folders, links, other formats, and a common white level."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dae.data import dataset_label, is_available, load_dataset
from dae.data.folder_files import describe_left_out, find_images
from dae.errors import DaeError, DataError, SpecError
from tests.data.test_image_folder import load, load_all, paint, values

links = pytest.mark.skipif(os.name == "nt", reason="symbolic links need a privilege on Windows")


def test_hidden_and_system_files_are_no_images_and_no_classes(tmp_path: Path) -> None:
    paint(tmp_path / "cat", 12)
    for junk in (".ipynb_checkpoints", ".thumbnails", "@eaDir", "$RECYCLE.BIN", "__MACOSX/cat"):
        paint(tmp_path / junk, 3, 200)
    for index in range(6):
        (tmp_path / "cat" / f"._{index:02}.png").write_bytes(b"\0\5\x16\7")
    splits = load_all(tmp_path)
    assert values(*splits) == list(range(12)) and splits[0].classes == ("cat",)
    assert splits[0].note == "1 class from subfolders: cat."


def test_a_hidden_folder_can_be_the_data_set(tmp_path: Path) -> None:
    paint(tmp_path / ".photos", 4)
    assert len(find_images(tmp_path / ".photos")) == 4


@links
def test_linked_class_folders_are_followed(tmp_path: Path) -> None:
    for name, value in (("cat", 0), ("dog", 100)):
        paint(tmp_path / "real" / name, 12, value)
    (tmp_path / "linked").mkdir()
    for name in ("cat", "dog"):
        (tmp_path / "linked" / name).symlink_to(tmp_path / "real" / name)
    assert values(*load_all(tmp_path / "linked")) == [*range(12), *range(100, 112)]
    assert load(tmp_path / "linked").classes == ("cat", "dog")


@links
def test_each_real_folder_is_read_once_by_its_own_name(tmp_path: Path) -> None:
    paint(tmp_path / "photos" / "cat", 3)
    paint(tmp_path / "elsewhere", 2)
    (tmp_path / "photos" / "a-cat").symlink_to(tmp_path / "photos" / "cat")
    (tmp_path / "photos" / "cat" / "loop").symlink_to(tmp_path / "photos")
    (tmp_path / "photos" / "up").symlink_to(tmp_path)
    for name in ("dog", "dog-again"):
        (tmp_path / "photos" / name).symlink_to(tmp_path / "elsewhere")
    names = [path.relative_to(tmp_path / "photos").parts[0] for path in find_images(tmp_path / "photos")]
    assert names == ["cat"] * 3 + ["dog"] * 2


@links
def test_a_link_to_itself_is_passed_over(tmp_path: Path) -> None:
    paint(tmp_path, 4)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    assert len(find_images(tmp_path)) == 4


def test_other_formats_are_counted_by_suffix(tmp_path: Path) -> None:
    paint(tmp_path, 4)
    for suffix, number in (("heic", 40), ("JP2", 2), ("txt", 9)):
        for index in range(number):
            (tmp_path / f"{index}.{suffix}").write_bytes(b"x")
    assert load(tmp_path).note == "42 files of other formats left out: 40 .heic, 2 .jp2."
    (tmp_path / "only").mkdir()
    (tmp_path / "only" / "a.avif").write_bytes(b"x")
    with pytest.raises(DataError, match="contains no image.*1 .avif"):
        find_images(tmp_path / "only")
    assert describe_left_out(tmp_path / "only") == "1 file of other formats left out: 1 .avif."


@pytest.mark.parametrize("suffix", ["jfif", "jpe", "JPG"])
def test_all_suffixes_of_jpeg_are_read(suffix: str, tmp_path: Path) -> None:
    for index in range(3):
        Image.new("L", (9, 9), 90).save(tmp_path / f"{index}.{suffix}", "JPEG")
    assert sum(map(len, load_all(tmp_path))) == 3


def test_all_16_bit_images_of_a_folder_share_one_white_level(tmp_path: Path) -> None:
    for index, value in enumerate((400, 800, 1_600, 4_000)):
        Image.fromarray(np.full((9, 9), value, np.uint16)).save(tmp_path / f"{index}.png")
    splits = load_all(tmp_path)
    assert values(*splits) == [round(value / 4_095 * 255) for value in (400, 800, 1_600, 4_000)]
    assert all(images.note.startswith("White is 4,095 (12 bits).") for images in splits)


def test_big_endian_16_bit_images_are_gray(tmp_path: Path) -> None:
    import tifffile

    for index in range(3):
        tifffile.imwrite(tmp_path / f"{index}.tif", np.full((9, 9), 65_535, ">u2"), byteorder=">")
    assert {images.shape for images in load_all(tmp_path)} == {(1, 8, 8)}


def test_transparent_pixels_of_dark_images_become_white_and_are_noted(tmp_path: Path) -> None:
    ink = np.zeros((64, 64, 4), np.uint8)
    ink[10:54, 28:36, 3] = 255
    for index in range(12):
        Image.fromarray(ink).save(tmp_path / f"{index}.png")
    train = load(tmp_path)
    assert train.images.max() == 255
    assert train.note == f"Transparent pixels of {len(train)} dark images became white."


def test_a_folder_with_too_few_images_has_a_note(tmp_path: Path) -> None:
    paint(tmp_path, 1)
    assert all("splits share images" in images.note for images in load_all(tmp_path))
    paint(tmp_path, 3)
    assert all(images.note == "" for images in load_all(tmp_path))


@pytest.mark.parametrize("name", ["folder:.", "folder:./", "folder:../here", "folder:./../here"])
def test_paths_with_dots_are_relative_to_the_working_directory(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paint(tmp_path / "root", 4, 10)
    paint(tmp_path / "here", 4, 200)
    monkeypatch.chdir(tmp_path / "here")
    assert load_dataset(name, root=tmp_path / "root").images.min() >= 200


@pytest.mark.parametrize("name", ["folder:", "folder:@64", "folder:a\0b", "folder:~nobody-here/x", "folder:a@9999"])
def test_impossible_folders_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(DaeError):
        load_dataset(name, root=tmp_path)
    with pytest.raises(DaeError):
        is_available(name, tmp_path)


def test_a_folder_whose_name_ends_in_a_size_is_found(tmp_path: Path) -> None:
    paint(tmp_path / "pic@64", 4)
    assert load_dataset(f"folder:{tmp_path}/pic@64").shape == (1, 32, 32)
    assert load_dataset(f"folder:{tmp_path}/pic@64@16").shape == (1, 16, 16)
    paint(tmp_path / "pic", 4)
    assert load_dataset(f"folder:{tmp_path}/pic@64").shape == (1, 64, 64)


def test_a_path_without_the_folder_prefix_raises_an_error_with_the_fix(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=f"write folder:{tmp_path}"):
        load_dataset(str(tmp_path))


@pytest.mark.skipif(os.name == "nt", reason="names are UTF-16 on Windows")
def test_folder_names_that_are_not_utf8_are_read(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    paint(folder / os.fsdecode(b"\xe9t\xe9"), 12)
    images = load(folder)
    assert images.classes == (os.fsdecode(b"\xe9t\xe9"),) and len(images) >= 8
    assert is_available(f"folder:{folder}") and dataset_label(f"folder:{folder}").startswith("Folder caf")
