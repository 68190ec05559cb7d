"""Assign the images of a folder to the training, validation and test split.

A folder that contains `train` and also `val` or `test` is split by these subfolders; usual names are accepted in upper
and lower case. A split without a subfolder is held out of the training images: one image in ten, by a hash of its path,
so a new image moves no other image to another split. In a folder so small that a split would be empty, the split gets
the training image of the lowest hash, which a new image can replace.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

# Names of the subfolders of each split, in lower case.
_SUBFOLDERS = {
    "train": ("train", "training", "trn"),
    "validation": ("validation", "valid", "val", "dev", "eval"),
    "test": ("test", "testing", "tst"),
}
_BUCKETS = 10
_HELD_OUT_BUCKETS = {"test": 0, "validation": 1}


def split_subfolders(folder: Path) -> dict[str, Path]:
    """Return the subfolder of each split; empty unless there is one for training and one for another split.

    Of several for the same split, such as `val` and `valid`, the last by name counts.
    """
    split_of = {name: split for split, names in _SUBFOLDERS.items() for name in names}
    folders = [path for path in sorted(folder.iterdir()) if path.name.lower() in split_of and path.is_dir()]
    subfolders = {split_of[path.name.lower()]: path for path in folders}
    return subfolders if "train" in subfolders and len(subfolders) > 1 else {}


def assign_splits(images: Sequence[Path], folder: Path, held_out: Sequence[str]) -> dict[str, list[Path]]:
    """Return the images of the training split and of each split that is held out of it.

    Args:
        images: paths below `folder`, sorted.
        held_out: "validation" or "test" or both.

    Returns:
        Empty lists for splits for which there are too few images.
    """
    assigned: dict[str, list[Path]] = {"train": [], **{name: [] for name in held_out}}
    split_of_bucket = {_HELD_OUT_BUCKETS[name]: name for name in held_out}
    for path in images:
        assigned[split_of_bucket.get(_hash(path, folder) % _BUCKETS, "train")].append(path)
    for name in held_out:
        # A small folder may leave a bucket empty.
        if not assigned[name] and len(assigned["train"]) > 1:
            first = min(assigned["train"], key=lambda path: _hash(path, folder))
            assigned["train"].remove(first)
            assigned[name].append(first)
    return assigned


def _hash(path: Path, folder: Path) -> int:
    """Return a 64-bit hash of the path below `folder`."""
    relative = path.relative_to(folder).as_posix()
    return int.from_bytes(hashlib.sha256(relative.encode("utf-8", "surrogateescape")).digest()[:8])
