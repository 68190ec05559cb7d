"""Latency of Explore's slider: python -m tests.benchmarks.slider [--moves 25]

Compares Explore with a minimal Streamlit app that has a slider and an image, both in one Chromium on this machine, in
turns. Measures the time from a key press to the new image and to the end of the rerun, and the frames per second of a
drag. Prints medians and their ratio to the minimal app's rerun.
"""

import argparse
import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.common import describe_machine, run_benchmark
from tests.benchmarks.server import browser, dashboard

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

DRAG_S = 3.0
SETTLE_MS = 2_000
PAUSE_BETWEEN_MOVES_MS = 100
NUM_ROUNDS = 3
NUM_WARM_UP_MOVES = 2
_MINIMAL_APP = """
import numpy as np
import streamlit as st

level = st.slider("Noise level", 0.0, 1.0, 0.5, 0.02)
st.image(np.full((224, 224), level), clamp=True)
"""

# `shown` identifies the image on the screen: its address in the minimal app, the slider's
# step in Explore. It is read once per frame.
_WATCH = """
window.shown = () => {
  const find = root => root.querySelector("[data-testid=frame-slider]")
    ?? [...root.querySelectorAll("*")].map(node => node.shadowRoot && find(node.shadowRoot)).find(Boolean)
  const image = document.querySelector("[data-testid=stImage] img, img")
  return find(document)?.dataset.step ?? (image?.complete ? image.currentSrc : undefined)
}
window.arm = () => {
  window.trip = new Promise(done => {
    const before = shown(), address = location.href, app = document.querySelector("[data-testid=stApp]")
    let begun, picture
    addEventListener("keydown", () => { begun = performance.now() }, { capture: true, once: true })
    const look = () => {
      const now = performance.now()
      if (begun && !picture && shown() !== before) picture = now
      const answered = app.dataset.testScriptState === "notRunning" && (location.href !== address || !location.search)
      if (picture && answered) done([picture - begun, now - begun])
      else requestAnimationFrame(look)
    }
    look()
  })
}
window.count = () => {
  const steps = new Set(), times = []
  let frames = 0
  window.counting = true
  const look = () => { frames += 1; steps.add(shown()); if (window.counting) requestAnimationFrame(look) }
  look()
  window.counted = () => { window.counting = false; return [frames, steps.size] }
}
"""


def main() -> None:
    """Print the medians, their ratios and the frames per second."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moves", type=int, default=25, help="key presses in each app")
    moves = parser.parse_args().moves
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        script = Path(folder) / "minimal.py"
        script.write_text(_MINIMAL_APP)
        minimal = stack.enter_context(dashboard(["streamlit", "run", str(script)])).address
        ours = stack.enter_context(dashboard(runs=("digits-linear", "digits-conv", "digits-unet"))).address
        opened = stack.enter_context(browser())
        addresses = {"minimal app": minimal, "Explore": f"{ours}/explore"}
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in addresses}
        for _ in range(NUM_ROUNDS):
            # One page at a time, because Chromium throttles hidden pages.
            for name, address in addresses.items():
                page = _open_page(opened, address)
                trips = [_move(page, "ArrowRight") for _ in range(moves // NUM_ROUNDS + NUM_WARM_UP_MOVES)]
                times[name] += trips[NUM_WARM_UP_MOVES:]
                if name == "Explore":
                    frames, steps = _drag(page)
                page.close()
        print(f"{describe_machine()}, Chromium {opened.version}, medians of {len(times['Explore'])} key presses")
        base = statistics.median(settled for _, settled in times["minimal app"])
        for name, trips in times.items():
            image, settled = (statistics.median(column) for column in zip(*trips, strict=True))
            print(
                f"{name:12} new image after {image:4.0f} ms, {image / base:.2f} of the minimal app's rerun; "
                f"page settled after {settled:4.0f} ms, {settled / base:.2f}"
            )
        print(f"drag of {DRAG_S:g} s: {frames / DRAG_S:.0f} frames per second, {steps} of 51 noise levels shown")


def _open_page(opened: "Browser", address: str) -> "Page":
    page = opened.new_page(viewport={"width": 1280, "height": 800})
    page.add_init_script(_WATCH)
    page.goto(address)
    page.wait_for_function("window.shown() !== undefined")
    page.wait_for_timeout(SETTLE_MS)
    return page


def _move(page: "Page", key: str) -> tuple[float, float]:
    """Return the milliseconds from a key press to the new image, and to the end of the rerun."""
    page.get_by_role("slider", name="Noise level").focus()
    page.evaluate("arm()")
    page.keyboard.press(key)
    image, settled = page.evaluate("window.trip")
    page.wait_for_timeout(PAUSE_BETWEEN_MOVES_MS)
    return image, settled


def _drag(page: "Page") -> tuple[int, int]:
    """Drag from end to end; return the number of frames drawn and of noise levels shown."""
    box = page.get_by_test_id("frame-slider-input").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 4, middle)
    page.mouse.down()
    page.evaluate("count()")
    begin = page.evaluate("performance.now()")
    while (share := (page.evaluate("performance.now()") - begin) / DRAG_S / 1000) < 1:
        page.mouse.move(box["x"] + 4 + (box["width"] - 8) * share, middle)
    frames, steps = page.evaluate("counted()")
    page.mouse.up()
    return frames, steps


if __name__ == "__main__":
    run_benchmark(main)
