"""A Streamlit component: many pictures as points that a slider of noise moves, `assets/code_map.js`."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image

from dae import pictures
from dae.packed import ImageSet
from dae.ui.modules import inline_component

_SHEET_COLUMNS = 50
_THUMBNAIL = 32  # pixels; larger pictures are sent smaller, as there are thousands
_EDGE = 0.002  # the share of a step's points that may lie beyond each edge


@dataclass(frozen=True, eq=False)
class Panel:
    """The points of one model.

    Args:
        title: names it; `words` say what it shows.
        color: the one that marks the model everywhere.
        places: float32 (S, N, K), K of 2 or 3: where each picture is at each step.
        moved: a phrase a step, shown while the slider stands on it.
    """

    title: str
    words: str
    color: str
    places: np.ndarray
    moved: tuple[str, ...]


class Look(NamedTuple):
    """What the user looks at."""

    picture: int  # the clicked one; -1 before there is one
    step: int


def scatter(
    panels: Sequence[Panel],
    images: ImageSet,
    sheet: bytes,
    *,
    steps: Sequence[str],
    label: str,
    key: str,
    alt: str,
    caption: str,
) -> Look:
    """Draw the panels under one slider and return the picture last clicked and the step the slider was left on.

    Args:
        images: of the points; they give classes.
        sheet: what `thumbnails` made of them.
        steps: the label of each step; the first one is there to begin with.
    """
    dimensions = panels[0].places.shape[2]
    blocks = [images.labels.numpy().astype("<u2").tobytes()]
    blocks += [_fitted(panel.places).astype("<f4").tobytes() for panel in panels]
    blocks.append(sheet)
    _, height, width = _small(images.shape)
    header: dict[str, Any] = {
        "key": key,
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
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    data = b"".join([len(text).to_bytes(4), text, *blocks])
    # Streamlit lists a state in the result only where a callback is given.
    result = inline_component("code_map")(key=key, data=data, on_look_change=lambda: None)
    match result:
        case {"look": {"index": int(index), "step": int(where)}}:  # anyone at the other end could have written it
            return Look(min(max(index, -1), len(images) - 1), min(max(where, 0), len(steps) - 1))
    return Look(-1, 0)


def thumbnails(images: ImageSet) -> bytes:
    """A PNG of all pictures, row by row, each at most _THUMBNAIL pixels wide and high."""
    _, height, width = _small(images.shape)
    small = images.images
    if (height, width) != images.shape[1:]:
        blocks = [
            torch.nn.functional.interpolate(block.float(), (height, width), mode="area") for block in small.split(50)
        ]
        small = torch.cat(blocks).round().byte()
    whole: Image.Image = pictures.grid(small, columns=_SHEET_COLUMNS)
    return pictures.to_png(whole)


def _small(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    channels, height, width = shape
    factor = max(1.0, max(height, width) / _THUMBNAIL)
    return channels, max(1, round(height / factor)), max(1, round(width / factor))


def _fitted(places: np.ndarray) -> np.ndarray:
    """Brought to -1 to 1, but for the few that lie far out; all axes by the same scale, so that distances compare."""
    low = np.quantile(places, _EDGE, axis=1).min(axis=0)  # of the step that reaches farthest
    high = np.quantile(places, 1 - _EDGE, axis=1).max(axis=0)
    size = max(float((high - low).max()) / 2, 1e-12)
    return np.asarray((places - (low + high) / 2) / size, dtype=np.float32)
