"""A button that downloads the selected models as one HTML file, which denoises in any browser."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from dae.data import ImageSet
from dae.errors import DaeError
from dae.html_demo import MAX_MODELS, DemoModel, render_demo
from dae.noise import NoiseSpec
from dae.runs import find_run
from dae.ui import resources
from dae.ui.model_options import ModelOption
from dae.ui.shell.messages import hide_directories


def render_demo_download(options: Sequence[ModelOption], images: ImageSet, noise: NoiseSpec) -> None:
    """Draw the button; nothing without a trained model. The file is made when it is requested.

    Args:
        options: models and filters; the first MAX_MODELS models enter the file.
        images: test images, whose first ones become the samples.
        noise: with which the file opens.
    """
    models = [option for option in options if option.is_model]
    if not models:
        return
    chosen = models[:MAX_MODELS]
    st.download_button(
        "Demo",
        lambda: make_demo(chosen, images, noise),
        f"{'-'.join(option.name for option in chosen)}.html",
        "text/html",
        icon=":material/download:",
        on_click="ignore",
        help=(f"The first {MAX_MODELS} models" if len(models) > MAX_MODELS else "The selected models")
        + " in one HTML file that works offline in any browser: drag the noise level, draw a digit.",
        key="demo",
    )


def make_demo(options: Sequence[ModelOption], images: ImageSet, noise: NoiseSpec) -> str:
    """Return the HTML file; if a model cannot enter it, a page with the reason."""
    try:
        # One export at a time: torch.export patches PyTorch while it runs.
        with resources.compute_lock():
            models = [
                DemoModel(option.name, find_run(option.name).load(), option.label, option.color) for option in options
            ]
            return render_demo(models, images, noise)
    except DaeError as error:
        # The browser saves what it receives, so a message on the page would come too late.
        reason = escape(hide_directories(str(error)))
        return f'<!doctype html><meta charset="utf-8"><title>No demo</title><p>{reason}</p>'
