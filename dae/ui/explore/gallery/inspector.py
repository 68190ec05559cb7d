"""Inspector: one image enlarged, with a divider between noisy and denoised, and a map of the errors."""

import io

import streamlit as st
from PIL import Image

from dae.models import Shape
from dae.ui.components.divider import divider
from dae.ui.explore.gallery.sprites import Gallery, GallerySprites
from dae.utils import text
from dae.viz.images import ERROR_MAP_MAX, error_map

# Longest side of an enlarged image, in CSS pixels.
_SIDE = 420


def render_inspector(gallery: Gallery, sprites: GallerySprites, step: int) -> None:
    """Draw the inspector for the noise level with index `step`, folded at first."""
    if not gallery.models:
        return
    folder = st.expander("Zoom in on one image", icon=":material/zoom_in:", key="inspector", on_change="rerun")
    if not folder.open:
        return
    with folder:
        model, column = _select(gallery)
        label, sheet, shape = gallery.models[model].label, sprites.denoised[model], gallery.images.image_set().shape
        clean = crop_sprite(sprites.clean, shape, column, 0)
        noisy, denoised = (crop_sprite(png, shape, column, step) for png in (sprites.noisy.png, sheet.png))
        left, middle, right = st.columns(3)
        with left:
            before = text.label_with_db("noisy", sprites.noisy.psnr_db[step][column])
            after = text.label_with_db(label, sheet.psnr_db[step][column])
            divider(noisy, denoised, before, after, width=_SIDE, key="divider")
        middle.image(_magnify(clean), caption="The original.", width="stretch")
        caption = f"Error of {label}: black = none, bright = {ERROR_MAP_MAX:g} or more, where white is 1."
        right.image(_magnify(error_map(denoised, clean)), caption=caption, width="stretch")


def _select(gallery: Gallery) -> tuple[int, int]:
    """Draw the choice of a model and an image; return the index of each in the gallery."""
    labels = [model.label for model in gallery.models]
    numbers = list(range(1, len(gallery.images.indices) + 1))
    with st.container(horizontal=True):
        label = st.segmented_control("Model", labels, default=labels[0], required=True, key="inspector_model")
        number = st.segmented_control("Image", numbers, default=1, required=True, key="inspector_image")
    return labels.index(label) if label in labels else 0, (number or 1) - 1


def crop_sprite(sheet: bytes, shape: Shape, column: int, row: int) -> Image.Image:
    """Cut an image of this shape (C, H, W) out of a sprite sheet, a PNG."""
    _, height, width = shape
    with Image.open(io.BytesIO(sheet)) as sprites:
        return sprites.crop((column * width, row * height, (column + 1) * width, (row + 1) * height))


def _magnify(image: Image.Image) -> Image.Image:
    # Twice the CSS pixels, to be sharp on screens of high density.
    scale = 2 * max(_SIDE // max(image.size), 1)
    return image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
