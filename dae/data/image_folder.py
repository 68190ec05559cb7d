"""Data sets from folders of images, packed into one array file."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps
from tqdm import tqdm

from dae.data.folder_files import describe_left_out, find_images
from dae.data.folder_splits import assign_splits, split_subfolders
from dae.data.image_decoding import (
    DecodedImage,
    decode_pixels,
    deep_white_level,
    describe_white,
    is_deep,
    is_gray,
    open_image,
)
from dae.data.image_formats import check_scans
from dae.data.image_set import pack_labels
from dae.errors import DataError
from dae.utils.text import counted

# Maximum number of unreadable files that the note lists by name.
_MAX_NAMED_FILES = 5
_MAX_NAMED_CLASSES = 6


def folder_fingerprint(folder: Path) -> str:
    """Return a text that changes when an image is added, removed or modified."""
    stats = [(path.relative_to(folder).as_posix(), path.stat()) for path in find_images(folder)]
    return json.dumps([(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats] + [describe_left_out(folder)])


# Cuts an upright image into squares of a size, for a split: uint8 arrays (size, size) or (size, size, 3).
Cut = Callable[[Image.Image, int, str], Iterable[np.ndarray]]


def fit_square(image: Image.Image, size: int, split: str) -> list[np.ndarray]:
    """Crop an image to a centered square and resize it to `size` pixels."""
    return [np.asarray(ImageOps.fit(image, (size, size), Image.Resampling.LANCZOS))]


def pack_folder(folder: Path, split: str, size: int, target: Path, cut: Cut) -> None:
    """Write one split of an image folder into `target` as images.npy, labels.npy and about.json.

    See `dae.data.folder_splits` for the splits. Subfolders are classes. All splits are grayscale if most images of the
    folder are, else RGB. Unreadable files are skipped and noted.

    Raises:
        DataError: no image of the split can be read.
    """
    paths, base, classes, notes = _list_split(folder, split)
    # Shuffled, so that the first images cover all classes.
    order = np.random.default_rng(0).permutation(len(paths))
    labels: list[int] = []
    unreadable: list[str] = []
    num_on_white = 0
    format = _folder_format(folder, folder_fingerprint(folder))
    shape = (1 if format.mode == "L" else 3, size, size)
    with (target / "images.npy").open("wb") as file:
        _write_npy_header(file, (0, *shape))
        for path in tqdm([paths[index] for index in order], f"Reading {split} images", leave=False, disable=None):
            try:
                decoded = _decode(path, format)
            except (DataError, OSError):
                unreadable.append(path.relative_to(base).as_posix())
                continue
            for square in cut(decoded.image, size, split):
                file.write(square.reshape(size, size, -1).transpose(2, 0, 1).tobytes())
                labels.append(classes.index(_class_name(path, base)))
            num_on_white += decoded.on_white
        file.seek(0)
        _write_npy_header(file, (len(labels), *shape))
    if not labels:
        raise DataError(f"None of the {len(paths)} image files for {split} in {folder} can be read. Replace them.")
    if num_on_white:
        notes.append(f"Transparent pixels of {counted(num_on_white, 'dark image')} became white.")
    notes = [_describe_unreadable(unreadable), describe_left_out(folder), *format.notes, *notes]
    pack_labels(target, np.asarray(labels, dtype=np.int64), classes, " ".join(filter(None, notes)))


def read_whole_images(folder: Path, split: str, limit: int | None) -> tuple[list[np.ndarray], str]:
    """Read the first images of a split at their own size, by path, in the format of `pack_folder`.

    Returns:
        The images, uint8 (H, W) or (H, W, 3), and a note on the split and on the files that cannot be read, often "".

    Raises:
        DataError: the folder does not exist or contains no image.
    """
    paths, base, _, notes = _list_split(folder, split)
    format = _folder_format(folder, folder_fingerprint(folder))
    images, unreadable = [], []
    for path in paths[:limit]:
        try:
            images.append(np.asarray(_decode(path, format).image))
        except (DataError, OSError):
            unreadable.append(path.relative_to(base).as_posix())
    return images, " ".join(filter(None, [_describe_unreadable(unreadable), *notes]))


@dataclass(frozen=True)
class _FolderFormat:
    """The common format of all images of a folder.

    Attributes:
        mode: "L" or "RGB", that of most images.
        white_integer: white of the images with more than 8 bits, None if there are none.
        white_float: white of the images with float values, None if there are none.
        notes: sentences for the user.
    """

    mode: str
    white_integer: float | None
    white_float: float | None
    notes: tuple[str, ...]


@lru_cache(maxsize=8)
def _folder_format(folder: Path, _fingerprint: str) -> _FolderFormat:
    """Return the common format of the images, from their headers and the values of those with more than 8 bits."""
    num_gray, num_color = 0, 0
    whites: dict[bool, float] = {}
    for path in find_images(folder):
        try:
            with open_image(path) as image:
                # Values of an image whose range is unknown must not change that of the others.
                if is_deep(image):
                    is_float = image.mode == "F"
                    whites[is_float] = max(whites.get(is_float, 0.0), deep_white_level(image))
                num_gray, num_color = num_gray + is_gray(image), num_color + (not is_gray(image))
        except DataError:
            continue
    notes = [describe_white(white) for white in dict.fromkeys(whites.values())]
    num_converted = min(num_gray, num_color)
    is_gray_folder = num_gray > num_color
    if num_converted:
        change = "color to gray" if is_gray_folder else "gray to color"
        notes.append(f"{counted(num_converted, 'image')} converted from {change}.")
    return _FolderFormat("L" if is_gray_folder else "RGB", whites.get(False), whites.get(True), tuple(notes))


def _decode(path: Path, format: _FolderFormat) -> DecodedImage:
    """Decode a file in the format of its folder; raise DataError or OSError if it cannot be read."""
    content = path.read_bytes()
    check_scans(content)
    with open_image(content) as image:
        decoded = decode_pixels(image, format.white_float if image.mode == "F" else format.white_integer)
        return replace(decoded, image=decoded.image.convert(format.mode))


def _write_npy_header(file: BinaryIO, shape: tuple[int, ...]) -> None:
    """Write the header of a uint8 array; its length is the same for every number of images."""
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})


def _describe_unreadable(names: list[str]) -> str:
    if not names:
        return ""
    listed = ", ".join(sorted(names)[:_MAX_NAMED_FILES]) + (" and others" if len(names) > _MAX_NAMED_FILES else "")
    return f"{counted(len(names), 'unreadable file')} skipped: {listed}."


def _list_split(folder: Path, split: str) -> tuple[list[Path], Path, list[str], list[str]]:
    """Return the image files of a split, the folder that contains its classes, the classes of all splits, and notes."""
    subfolders = split_subfolders(folder)
    if not subfolders:
        paths, base, held_out = find_images(folder), folder, ["validation", "test"]
        classes = sorted({_class_name(path, folder) for path in paths})
    else:
        images = {name: find_images(base) for name, base in subfolders.items()}
        classes = sorted({_class_name(path, subfolders[name]) for name, paths in images.items() for path in paths})
        if split != "train" and split in images:
            return images[split], subfolders[split], classes, [_describe_classes(classes)]
        held_out = [name for name in ("validation", "test") if name not in images]
        paths, base = images["train"], subfolders["train"]
    notes = [_describe_classes(classes)]
    assigned = assign_splits(paths, base, held_out)
    if not all(assigned.values()):
        notes += [f"Too few images ({len(paths)}) to hold any out: splits share images, so scores say little."]
    return assigned[split] or paths, base, classes, notes


def _describe_classes(classes: Sequence[str]) -> str:
    if classes == ["all"]:
        return ""
    names = ", ".join(classes[:_MAX_NAMED_CLASSES]) + (" and others" if len(classes) > _MAX_NAMED_CLASSES else "")
    return f"{len(classes)} class{'es' if len(classes) > 1 else ''} from subfolders: {names}."


def _class_name(path: Path, base: Path) -> str:
    return path.relative_to(base).parts[0] if path.parent != base else "all"
