"""How many pictures to compute with at once, so that large ones take no more memory than many small ones."""

import math
from collections.abc import Sequence

_VALUES = 1 << 20  # of pixels and channels: what a network or a metric makes of them takes some hundred times as much


def at_once(shape: Sequence[int], most: int, values: int = _VALUES) -> int:
    """`most`, or fewer where images of this shape, (C, H, W), would come to more than so many values; at least 1."""
    return max(1, min(most, values // math.prod(shape)))
