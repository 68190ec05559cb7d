"""The models of a drawing as programs for the browser, which denoises while the pen moves."""

import hashlib
import json

import streamlit as st

from dae.errors import SpecError
from dae.html_demo.graph import build_program
from dae.html_demo.packing import fits_half_precision, pack_program
from dae.html_demo.page import ASSETS, noisy_examples
from dae.ui import resources
from dae.ui.components.base import inline_component
from dae.ui.explore.gallery.sprites import Gallery

_SCRIPTS = tuple(ASSETS / f"{name}.js" for name in ("convolution", "inference", "noise", "digit"))
# Test images that decide about half precision.
_NUM_EXAMPLES = 20


def render_live_answer(gallery: Gallery) -> None:
    """Send the programs of all rows to the browser; without one of them, or in color, the server alone answers."""
    if gallery.images.image_set().shape[0] != 1:
        return
    programs = [
        ""
        if option.family == "classical"
        else _pack(option.name, resources.weights_mtime(option.name), gallery.images.dataset)
        for option in gallery.models
    ]
    if programs and all(programs):
        models = ",".join(programs)
        identity = hashlib.blake2b(models.encode(), digest_size=12).hexdigest()
        message = f'{{"id":"{identity}","models":[{models}]}}'.encode()
        # Without a time stamp the message stays the same, so that Streamlit sends it once.
        inline_component("live_answer", _SCRIPTS)(key="live_answer", data=bytes(8) + message)


@st.cache_resource(show_spinner=False, max_entries=16)
def _pack(name: str, version: int, dataset: str) -> str:
    """Return the program of a run as JSON, "" if the browser cannot compute it; `version` is part of the cache key."""
    images = resources.images(dataset, "test", _NUM_EXAMPLES)
    model = resources.checkpoint(name).model
    try:
        # One export at a time: torch.export patches PyTorch while it runs.
        with resources.compute_lock():
            program = build_program(model, name, images.shape)
            half = fits_half_precision(model, noisy_examples(images.to_float()))
    except SpecError:
        return ""
    return json.dumps(pack_program(program, half), separators=(",", ":"))
