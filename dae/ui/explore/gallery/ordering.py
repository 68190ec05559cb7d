"""Selection and order of the test images on the Explore page."""

import math
from collections.abc import Sequence
from typing import Literal

import pandas as pd
import streamlit as st

from dae.data import ImageSet
from dae.evaluation import make_denoiser, per_image_metrics
from dae.noise import NoiseSpec
from dae.ui import resources, selectors
from dae.ui.explore.gallery.sprites import ImageSelection
from dae.ui.model_options import ModelOption
from dae.ui.shell import presentation

ALL_CLASSES, DATASET_ORDER = "All", "Data set order"
_COLUMNS = 8
# First images of a page, which presentation mode shows.
_LARGE_COLUMNS = 2
_NUM_SORTED = 1_000
_PAGE = "page"


def select_images(
    dataset: str, test: ImageSet, models: Sequence[ModelOption], noise: NoiseSpec
) -> tuple[ImageSelection | None, int]:
    """Draw the choice of class, order and page of test images.

    Returns:
        The images of the page, or None, after a hint, if no image matches; and the number of pages.

    Raises:
        DaeError: a run cannot be read.
    """
    indices = class_indices(test, select_class(test))
    indices = sort_indices(indices, select_order(models), test, noise)
    num_pages = max(math.ceil(len(indices) / _COLUMNS), 1)
    help_text = f"{len(indices):,} test images, {_COLUMNS} per page."
    number = selectors.url_number_input("Page", 1, num_pages, key=_PAGE, help=help_text, width=110)
    if not indices:
        st.info("No image of this class is among the first 1,000. Choose another sort order.")
        return None, num_pages
    count = _LARGE_COLUMNS if presentation.in_presentation_mode() else _COLUMNS
    return ImageSelection(dataset, indices[_COLUMNS * (number - 1) :][:count]), num_pages


def render_pager(num_pages: int) -> None:
    """Draw the buttons that open the previous and the next page of test images; nothing if there is one page."""
    if num_pages < 2:
        return
    number = st.session_state[_PAGE]
    _page_button("Previous", "left", number - 1, num_pages)
    _page_button("Next", "right", number + 1, num_pages)


def _page_button(label: str, side: Literal["left", "right"], number: int, num_pages: int) -> None:
    st.button(
        label,
        icon=f":material/chevron_{side}:",
        icon_position=side,
        type="tertiary",
        key=f"{label.lower()}_page",
        disabled=not 1 <= number <= num_pages,
        on_click=st.session_state.update,
        # The number and not a step, as a press can arrive twice.
        args=({_PAGE: number},),
    )


def select_class(images: ImageSet) -> str:
    """Draw the choice of a class; return its name or ALL_CLASSES."""
    return st.selectbox(
        "Class",
        [ALL_CLASSES, *images.classes],
        key="class",
        bind="query-params",
        width=140,
        help="All images or those of one class.",
    )


def class_indices(images: ImageSet, name: str) -> tuple[int, ...]:
    """Return the indices of the images of a class; of all images if there is no such class."""
    if name not in images.classes:
        return tuple(range(len(images)))
    return tuple((images.labels == images.classes.index(name)).nonzero().flatten().tolist())


def select_order(models: Sequence[ModelOption]) -> tuple[ModelOption, ...]:
    """Draw the choice of an order.

    Returns:
        One model to sort by its PSNR, two models to sort by their difference, none for the order of the data set.
    """
    orders: dict[str, tuple[ModelOption, ...]] = {f"Hardest for {model.label}": (model,) for model in models}
    orders |= {f"Largest difference: {models[0].label} vs. {other.label}": (models[0], other) for other in models[1:]}
    selected = st.selectbox(
        "Sort by",
        [DATASET_ORDER, *orders],
        key="order",
        bind="query-params",
        width=240,
        help=f"Sorts the first {_NUM_SORTED:,} images by PSNR at the default noise level.",
    )
    return orders.get(selected, ())


def sort_indices(
    indices: Sequence[int], models: Sequence[ModelOption], images: ImageSet, noise: NoiseSpec
) -> tuple[int, ...]:
    """Sort the indices of test images as selected in `select_order`; indices past the first 1,000 are dropped.

    Args:
        noise: its kind counts, at its default level: the order stays the same while the level is dragged.

    Raises:
        DaeError: a run cannot be read.
    """
    if not models:
        return tuple(indices)
    noise = noise.with_level(noise.info.default_level)
    first, *others = (_psnr_db(model.name, resources.weights_mtime(model.name), images.name, noise) for model in models)
    key = -(first - others[0]).abs() if others else first
    selected = set(indices)
    return tuple(index for index in key.sort_values(kind="stable", na_position="first").index if index in selected)


@st.cache_data(show_spinner="Sorting the images …", max_entries=16)
def _psnr_db(run: str, version: int, dataset: str, noise: NoiseSpec) -> pd.Series:
    """Return the PSNR of each of the first test images; `version` is only part of the cache key."""
    images = resources.images(dataset, "test").take(_NUM_SORTED)
    with resources.compute_lock():
        denoiser = make_denoiser(resources.checkpoint(run), images)
        return per_image_metrics(denoiser, images, noise)["psnr_db"]
