"""A Streamlit component: images of several models to point at, `assets/pixel_filters.js`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import streamlit as st
from PIL import Image

from dae.ui.components.base import draw_component, inline_component, png_url
from dae.viz.images import to_png


class Pixel(NamedTuple):
    """A pixel, counted from the upper left corner."""

    row: int
    column: int


# Of the two images of a panel.
_LABELS = ["denoised", "its filter over the input"]


@dataclass(frozen=True, eq=False)
class FilterPanel:
    """The images of one model.

    Attributes:
        title: display name of the model.
        color: CSS color of the model.
        words: a line under the images.
        images: the denoised image and the filter, of one size for all panels.
    """

    title: str
    color: str
    words: str
    images: tuple[Image.Image, Image.Image]


def pointed_pixel(key: str, default: Pixel, size: tuple[int, int]) -> Pixel:
    """Return the pixel that the user last pointed at on the panels with this key, within an image of (H, W)."""
    pixel = _parse(st.session_state.get(key)) or default
    return Pixel(*(min(max(value, 0), side - 1) for value, side in zip(pixel, size, strict=True)))


def pixel_filters(panels: Sequence[FilterPanel], pixel: Pixel, *, key: str, alt: str) -> None:
    """Draw the panels side by side, with a mark at the pixel; the script runs again when the user points elsewhere.

    Args:
        panels: at least one.
        key: identifies the panels on their page.
        alt: one sentence that describes the images, for a screen reader.
    """
    width, height = panels[0].images[0].size
    draw_component(
        inline_component("pixel_filters"),
        key=key,
        data={
            "alt": alt,
            "size": [height, width],
            "pixel": list(pixel),
            "panels": [
                {
                    "title": panel.title,
                    "color": panel.color,
                    "words": panel.words,
                    "labels": _LABELS,
                    "images": [png_url(to_png(image)) for image in panel.images],
                }
                for panel in panels
            ],
        },
        on_pixel_change=lambda: None,
    )


def _parse(value: object) -> Pixel | None:
    """Return the pixel that the browser reports, None if there is none. A client can send any value."""
    match value:
        case {"pixel": {"row": int(row), "column": int(column)}}:
            return Pixel(row, column)
    return None
