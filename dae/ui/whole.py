"""The user's picture at its own size, by a model that takes any: noisy against denoised, whole and pixel by pixel."""

import hashlib
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import streamlit as st
import torch
from PIL import Image
from streamlit.delta_generator import DeltaGenerator
from torch import Tensor

from dae import metrics, words
from dae.noise import NoiseSpec, corrupt
from dae.pictures import grid, to_png
from dae.seeds import generator
from dae.tiling import fill_tiles
from dae.ui import shared
from dae.ui.divider import divider
from dae.ui.shared import Choice
from dae.uploads import fit_picture

_AT_ONCE = 500_000  # pixels: more wait for a press of the button
_ROWS = 256
_LEAST_LEVEL = 0.1  # what is weaker the shipped model cannot tell from details
_WIDE, _TALL = 640, 560  # of what is shown, in pixels


class _Denoised(NamedTuple):
    noisy: Image.Image
    denoised: Image.Image | None  # None as long as it is being made
    noisy_psnr_db: float
    psnr_db: float
    level: float | None = None  # of the noise, as the model estimates it; None where it does not say


def whole(picture: Image.Image, runs: Sequence[Choice], noise: NoiseSpec, seed: int) -> Callable[[], None]:
    """Draw the part, with the noisy picture alone as long as it is not denoised.

    Args:
        picture: as `uploads.read_picture` gives it.
        runs: those chosen on the page. Every run whose model takes any size may be asked: first those for as many
            channels as the picture has, of these first the chosen ones.
        noise: what is added to the picture, at one level.

    Returns:
        What is left to do once all of the page is drawn: the denoising, which then has the page drawn again.
    """
    channels = 1 if picture.mode == "L" else 3
    able = {run.name: run for run in shared.for_any_size(channels, {run.name for run in runs})}
    with st.container(border=True, key="whole"):
        st.header("The whole picture, at its own size", anchor=False)
        if not able:
            st.markdown("No model here takes a picture of any size yet. Train a U-Net, then come back.")
            return _nothing
        pixels = picture.width * picture.height
        with st.container(horizontal=True, vertical_alignment="bottom"):
            first, key = next(iter(able)), f"whole_run:{channels}"  # the order of the choices depends on the channels
            chosen = st.segmented_control("By", list(able), default=first, required=True, key=key)
            run = able.get(str(chosen), able[first])
            about = (run.name, shared.version(run.name), _digest(picture), str(noise), seed)
            if pixels > _AT_ONCE and st.button(f"Denoise all {pixels / 1e6:.1f} megapixels", key="whole_go"):
                st.session_state["whole_wanted"] = about
        kept: dict[tuple[object, ...], _Denoised] = st.session_state.setdefault("whole_kept", {})
        if about in kept:
            _pictures(kept[about], run)
            _verdict(kept[about], run, noise)
            return _nothing
        if pixels > _AT_ONCE and st.session_state.get("whole_wanted") != about:
            return _nothing
        clean, _ = fit_picture(picture, shared.checkpoint(run.name))
        noisy = corrupt(clean, noise, generator(seed))
        begun = _Denoised(grid(noisy.clamp(0, 1), 1), None, _psnr_db(noisy.clamp(0, 1), clean), math.nan)
        _pictures(begun, run)
        bar = st.progress(0.0, "Denoising …")

    def finish() -> None:
        psnr_db, denoised = _denoise(clean, noisy, run, bar)
        kept.clear()  # a large picture is large: one is enough
        kept[about] = begun._replace(denoised=denoised, psnr_db=psnr_db, level=_level(noisy, run))
        st.rerun()

    return finish


def _nothing() -> None:
    pass


def _denoise(clean: Tensor, noisy: Tensor, run: Choice, bar: DeltaGenerator) -> tuple[float, Image.Image]:
    """The PSNR and the picture. A bar shows how far it has come; any move on the page ends it."""
    denoised = torch.empty_like(clean)
    tiles, done = fill_tiles(denoised, shared.checkpoint(run.name).model, noisy), 0.0
    while done < 1:
        with shared.turn(partial(bar.progress, done, "Waiting: another page is computing …")):
            done = next(tiles)
        bar.progress(done, f"Denoising … {done:.0%}")
    return _psnr_db(denoised, clean), grid(denoised, 1)


def _level(noisy: Tensor, run: Choice) -> float | None:
    with shared.turn(_nothing), torch.no_grad():
        level = shared.checkpoint(run.name).model.level(noisy)
    return None if level is None else float(level)


def _pictures(result: _Denoised, run: Choice) -> None:
    """Draw noisy against denoised; as long as there is only the noisy one, that takes the room of both."""
    width, height = result.noisy.size
    whole_denoised = result.denoised or result.noisy
    before = words.with_decibels("noisy", result.noisy_psnr_db)
    name, after = run.name, words.with_decibels(run.name, result.psnr_db)
    if not result.denoised:
        name = after = "not denoised yet"
    if width <= _WIDE and height <= _TALL:
        scale = min(_WIDE // width, _TALL // height)
        divider(result.noisy, whole_denoised, before, after, width=scale * width, key="whole_divider")
    else:
        left, right = st.columns(2)
        with left:
            noisy, denoised = _shrunk(result.noisy), _shrunk(whole_denoised)
            divider(noisy, denoised, before, after, width=noisy.width, key="whole_divider")
            st.caption(f"All of it, {width} x {height} made smaller, which hides some of the noise.")
        with right:
            view = st.container()
            box = _detail(width, height)
            noisy, denoised = result.noisy.crop(box), whole_denoised.crop(box)
            with view:
                divider(noisy, denoised, "noisy, pixel by pixel", name, width=noisy.width, key="whole_detail")


def _verdict(result: _Denoised, run: Choice, noise: NoiseSpec) -> None:
    """Say what the model has gained and what it knows, and offer its picture."""
    denoised = result.denoised or result.noisy
    gain = words.gain(result.psnr_db - result.noisy_psnr_db)
    with st.container(horizontal=True, vertical_alignment="center"):
        grey = " It knows grey alone." if denoised.mode == "L" else ""
        part = run.noise.part(noise.kind)
        here = "" if part and part.low <= noise.level <= part.high else f", not {noise.label}"
        told = f"**{gain[:1].upper()}{gain[1:]}.** {run.name} has learnt on {run.noise.label}{here}.{grey}"
        if result.level is not None and noise.kind == "gaussian":
            less = result.level < _LEAST_LEVEL
            told += f" It estimates the noise to be {f'weaker than {_LEAST_LEVEL}' if less else f'{result.level:.2f}'}."
        st.markdown(told)
        st.download_button(
            "Denoised picture",
            lambda: to_png(denoised),
            "denoised.png",
            "image/png",
            icon=":material/download:",
            on_click="ignore",
            key="whole_download",
        )


def _detail(width: int, height: int) -> tuple[int, int, int, int]:
    """Let the user choose which part is shown pixel by pixel: its left, upper, right and lower edge."""
    with st.container(horizontal=True):
        across = st.slider("Across", 0, 100, 50, format="%d%%", key="whole_across", width=200) if width > _WIDE else 0
        down = st.slider("Down", 0, 100, 50, format="%d%%", key="whole_down", width=200) if height > _TALL else 0
    left, top = max(width - _WIDE, 0) * across // 100, max(height - _TALL, 0) * down // 100
    return left, top, min(left + _WIDE, width), min(top + _TALL, height)


def _shrunk(picture: Image.Image) -> Image.Image:
    small = picture.copy()
    small.thumbnail((_WIDE, _TALL), Image.Resampling.BOX)
    return small


def _psnr_db(noisy: Tensor, clean: Tensor) -> float:
    """Of one picture, some rows at a time: float64 copies of a large one would fill the memory."""
    parts = zip(noisy.split(_ROWS, dim=2), clean.split(_ROWS, dim=2), strict=True)
    total = sum(float(metrics.mse(ours, theirs)) * ours.shape[2] for ours, theirs in parts)
    return -10 * math.log10(total / clean.shape[2]) if total else math.inf


def _digest(picture: Image.Image) -> str:
    return hashlib.blake2b(picture.tobytes(), digest_size=12).hexdigest()
