"""Data sets of photographs at their own size, cut into overlapping tiles of one size.

Training draws its crops from the tiles (`TrainConfig.crop`). Neighboring tiles overlap by at least `OVERLAP` pixels, or
two thirds of a smaller tile, so every crop of up to that size lies within a tile, and one pass over the tiles sees each
photograph as often as its area demands.
"""

import math
from collections.abc import Iterator

import numpy as np
from PIL import Image

# A multiple of 32, so that models see whole blocks at every scale.
TILE = 192
OVERLAP = 64


def cut_tiles(image: Image.Image, size: int, split: str) -> Iterator[np.ndarray]:
    """Yield evenly spaced tiles that cover a photograph, uint8 (size, size) or (size, size, 3).

    Splits other than "train" contain only the central tile, so that scores are quick and their images independent.
    A photograph smaller than a tile is extended by reflection.
    """
    pixels = np.asarray(image)
    missing = [(0, max(size - side, 0)) for side in pixels.shape[:2]] + [(0, 0)] * (pixels.ndim - 2)
    padded = np.pad(pixels, missing, "symmetric")
    tops, lefts = (_offsets(side, size, central=split != "train") for side in padded.shape[:2])
    for top in tops:
        for left in lefts:
            yield padded[top : top + size, left : left + size]


def _offsets(side: int, size: int, central: bool) -> list[int]:
    if central:
        return [(side - size) // 2]
    count = 1 + math.ceil((side - size) / max(size - OVERLAP, size // 3))
    return [round(offset) for offset in np.linspace(0, side - size, count)]
