"""What a gallery shows, to take away: the pictures as one PNG, the numbers as CSV."""

import io
from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st
from PIL import Image

from dae.frames import Sheet, clean_sheet, levels
from dae.noise import NoiseSpec
from dae.pictures import to_png
from dae.ui.gallery import Batch
from dae.ui.shared import Choice

_SCALE = 4


def downloads(
    batch: Batch, runs: Sequence[Choice], sheets: Mapping[str, Sheet], step: int, noise: NoiseSpec, seed: int
) -> None:
    """Offer both, made when they are asked for."""
    level = levels(noise)[step]
    name = f"{batch.dataset}-{noise.kind}-{level:g}"
    rows = [("noisy", sheets["noisy"]), *((run.name, sheets[run.name]) for run in runs)]
    st.download_button(
        "Pictures",
        lambda: _grid(clean_sheet(batch.clean()), [sheet.png for _, sheet in rows], step),
        f"{name}.png",
        "image/png",
        icon=":material/download:",
        on_click="ignore",
        help="The rows as they stand, clean and noisy first, as one PNG.",
    )
    st.download_button(
        "Numbers",
        lambda: _table(batch, rows, step, str(noise.at(level)), seed).to_csv(index=False),
        f"{name}.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
        help="The PSNR of each picture in each row, as CSV.",
    )


def _grid(clean: bytes, sheets: Sequence[bytes], step: int) -> bytes:
    """The strips of one step below each other, magnified without blur."""
    strips: list[Image.Image] = [Image.open(io.BytesIO(clean))]
    width, height = strips[0].size
    strips += [Image.open(io.BytesIO(png)).crop((0, step * height, width, (step + 1) * height)) for png in sheets]
    grid = Image.new(strips[0].mode, (width, height * len(strips)))
    for place, strip in enumerate(strips):
        grid.paste(strip, (0, place * height))
    return to_png(grid.resize((grid.width * _SCALE, grid.height * _SCALE), Image.Resampling.NEAREST))


def _table(batch: Batch, rows: Sequence[tuple[str, Sheet]], step: int, noise: str, seed: int) -> pd.DataFrame:
    return pd.DataFrame(
        {"run": name, "dataset": batch.dataset, "image": place, "noise": noise, "seed": seed, "psnr_db": psnr_db}
        for name, sheet in rows
        for place, psnr_db in zip(batch.places, sheet.psnr_db[step], strict=True)
    )
