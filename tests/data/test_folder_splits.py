"""The splits of a folder: the usual names of subfolders, else a hash of the path."""

from pathlib import Path

import pytest

from dae.data.folder_splits import assign_splits, split_subfolders

HELD_OUT = ("validation", "test")
PATHS = [Path(f"/folder/{number:03d}.png") for number in range(300)]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("train", "val"), {"train", "validation"}),
        (("Train", "Test"), {"train", "test"}),
        (("TRAINING", "Validation", "testing"), {"train", "validation", "test"}),
        (("train", "cats"), set()),
        (("train",), set()),
        (("val", "test"), set()),
    ],
)
def test_common_split_names_of_subfolders_are_recognized_in_any_case(
    names: tuple[str, ...], expected: set[str], tmp_path: Path
) -> None:
    for name in names:
        (tmp_path / name).mkdir()
    assert set(split_subfolders(tmp_path)) == expected


def test_a_file_does_not_hide_the_folder_of_its_split(tmp_path: Path) -> None:
    for name in ("train", "test"):
        (tmp_path / name).mkdir()
    (tmp_path / "training").write_text("how it went")
    assert split_subfolders(tmp_path) == {name: tmp_path / name for name in ("train", "test")}


def test_every_image_belongs_to_one_split_and_a_tenth_is_held_out_for_each() -> None:
    splits = assign_splits(PATHS, Path("/folder"), HELD_OUT)
    assert sorted(path for paths in splits.values() for path in paths) == PATHS
    assert all(15 <= len(splits[name]) <= 45 for name in HELD_OUT)


def test_added_images_move_no_existing_image_to_another_split() -> None:
    before, after = (assign_splits(paths, Path("/folder"), HELD_OUT) for paths in (PATHS[:200], PATHS))
    assert all(set(before[name]) <= set(after[name]) for name in ("train", *HELD_OUT))


@pytest.mark.parametrize("count", [3, 4, 5, 9])
def test_small_folders_have_three_splits(count: int) -> None:
    splits = assign_splits(PATHS[:count], Path("/folder"), HELD_OUT).values()
    assert all(splits) and sum(map(len, splits)) == count


def test_a_single_image_is_not_held_out() -> None:
    assert assign_splits(PATHS[:1], Path("/folder"), HELD_OUT) == {"train": PATHS[:1], "validation": [], "test": []}


def test_a_new_image_seldom_moves_others_of_a_small_folder() -> None:
    """A new image moves others only if it falls into a split that would be empty without it."""
    moves = 0
    for count in range(3, 30):
        before, after = (assign_splits(PATHS[:number], Path("/folder"), HELD_OUT) for number in (count, count + 1))
        moves += any(not set(before[name]) <= set(after[name]) for name in before)
    assert moves <= 4
