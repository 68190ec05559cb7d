"""Photographs of `photos:PATH` at their own size, to measure models on; `load_dataset` returns their central tiles."""

from collections import defaultdict
from pathlib import Path

import torch
from torch import Tensor

from dae.data.datasets import FOLDER_KINDS, data_root
from dae.data.folder_files import resolve_folder
from dae.data.image_folder import read_whole_images
from dae.data.image_set import ImageSet, check_limit
from dae.errors import DataError


def load_whole_photographs(name: str, *, root: Path | str | None = None, limit: int | None = None) -> list[ImageSet]:
    """Return the photographs of the test split at their own size, a set of uint8 images (N, C, H, W) per size.

    Unreadable files are skipped and noted.

    Args:
        name: `photos:PATH`; its `@SIZE` has no effect.
        root: the data root, see `data_root`.
        limit: return the first photographs only, in the order of their paths.

    Raises:
        SpecError: the limit is below 1.
        DataError: no photograph of the split can be read.
    """
    check_limit(limit)
    folder, _ = resolve_folder(name, data_root(root), FOLDER_KINDS["photos"].default_size)
    by_shape: dict[tuple[int, ...], list[Tensor]] = defaultdict(list)
    photographs, note = read_whole_images(folder, "test", limit)
    for pixels in photographs:
        image = torch.from_numpy(pixels.reshape(*pixels.shape[:2], -1).copy()).permute(2, 0, 1)
        by_shape[image.shape].append(image)
    if not by_shape:
        raise DataError(f"No photograph of the test split in {folder} can be read. Replace the files.")
    return [
        ImageSet(name, "test", torch.stack(images), torch.zeros(len(images), dtype=torch.int64), ("all",), note)
        for images in by_shape.values()
    ]
