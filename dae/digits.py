"""Hand-drawn-looking digits, 28 x 28, made by code alone: nothing is read from disk, nothing is downloaded.

A digit is a glyph from the table below. Its control points and the pen's pressure wobble, Catmull-Rom
curves join them, a smooth warp gives the whole its slant, turn and proportions, and a round pen inks it,
white (255) on black (0), with soft edges. Placement follows MNIST: the ink is scaled to fit a 20 x 20 box,
then moved by whole pixels until its centre of mass lies nearest to the pixel in row 14, column 14, from 0.

The same seed gives the same bytes on every machine: the arithmetic keeps to elementwise + - * / sqrt, min
and max, which IEEE 754 rounds in one way only, and the centre of mass is summed in integers.
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
BLOCK = 500  # digits drawn together, from a random stream of their own
SAMPLES = 64  # pen positions along a glyph, about a pixel apart at most

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
Pixels = NDArray[np.uint8]

# How each digit is written: the digit, how often out of twelve, and the strokes. A control point is two
# figures, x then y, on a 10 x 10 grid with y pointing down. A repeated point is a sharp corner, and "|"
# lifts the pen.
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
    """The table as arrays, glyphs last: G glyphs of at most K control points, S samples along each."""

    deck: Integers  # (120,): each glyph as often as its share, which makes every digit equally likely
    digit: Integers  # (G,)
    points: Floats  # (2, K, G): x and y on the grid
    near: Integers  # (4, S, G): the four control points that shape a sample
    weight: Floats  # (4, S, G): their Catmull-Rom weights


def _trace(strokes: str) -> tuple[list[tuple[int, int]], list[list[int]], list[list[float]]]:
    """The control points of one glyph, then `near` and `weight` of samples evenly spaced along it."""
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
    arcs = list(accumulate(lengths, initial=0.0))  # not sum(), which rounds differently since Python 3.12
    near, weight = [], []
    for k in range(SAMPLES):
        arc = arcs[-1] * k / (SAMPLES - 1)
        i = min(bisect_right(arcs, arc), len(segments)) - 1
        t = (arc - arcs[i]) / lengths[i]
        before, start = t * (t * (2 - t) - 1) / 2, (t * t * (3 * t - 5) + 2) / 2
        end, after = t * (t * (4 - 3 * t) + 1) / 2, t * t * (t - 1) / 2
        near.append(segments[i])
        weight.append([before, start, end, after])
    return points, near, weight


@cache
def _glyphs() -> _Glyphs:
    traces = [_trace(strokes) for _, _, strokes in GLYPHS]
    longest = max(len(points) for points, _, _ in traces)
    padded = [points + [(0, 0)] * (longest - len(points)) for points, _, _ in traces]
    return _Glyphs(
        deck=np.repeat(np.arange(len(GLYPHS)), [share for _, share, _ in GLYPHS]),
        digit=np.array([digit for digit, _, _ in GLYPHS], dtype=np.int64),
        points=np.array(padded, dtype=np.float32).T,
        near=np.array([near for _, near, _ in traces], dtype=np.int64).T,
        weight=np.array([weight for _, _, weight in traces], dtype=np.float32).T,
    )


def _draw_block(split: str, block: int, seed: int) -> tuple[Pixels, Integers]:
    """Images (BLOCK, 28, 28) and labels (BLOCK,) of one block. Digits are the last axis until the end."""
    rng = np.random.Generator(np.random.PCG64([seed, list(COUNTS).index(split), block]))

    def uniform(low: float, high: float, *shape: int) -> Floats:
        return rng.random((*shape, BLOCK), dtype=np.float32) * (high - low) + low

    def bell(deviation: float, *shape: int) -> Floats:
        """Bell-shaped about 0: a sum of three uniforms between -1 and 1 has a standard deviation of 1."""
        return (uniform(-1, 1, *shape) + uniform(-1, 1, *shape) + uniform(-1, 1, *shape)) * deviation

    table = _glyphs()
    glyph = table.deck[rng.integers(len(table.deck), size=BLOCK)]
    # take() leaves the digits contiguous, an index would not, and the loop at the end would crawl.
    points = table.points.take(glyph, axis=2)
    near, weight = table.near.take(glyph, axis=2), table.weight.take(glyph, axis=2)

    def along(values: Floats) -> Floats:
        a, b, c, d = (np.take_along_axis(values, near[i], axis=0) * weight[i] for i in range(4))
        total: Floats = a + b + c + d
        return total

    # Neighbours share half their wobble, as a hand does: independent points would kink every curve.
    haste = uniform(0.4, 1.2)
    wobble = bell(0.4, 2, points.shape[1] + 1)
    points = points + (wobble[:, 1:] + wobble[:, :-1]) * haste
    x, y = along(points[0]) * (2 / 9) - 1, along(points[1]) * (2 / 9) - 1

    # The warp: proportions, then slant (to the right, more often), turn, bend and taper.
    x = x * (1 + bell(0.22))
    x, y = (
        x + (0.12 + bell(0.27)) * -y + bell(0.12) * y * y + bell(0.15) * x * y,
        y + bell(0.12) * x + bell(0.10) * x * x + bell(0.12) * x * y,
    )

    # The pen's radius in pixels for the digit, then its square along the line, which grows with pressure.
    heavy = uniform(0, 1)
    radius = 0.7 + 0.65 * uniform(0, 1) + 0.85 * heavy * heavy
    square = radius * radius * (1 + along(bell(0.25, points.shape[1]) * haste))
    room = INK_BOX - 2 * np.sqrt(square.max(0))
    scale = room / np.maximum(x.max(0) - x.min(0), y.max(0) - y.min(0))
    x, y = x * scale, y * scale
    x, y = (v - (v.max(0) + v.min(0)) * 0.5 + (INK_BOX - 1) / 2 for v in (x, y))

    # Squared distance less squared radius: negative under the pen, and a sum of a column and a row part.
    pixel = np.arange(INK_BOX, dtype=np.float32).reshape(-1, 1, 1)
    across, down = pixel - x, pixel - y
    across, down = across * across - square, down * down
    outside = np.full((INK_BOX, INK_BOX, BLOCK), np.inf, dtype=np.float32)
    dab = np.empty_like(outside)
    for k in range(SAMPLES):
        np.add(down[:, None, k], across[None, :, k], out=dab)
        np.minimum(outside, dab, out=outside)
    edge = np.minimum(uniform(0.6, 1.2), radius)  # pixels from ink to paper: wider would grey a fine line
    ink = (0.5 - outside / (2 * radius * edge)).clip(0, 1) * 255 + 0.5
    return centre(ink.astype(np.uint8).transpose(2, 0, 1)), table.digit[glyph]


def centre(ink: Pixels) -> Pixels:
    """Ink (N, 20, 20), uint8, placed in (N, 28, 28) by its centre of mass, as far as the box stays inside."""
    margin = IMAGE_SIZE - INK_BOX
    mass = ink.sum((1, 2), dtype=np.int64)

    def window(profile: Integers) -> Integers:
        """Along one axis, the places (N, 28) in the padded ink that the picture shows."""
        moment = (profile * np.arange(INK_BOX)).sum(1)
        mean = (2 * moment + mass) // (2 * mass)  # rounded
        start: Integers = margin - (IMAGE_SIZE // 2 - mean).clip(0, margin)
        return start[:, None] + np.arange(IMAGE_SIZE)

    rows, columns = window(ink.sum(2, dtype=np.int64)), window(ink.sum(1, dtype=np.int64))
    padded = np.pad(ink, ((0, 0), (margin, margin), (margin, margin)))
    return padded[np.arange(len(ink))[:, None, None], rows[:, :, None], columns[:, None, :]]


def draw_digits(split: str, start: int, stop: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Draws places `start` to `stop`, not included, of a split.

    Returns the images, uint8 (N, 1, 28, 28) from 0 (paper) to 255 (ink), and their labels, int64 (N,) from
    0 to 9. A place holds the same digit whatever the range it is drawn in, and another for another seed.
    Raises DataError for an unknown split, a range that leaves the split, or a negative seed.
    """
    if split not in COUNTS:
        raise DataError(f"{split!r} is not a split of the embedded digits: use {' or '.join(COUNTS)}.")
    if not 0 <= start <= stop <= COUNTS[split]:
        raise DataError(
            f"{start} to {stop} is not a range of the {split} digits, which lie between 0 and "
            f"{COUNTS[split]}: choose a start and a stop in that order and between these."
        )
    if seed < 0:
        raise DataError(f"{seed} is not a seed, which is never negative: use 0 or more.")
    images = np.empty((stop - start, 1, IMAGE_SIZE, IMAGE_SIZE), dtype=np.uint8)
    labels = np.empty(stop - start, dtype=np.int64)
    for first in range(start - start % BLOCK, stop, BLOCK):
        ink, digit = _draw_block(split, first // BLOCK, seed)
        low, high = max(start, first), min(stop, first + BLOCK)
        images[low - start : high - start, 0] = ink[low - first : high - first]
        labels[low - start : high - start] = digit[low - first : high - first]
    return torch.from_numpy(images), torch.from_numpy(labels)
