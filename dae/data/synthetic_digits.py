"""Synthetic handwritten digits, 28 x 28, in the style of MNIST; no files, no download.

A digit is a glyph from GLYPHS. Its control points and the pressure of the pen wobble, Catmull-Rom curves join the
points, a smooth warp adds slant, rotation and proportions, and a round pen draws it, white (255) on black (0), with
soft edges. As in MNIST, the ink is scaled to fit a 20 x 20 box and shifted by whole pixels until its center of mass is
nearest to pixel (14, 14), counted from 0.

The same seed gives the same bytes on every machine: the arithmetic is limited to elementwise + - * / sqrt, min and max,
for which IEEE 754 defines exactly one result, and the center of mass is summed in integers.
"""

import math
from bisect import bisect_right
from functools import cache
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from dae.errors import DataError

IMAGE_SIZE = 28
COUNTS = {"train": 60_000, "test": 10_000}

INK_BOX = 20
BLOCK = 500  # digits per random stream
SAMPLES = 64  # pen positions along a glyph, about one pixel apart

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
Pixels = NDArray[np.uint8]

# Digit, weight out of twelve, and strokes. A control point is two decimal digits, x
# and y, on a 10 x 10 grid with y pointing down. A repeated point is a sharp corner,
# and "|" lifts the pen.
GLYPHS = [
    (0, 4, "51 22 15 27 49 78 85 72 51 41"),
    (0, 4, "61 30 13 17 49 78 84 72 50 30"),
    (0, 2, "50 32 25 37 59 77 74 62 50"),
    (0, 2, "50 11 04 28 59 88 94 71 40"),
    (1, 8, "50 59"),
    (1, 1, "60 54 49"),
    (1, 1, "32 50 50 59"),
    (1, 1, "32 50 50 59 | 29 79"),
    (1, 1, "50 59 | 39 69"),
    (2, 2, "22 30 60 73 64 46 29 29 59 89"),
    (2, 3, "12 30 60 72 55 28 28 59 99"),
    (2, 3, "22 40 61 63 46 28 18 07 26 48 79 88"),
    (2, 3, "12 30 61 63 46 19 29 37 48 79 98"),
    (2, 1, "21 71 71 29 29 79"),
    (3, 5, "21 50 72 54 44 44 54 76 69 49 28"),
    (3, 3, "21 50 71 53 34 44 54 77 59 28"),
    (3, 2, "20 70 70 43 43 65 77 59 28"),
    (3, 2, "12 40 61 53 44 44 65 77 59 18"),
    (4, 4, "30 25 25 75 85 | 70 69"),
    (4, 4, "20 24 35 74 | 71 65 59"),
    (4, 1, "60 15 15 85 | 60 69"),
    (4, 2, "20 14 34 64 71 71 59"),
    (4, 1, "70 25 25 85 | 63 59"),
    (5, 4, "80 30 30 24 24 53 75 67 49 18"),
    (5, 4, "40 34 34 54 75 77 59 18 | 40 90"),
    (5, 3, "90 41 33 44 65 67 49 18"),
    (5, 1, "90 60 34 54 66 68 49 18"),
    (6, 4, "60 33 15 18 49 78 76 55 26"),
    (6, 4, "50 32 25 27 49 78 76 54 36 28"),
    (6, 2, "70 43 26 29 59 77 65 36 28"),
    (6, 2, "60 43 27 39 59 67 56 47 49"),
    (7, 4, "21 81 81 55 49"),
    (7, 3, "20 70 70 54 39"),
    (7, 2, "21 71 71 49 | 34 75"),
    (7, 1, "23 21 21 71 71 49"),
    (7, 2, "12 31 51 80 64 49"),
    (8, 5, "72 50 31 33 54 67 68 49 28 27 44 62 71"),
    (8, 4, "50 31 33 44 65 68 49 28 27 44 63 61 50"),
    (8, 3, "81 51 32 44 67 68 49 28 36 54 72 80"),
    (9, 5, "72 50 21 23 45 64 72 72 69"),
    (9, 2, "71 50 31 23 45 64 72 72 75 68 49 28"),
    (9, 3, "72 50 22 24 54 72 72 49"),
    (9, 2, "60 31 23 34 63 61 60 72 65 59"),
]


class _Glyphs(NamedTuple):
    """GLYPHS as arrays, glyphs last: G glyphs with up to K control points, S samples along each."""

    deck: Integers  # (120,), each glyph as often as its weight, so that every digit is equally likely
    digit: Integers  # (G,)
    points: Floats  # (2, K, G), x and y on the grid
    neighbors: Integers  # (4, S, G), the four control points of each sample
    weights: Floats  # (4, S, G), their Catmull-Rom weights


def _trace(strokes: str) -> tuple[list[tuple[int, int]], list[list[int]], list[list[float]]]:
    """Return the control points of a glyph, and `neighbors` and `weights` of samples evenly spaced along it."""
    points: list[tuple[int, int]] = []
    segments: list[list[int]] = []
    for stroke in strokes.split("|"):
        path: list[int] = []
        for token in stroke.split():
            point = (int(token[0]), int(token[1]))
            if not path or point != points[-1]:
                points.append(point)
            path.append(len(points) - 1)
        ends = [path[0], *path, path[-1]]
        segments += [ends[i : i + 4] for i in range(len(path) - 1) if path[i] != path[i + 1]]

    steps = [(points[c][0] - points[b][0], points[c][1] - points[b][1]) for _, b, c, _ in segments]
    lengths = [math.sqrt(dx * dx + dy * dy) for dx, dy in steps]
    # Not sum(), which rounds differently since Python 3.12.
    arcs = list(accumulate(lengths, initial=0.0))
    neighbors, weights = [], []
    for k in range(SAMPLES):
        arc = arcs[-1] * k / (SAMPLES - 1)
        i = min(bisect_right(arcs, arc), len(segments)) - 1
        t = (arc - arcs[i]) / lengths[i]
        before, start = t * (t * (2 - t) - 1) / 2, (t * t * (3 * t - 5) + 2) / 2
        end, after = t * (t * (4 - 3 * t) + 1) / 2, t * t * (t - 1) / 2
        neighbors.append(segments[i])
        weights.append([before, start, end, after])
    return points, neighbors, weights


@cache
def _glyphs() -> _Glyphs:
    traces = [_trace(strokes) for _, _, strokes in GLYPHS]
    longest = max(len(points) for points, _, _ in traces)
    padded = [points + [(0, 0)] * (longest - len(points)) for points, _, _ in traces]
    return _Glyphs(
        deck=np.repeat(np.arange(len(GLYPHS)), [weight for _, weight, _ in GLYPHS]),
        digit=np.array([digit for digit, _, _ in GLYPHS], dtype=np.int64),
        points=np.array(padded, dtype=np.float32).T,
        neighbors=np.array([neighbors for _, neighbors, _ in traces], dtype=np.int64).T,
        weights=np.array([weights for _, _, weights in traces], dtype=np.float32).T,
    )


def _draw_block(split: str, block: int, seed: int) -> tuple[Pixels, Integers]:
    """Return images (BLOCK, 28, 28) and labels (BLOCK,); digits are the last axis until the end."""
    rng = np.random.Generator(np.random.PCG64([seed, list(COUNTS).index(split), block]))

    def uniform(low: float, high: float, *shape: int) -> Floats:
        return rng.random((*shape, BLOCK), dtype=np.float32) * (high - low) + low

    def bell(std: float, *shape: int) -> Floats:
        """Sample approximately Gaussian values: the sum of three uniforms in [-1, 1] has unit variance."""
        return (uniform(-1, 1, *shape) + uniform(-1, 1, *shape) + uniform(-1, 1, *shape)) * std

    table = _glyphs()
    glyph = table.deck[rng.integers(len(table.deck), size=BLOCK)]
    # Unlike indexing, take() keeps the digits contiguous, which the loop below needs.
    points = table.points.take(glyph, axis=2)
    neighbors, weights = table.neighbors.take(glyph, axis=2), table.weights.take(glyph, axis=2)

    def interpolate(values: Floats) -> Floats:
        """Interpolate values at the control points (K, BLOCK) along the glyph: (S, BLOCK)."""
        a, b, c, d = (np.take_along_axis(values, neighbors[i], axis=0) * weights[i] for i in range(4))
        total: Floats = a + b + c + d
        return total

    # Neighboring points share half of their wobble. Independent wobble would kink curves.
    haste = uniform(0.4, 1.2)
    wobble = bell(0.4, 2, points.shape[1] + 1)
    points = points + (wobble[:, 1:] + wobble[:, :-1]) * haste
    x, y = interpolate(points[0]) * (2 / 9) - 1, interpolate(points[1]) * (2 / 9) - 1

    # The warp: proportions, then slant (mostly to the right), rotation, bend and taper.
    x = x * (1 + bell(0.22))
    x, y = (
        x + (0.12 + bell(0.27)) * -y + bell(0.12) * y * y + bell(0.15) * x * y,
        y + bell(0.12) * x + bell(0.10) * x * x + bell(0.12) * x * y,
    )

    # Radius of the pen in pixels, then its square along the line, which varies with pressure.
    heavy = uniform(0, 1)
    radius = 0.7 + 0.65 * uniform(0, 1) + 0.85 * heavy * heavy
    square = radius * radius * (1 + interpolate(bell(0.25, points.shape[1]) * haste))
    room = INK_BOX - 2 * np.sqrt(square.max(0))
    scale = room / np.maximum(x.max(0) - x.min(0), y.max(0) - y.min(0))
    x, y = x * scale, y * scale
    x, y = (v - (v.max(0) + v.min(0)) * 0.5 + (INK_BOX - 1) / 2 for v in (x, y))

    # Squared distance minus squared radius is negative under the pen, and is the sum of a
    # column term and a row term.
    pixel = np.arange(INK_BOX, dtype=np.float32).reshape(-1, 1, 1)
    across, down = pixel - x, pixel - y
    across, down = across * across - square, down * down
    outside = np.full((INK_BOX, INK_BOX, BLOCK), np.inf, dtype=np.float32)
    dab = np.empty_like(outside)
    for k in range(SAMPLES):
        np.add(down[:, None, k], across[None, :, k], out=dab)
        np.minimum(outside, dab, out=outside)
    # Width of the soft edge in pixels. A wider edge would turn thin lines gray.
    edge = np.minimum(uniform(0.6, 1.2), radius)
    ink = (0.5 - outside / (2 * radius * edge)).clip(0, 1) * 255 + 0.5
    return center(ink.astype(np.uint8).transpose(2, 0, 1)), table.digit[glyph]


def center(ink: Pixels) -> Pixels:
    """Place ink (N, 20, 20), uint8, into images (N, 28, 28) by its center of mass, so that the ink box stays inside."""
    margin = IMAGE_SIZE - INK_BOX
    mass = ink.sum((1, 2), dtype=np.int64)

    def window(profile: Integers) -> Integers:
        """Return the indices (N, 28) along one axis of the padded ink that the image shows."""
        moment = (profile * np.arange(INK_BOX)).sum(1)
        mean = (2 * moment + mass) // (2 * mass)  # rounded
        start: Integers = margin - (IMAGE_SIZE // 2 - mean).clip(0, margin)
        return start[:, None] + np.arange(IMAGE_SIZE)

    rows, columns = window(ink.sum(2, dtype=np.int64)), window(ink.sum(1, dtype=np.int64))
    padded = np.pad(ink, ((0, 0), (margin, margin), (margin, margin)))
    return padded[np.arange(len(ink))[:, None, None], rows[:, :, None], columns[:, None, :]]


def draw_digits(split: str, start: int, stop: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw the digits with indices `start` to `stop` (exclusive) of a split.

    An index gives the same digit in every range, and another digit under another seed.

    Returns:
        Images, uint8 (N, 1, 28, 28) from 0 (paper) to 255 (ink), and labels, int64 (N,).

    Raises:
        DataError: the split is unknown, the range leaves the split, or the seed is negative.
    """
    if split not in COUNTS:
        raise DataError(f"There is no split {split!r} of the synthetic digits. Choose from: {', '.join(COUNTS)}.")
    if not 0 <= start <= stop <= COUNTS[split]:
        raise DataError(
            f"Range {start} to {stop} is invalid for the {split} digits. Choose 0 <= start <= stop <= {COUNTS[split]}."
        )
    if seed < 0:
        raise DataError(f"Seed {seed} is negative. Use 0 or more.")
    first = start // BLOCK
    blocks = [_draw_block(split, block, seed) for block in range(first, max(stop - 1, start) // BLOCK + 1)]
    requested = slice(start - first * BLOCK, stop - first * BLOCK)
    images, labels = (np.concatenate(arrays)[requested] for arrays in zip(*blocks, strict=True))
    return torch.from_numpy(images)[:, None], torch.from_numpy(labels)
