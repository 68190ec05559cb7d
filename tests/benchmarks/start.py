"""Time from `streamlit run` to the first image: python -m tests.benchmarks.start [--rounds 3]

Starts the dashboard and a minimal Streamlit app that imports torch and shows an image, in turns. A running Chromium
opens the page as soon as the port answers. The first round warms up the caches and is not counted. Prints the medians
and their ratio.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.common import ROOT, describe_machine, run_benchmark
from tests.benchmarks.server import browser, dashboard

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SHIPPED_RUNS = ("digits-linear", "digits-conv", "digits-unet")
MINIMAL_APP = """
import numpy as np
import streamlit as st
import torch

st.image(np.full((224, 224), float(torch.tensor(0.5))), clamp=True)
"""

# The slider sets its step after it has drawn the images on its canvases, which lie in shadow roots.
_SLIDER_DRAWN = """() => {
  const find = root => root.querySelector("[data-testid=frame-slider][data-step] canvas")
    ?? [...root.querySelectorAll("*")].map(node => node.shadowRoot && find(node.shadowRoot)).find(Boolean)
  return Boolean(find(document))
}"""
_IMAGE_LOADED = """() => {
  const image = document.querySelector("[data-testid=stImage] img, [data-testid=stImageContainer] img")
  return Boolean(image?.complete && image.naturalWidth)
}"""
_PAINTED = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def time_to_first_image(opened: "Browser", script: Path, condition: str, runs: tuple[str, ...] = ()) -> float:
    """Return the seconds from the start of the process until the image is painted.

    Args:
        condition: JavaScript function that returns true if the image is on the page.
        runs: shipped runs that the script lists.
    """
    page = opened.new_page(viewport={"width": 1280, "height": 800})
    begin = time.perf_counter()
    with dashboard(["streamlit", "run", str(script)], runs) as server:
        page.goto(server.address, wait_until="commit")
        page.wait_for_function(condition)
        page.evaluate(_PAINTED)
        seconds = time.perf_counter() - begin
        page.close()
    return seconds


def main() -> None:
    """Print the medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder, browser() as opened:
        minimal = Path(folder) / "minimal.py"
        minimal.write_text(MINIMAL_APP)
        times: dict[str, list[float]] = {"minimal app": [], "dashboard": []}
        for _ in range(rounds + 1):
            times["minimal app"].append(time_to_first_image(opened, minimal, _IMAGE_LOADED))
            times["dashboard"].append(time_to_first_image(opened, ROOT / "dashboard.py", _SLIDER_DRAWN, SHIPPED_RUNS))
        print(f"{describe_machine()}, Chromium {opened.version}, medians of {rounds}")
    base = statistics.median(times["minimal app"][1:])
    for name, values in times.items():
        median = statistics.median(values[1:])
        print(f"{name:12} first image after {median:.2f} s, {median / base:.2f} of the minimal app")


if __name__ == "__main__":
    run_benchmark(main)
