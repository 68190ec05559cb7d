"""Downloads of a gallery: its labeled rows as one PNG, its PSNR values as CSV, its models as one HTML file."""

import io
import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image, ImageDraw, ImageFont

from dae.data import dataset_label, is_folder
from dae.runs.naming import to_run_name
from dae.ui import resources
from dae.ui.demo_download import render_demo_download
from dae.ui.explore.gallery.sprites import Gallery, GallerySprites
from dae.utils import text
from dae.viz.images import to_png
from dae.viz.noise_sweep import levels

_SCALE = 4
# Of the labels, in pixels.
_FONT_SIZE, _PADDING = 24, 12


def render_downloads(gallery: Gallery, sprites: GallerySprites, step: int) -> None:
    """Draw the download buttons for the noise level with index `step`; a file is made when it is requested."""
    name = f"{to_run_name(dataset_label(gallery.images.dataset))}-{gallery.noise.kind}-{levels(gallery.noise)[step]:g}"
    st.download_button(
        "Images",
        lambda: label_rows(gallery, sprites, step),
        f"{name}.png",
        "image/png",
        icon=":material/download:",
        on_click="ignore",
        help="Download these rows as a PNG.",
    )
    st.download_button(
        "PSNR",
        lambda: psnr_table(gallery, sprites, step).to_csv(index=False),
        f"{name}.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
        help="Download the PSNR of each image as CSV.",
    )
    noise = gallery.noise.with_level(levels(gallery.noise)[step])
    test = resources.images(gallery.images.dataset, "test", gallery.images.limit)
    render_demo_download(gallery.models, test, noise)


def label_rows(gallery: Gallery, sprites: GallerySprites, step: int) -> bytes:
    """Return a PNG with the rows at one noise level, enlarged without blur, and their names and PSNR on the left."""
    names = [gallery.noise.with_level(levels(gallery.noise)[step]).label, *(model.label for model in gallery.models)]
    sheets = (sprites.noisy, *sprites.denoised)
    labels = [
        "Clean",
        *(text.label_with_db(name, sheet.mean_psnr_db[step]) for name, sheet in zip(names, sheets, strict=True)),
    ]
    rows = stack_rows(sprites.clean, [sheet.png for sheet in sheets], step)
    height = rows.height // len(labels)
    font = ImageFont.load_default(min(_FONT_SIZE, height / 2))
    labels = ["\n".join(label.rsplit(", ", 1)) for label in labels]
    left = 2 * _PADDING + math.ceil(max(font.getlength(line) for label in labels for line in label.split("\n")))
    image = Image.new("RGB", (left + rows.width, rows.height), "white")
    image.paste(rows, (left, 0))
    draw = ImageDraw.Draw(image)
    for index, label in enumerate(labels):
        draw.multiline_text((_PADDING, (index + 0.5) * height), label, "black", font, anchor="lm")
    return to_png(image)


def stack_rows(clean: bytes, sheets: Sequence[bytes], step: int) -> Image.Image:
    """Return the clean row above the rows of the sheets at one noise level, enlarged without blur."""
    first, *others = (np.asarray(Image.open(io.BytesIO(png))) for png in (clean, *sheets))
    height = len(first)
    stacked = np.vstack([first, *(sheet[step * height :][:height] for sheet in others)])
    return Image.fromarray(stacked.repeat(_SCALE, axis=0).repeat(_SCALE, axis=1))


def psnr_table(gallery: Gallery, sprites: GallerySprites, step: int) -> pd.DataFrame:
    """Return a row per image and denoiser: run, dataset, image, noise, seed, psnr_db."""
    level, dataset = levels(gallery.noise)[step], gallery.images.dataset
    rows = [("noisy", gallery.noise), *((model.name, gallery.noise_for(model)) for model in gallery.models)]
    return pd.DataFrame(
        {
            "run": name,
            "dataset": dataset_label(dataset) if is_folder(dataset) else dataset,
            "image": index,
            "noise": str(noise.with_level(level)),
            "seed": gallery.seed,
            "psnr_db": psnr_db,
        }
        for (name, noise), sheet in zip(rows, (sprites.noisy, *sprites.denoised), strict=True)
        for index, psnr_db in zip(gallery.images.indices, sheet.psnr_db[step], strict=True)
    )
