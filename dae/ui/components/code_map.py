"""A Streamlit component: images as points that a slider of the noise level moves, `assets/code_map.js`."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch

from dae.data import ImageSet
from dae.ui.components.base import draw_component, inline_component, pack_message
from dae.viz.images import make_grid, to_png

_SHEET_COLUMNS = 50
# Pixels; larger images are reduced, as there are thousands of them.
_THUMBNAIL_SIZE = 32
# Fraction of the points that may lie beyond each edge.
_OUTLIERS = 0.002


@dataclass(frozen=True, eq=False)
class MapPanel:
    """The points of one model.

    Attributes:
        title: display name of the model.
        words: size of the code and projection.
        color: CSS color of the model.
        positions: float32 (S, N, K): position of N images at S steps in K = 2 or 3 dimensions.
        moved: one phrase per step.
    """

    title: str
    words: str
    color: str
    positions: np.ndarray
    moved: tuple[str, ...]


class MapSelection(NamedTuple):
    """The image last clicked and the step of the slider."""

    picture: int  # -1 before the first click
    step: int


def code_map(
    panels: Sequence[MapPanel],
    images: ImageSet,
    sheet: bytes,
    *,
    steps: Sequence[str],
    label: str,
    key: str,
    alt: str,
    caption: str,
) -> MapSelection:
    """Draw the panels under one slider and return what the user selected.

    Args:
        images: the N images of the points, with their classes.
        sheet: `thumbnails(images)`.
        steps: label of each step; the slider starts at the first.
        label: what the slider changes.
        key: identifies the map on its page.
        alt: one sentence that describes the map, for a screen reader.
    """
    dimensions = panels[0].positions.shape[2]
    blocks = [images.labels.numpy().astype("<u2").tobytes()]
    blocks += [_normalize(panel.positions).astype("<f4").tobytes() for panel in panels]
    blocks.append(sheet)
    height, width = _thumbnail_size(images.shape)
    header: dict[str, Any] = {
        "label": label,
        "alt": alt,
        "caption": caption,
        "steps": list(steps),
        "dimensions": dimensions,
        "count": len(images),
        "classes": list(images.classes),
        "sheet": {"columns": _SHEET_COLUMNS, "width": width, "height": height, "bytes": len(sheet)},
        "panels": [{"title": p.title, "words": p.words, "color": p.color, "drift": p.moved} for p in panels],
        "set": f"{images.name} {len(images)}",
        "id": hashlib.blake2b(b"".join(blocks), digest_size=12).hexdigest(),
    }
    # Streamlit includes a state in the result only if there is a callback for it.
    result = draw_component(
        inline_component("code_map"), key=key, data=pack_message(header, blocks), on_look_change=lambda: None
    )
    match result:
        # A client can send any value.
        case {"look": {"index": int(index), "step": int(step)}}:
            return MapSelection(min(max(index, -1), len(images) - 1), min(max(step, 0), len(steps) - 1))
    return MapSelection(-1, 0)


def thumbnails(images: ImageSet) -> bytes:
    """Return a PNG of all images, row by row, each at most 32 pixels wide and high."""
    height, width = _thumbnail_size(images.shape)
    small = images.images
    if (height, width) != images.shape[1:]:
        blocks = [
            torch.nn.functional.interpolate(block.float(), (height, width), mode="area") for block in small.split(50)
        ]
        small = torch.cat(blocks).round().byte()
    return to_png(make_grid(small, columns=_SHEET_COLUMNS))


def _thumbnail_size(shape: tuple[int, int, int]) -> tuple[int, int]:
    _, height, width = shape
    factor = max(1.0, max(height, width) / _THUMBNAIL_SIZE)
    return max(1, round(height / factor)), max(1, round(width / factor))


def _normalize(positions: np.ndarray) -> np.ndarray:
    """Center and scale positions (S, N, K) to [-1, 1] except for outliers, with the same scale for all axes."""
    low = np.quantile(positions, _OUTLIERS, axis=1).min(axis=0)
    high = np.quantile(positions, 1 - _OUTLIERS, axis=1).max(axis=0)
    half_size = max(float((high - low).max()) / 2, 1e-12)
    return np.asarray((positions - (low + high) / 2) / half_size, dtype=np.float32)
