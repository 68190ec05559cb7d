"""Any folder of pictures as a data set, packed once into one array file that is memory-mapped."""

import json
import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from dae.errors import DataError
from dae.pictures import FORMATS, UNREADABLE, plain

_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif"}
_GREY_MODES = {"1", "L", "LA", "I", "I;16", "F"}
_NAMED = 5  # how many unreadable files are named before the rest is only counted


def pictures(folder: Path) -> list[Path]:
    """The picture files below `folder`, by their suffix, in the order of their names.

    Raises:
        DataError: there is no such folder, or no picture in it.
    """
    if not os.path.isdir(folder):  # unlike Path.is_dir, also false for a name that no disk takes
        raise DataError(f"There is no folder {folder}. Name a folder of pictures, for example folder:photos.")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file())
    if not found:
        raise DataError(f"The folder {folder} holds no picture. Supported: {', '.join(sorted(_SUFFIXES))}.")
    return found


def fingerprint(folder: Path) -> str:
    """Changes when a picture is added, removed or touched."""
    stats = [(path.relative_to(folder).as_posix(), path.stat()) for path in pictures(folder)]
    return json.dumps([(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats])


def pack(folder: Path, split: str, size: int, target: Path) -> None:
    """Write images.npy, labels.npy and about.json of one split into `target`.

    Folders `train` and `test` are the splits where both are there; else every tenth picture is for testing. Folders
    below are the classes. Each picture is cropped to a square at its centre and resized. All of both splits become
    grey where the first picture of the folder is grey, else colour. Unreadable files are skipped, counted and named.

    Raises:
        DataError: no picture of the split can be read.
    """
    chosen, base, classes = _split(folder, split)
    order = np.random.default_rng(0).permutation(len(chosen))  # so that the first few are of every class
    chosen = [chosen[place] for place in order]
    images, labels, bad = _read(chosen, base, classes, size, _mode(folder), target / "images.npy")
    if images == 0:
        raise DataError(f"None of the {len(chosen)} picture files for {split} in {folder} can be read.")
    np.save(target / "labels.npy", labels)
    note = ""
    if bad:
        named = ", ".join(sorted(bad)[:_NAMED]) + (" and others" if len(bad) > _NAMED else "")
        note = f"{len(bad)} unreadable file{'s' if len(bad) > 1 else ''} skipped: {named}."
    (target / "about.json").write_text(json.dumps({"classes": classes, "note": note}))


def _split(folder: Path, split: str) -> tuple[list[Path], Path, list[str]]:
    """The pictures of a split, the folder they lie under, and the classes, which all splits share."""
    if (folder / "train").is_dir() and (folder / "test").is_dir():
        both = [(path, folder / part) for part in ("train", "test") for path in pictures(folder / part)]
        classes = sorted({_class(path, base) for path, base in both})
        return pictures(folder / split), folder / split, classes
    every = pictures(folder)
    test = every[::10]
    chosen = test if split == "test" else [path for number, path in enumerate(every) if number % 10]
    return chosen or every, folder, sorted({_class(path, folder) for path in every})


def _class(path: Path, base: Path) -> str:
    return path.relative_to(base).parts[0] if path.parent != base else "all"


def _mode(folder: Path) -> str:
    """What all pictures of the folder become, as Pillow calls it."""
    for path in pictures(folder):
        try:
            with Image.open(path, formats=FORMATS) as picture:
                return "L" if picture.mode in _GREY_MODES else "RGB"
        except UNREADABLE:
            continue
    return "RGB"


def _read(
    paths: list[Path], base: Path, classes: list[str], size: int, mode: str, out: Path
) -> tuple[int, np.ndarray, list[str]]:
    """Fill the array file picture by picture; what is not needed for unreadable ones is cut off in the end."""
    labels: list[int] = []
    bad: list[str] = []
    images: np.memmap | None = None
    for path in paths:
        try:
            with Image.open(path, formats=FORMATS) as picture:
                upright = plain(ImageOps.exif_transpose(picture)).convert(mode)
                square = ImageOps.fit(upright, (size, size), Image.Resampling.LANCZOS)
        except UNREADABLE:
            bad.append(path.relative_to(base).as_posix())
            continue
        if images is None:
            channels = 1 if mode == "L" else 3
            images = np.lib.format.open_memmap(out, "w+", np.uint8, (len(paths), channels, size, size))
        images[len(labels)] = np.atleast_3d(np.asarray(square)).transpose(2, 0, 1)
        labels.append(classes.index(_class(path, base)))
    if images is not None and bad:
        kept = out.with_suffix(".kept")
        whole = np.lib.format.open_memmap(kept, "w+", np.uint8, (len(labels), *images.shape[1:]))
        for start in range(0, len(labels), 4096):
            whole[start : start + 4096] = images[start : min(start + 4096, len(labels))]
        whole.flush()
        kept.replace(out)
    elif images is not None:
        images.flush()
    return len(labels), np.asarray(labels, dtype=np.int64), bad
