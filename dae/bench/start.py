"""How long the dashboard takes from its command to its first picture: python -m dae.bench.start [--rounds 3]

`streamlit run dashboard.py`, and the smallest Streamlit app that imports torch and shows a picture, take turns. A
Chromium that already runs opens the page as soon as the port answers. The first turn of each warms up the caches.
"""

import argparse
import platform
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from dae.bench import told
from dae.bench.server import ROOT, browser, dashboard

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SHIPPED = ("digits-linear", "digits-conv", "digits-unet")
TRIVIAL = """
import numpy as np
import streamlit as st
import torch

st.image(np.full((224, 224), float(torch.tensor(0.5))), clamp=True)
"""

# The slider says its step once the pictures are on its canvases; those lie in shadow roots.
_DRAWN = """() => {
  const find = root => root.querySelector("[data-testid=frame-slider][data-step] canvas")
    ?? [...root.querySelectorAll("*")].map(node => node.shadowRoot && find(node.shadowRoot)).find(Boolean)
  return Boolean(find(document))
}"""
_SHOWN = """() => {
  const image = document.querySelector("[data-testid=stImage] img, [data-testid=stImageContainer] img")
  return Boolean(image?.complete && image.naturalWidth)
}"""
_PAINTED = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def first_picture(opened: "Browser", script: Path, there: str, runs: tuple[str, ...] = ()) -> float:
    """Seconds from the start of the process until the picture is painted.

    Args:
        there: JavaScript, whether the picture is in the page.
        runs: the shipped ones that the script finds.
    """
    page = opened.new_page(viewport={"width": 1280, "height": 800})
    begun = time.perf_counter()
    with dashboard(script, runs) as server:
        page.goto(server.address, wait_until="commit")
        page.wait_for_function(there)
        page.evaluate(_PAINTED)
        taken = time.perf_counter() - begun
        page.close()
    return taken


def main() -> None:
    """Print the medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder, browser() as opened:
        trivial = Path(folder) / "trivial.py"
        trivial.write_text(TRIVIAL)
        taken: dict[str, list[float]] = {"trivial app": [], "dashboard": []}
        for _ in range(rounds + 1):
            taken["trivial app"].append(first_picture(opened, trivial, _SHOWN))
            taken["dashboard"].append(first_picture(opened, ROOT / "dashboard.py", _DRAWN, SHIPPED))
        print(f"{platform.machine()}, Chromium {opened.version}, medians of {rounds}")
    base = statistics.median(taken["trivial app"][1:])
    for name, turns in taken.items():
        middle = statistics.median(turns[1:])
        print(f"{name:12} first picture after {middle:.2f} s, {middle / base:.2f} of the trivial app")


if __name__ == "__main__":
    told(main)
