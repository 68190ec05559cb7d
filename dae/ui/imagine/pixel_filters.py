"""Why this pixel: the filters that models apply at one pixel of a noisy digit, side by side."""

import math
import re

import numpy as np
import streamlit as st
import torch
from PIL import Image
from streamlit.delta_generator import DeltaGenerator
from torch import Tensor

from dae.data import ImageSet
from dae.imagination import jacobian_row
from dae.models import Autoencoder
from dae.ui import address, model_options, resources, selectors
from dae.ui.components.pixel_filters import FilterPanel, Pixel, pixel_filters, pointed_pixel
from dae.ui.imagine import subject
from dae.ui.model_options import ModelOption
from dae.viz.images import make_grid

# Number of the test image that is shown first.
_DEFAULT = 1
_KEY = "pixel_filters"
_PARAM = "imagine_pixel"
# Distance in pixels that counts as near.
_NEAR = 3
# Below 1, so that small weights are visible.
_GAMMA = 0.7
_POSITIVE, _NEGATIVE = (255, 150, 30), (60, 140, 255)


def render_pixel_filters(images: ImageSet, controls: DeltaGenerator) -> None:
    """Draw the filters of models at the pixel that the user points at, with the choice of the digit in `controls`."""
    with controls:
        digit = subject.select_subject(images, default=_DEFAULT)
        level = subject.select_level("0.5")
        options = model_options.model_options(images)
        models = selectors.select_models(options, None)
    st.markdown(
        "Point at a pixel of a denoised image, or drag. The image next to it shows the filter of this pixel: orange "
        "input pixels make it brighter, blue ones darker. Each model applies another filter: compare how wide it is, "
        "and how it follows the stroke."
    )
    if digit is None:
        return
    if not models:
        st.info("Choose at least one model.")
        return
    noisy = digit.noisy(level, seed=0).clamp(0, 1)
    _render_panels(noisy, models, stroke_pixel(digit.clean()[0]))


@st.fragment
def _render_panels(noisy: Tensor, models: list[ModelOption], default: Pixel) -> None:
    """Draw the panels; only they are drawn again when the user points at another pixel."""
    height, width = noisy.shape[-2:]
    opened = _load_pixel(default)
    pixel = pointed_pixel(_KEY, opened, (height, width))
    address.write_param(_PARAM, [f"{pixel.row},{pixel.column}"], by_user=pixel != opened)
    panels = [_panel(model, resources.checkpoint(model.name).model, noisy, pixel) for model in models]
    pixel_filters(
        panels, pixel, key=_KEY, alt=f"The filters of {len(models)} models at row {pixel.row}, column {pixel.column}"
    )


def _load_pixel(default: Pixel) -> Pixel:
    """Return the pixel in the address, else the default."""
    match = re.fullmatch(r"([0-9]{1,4}),([0-9]{1,4})", st.query_params.get(_PARAM, ""))
    return Pixel(int(match[1]), int(match[2])) if match else default


def stroke_pixel(clean: Tensor) -> Pixel:
    """Return a bright pixel of a digit (C, H, W) near the center of the image."""
    _, height, width = clean.shape
    rows, columns = torch.arange(height)[:, None] - height / 2, torch.arange(width) - width / 2
    # A pixel at the edge counts half.
    closeness = 1 - torch.hypot(rows, columns) / math.hypot(height, width)
    return Pixel(*divmod(int((clean.mean(0) * closeness).argmax()), width))


def _panel(model: ModelOption, network: Autoencoder, noisy: Tensor, pixel: Pixel) -> FilterPanel:
    with torch.no_grad():
        denoised = network(noisy).clamp(0, 1)
    weights = jacobian_row(network, noisy, *pixel)[0]
    return FilterPanel(
        title=model.label,
        color=model.color,
        words=f"{near_share(weights, pixel):.0%} of the filter is within {_NEAR} pixels",
        images=(make_grid(denoised, 1).convert("RGB"), filter_image(noisy[0], weights)),
    )


def near_share(weights: Tensor, pixel: Pixel) -> float:
    """Return the fraction of a filter (C, H, W), by absolute weight, near its pixel; 0 for a filter of zeros."""
    absolute = weights.abs().sum(0)
    rows, columns = (torch.arange(side) for side in absolute.shape)
    near = ((rows[:, None] - pixel.row).abs() <= _NEAR) & ((columns - pixel.column).abs() <= _NEAR)
    return float((absolute * near).sum() / absolute.sum().clamp(min=1e-12))


def filter_image(noisy: Tensor, weights: Tensor) -> Image.Image:
    """Return a filter (C, H, W) as colors over the darkened noisy image (C, H, W); its largest weight is opaque."""
    values = weights.sum(0)
    strength = ((values.abs() / values.abs().max().clamp(min=1e-12)) ** _GAMMA)[..., None].numpy()
    gray = noisy.clamp(0, 1).mean(0)[..., None].numpy() * 110
    color = np.where(values[..., None].numpy() > 0, np.array(_POSITIVE), np.array(_NEGATIVE))
    return Image.fromarray((gray * (1 - strength) + color * strength).round().astype(np.uint8))
