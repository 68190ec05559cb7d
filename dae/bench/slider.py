"""How long a move of Explore's slider takes, beside the smallest Streamlit app: python -m dae.bench.slider [--moves 25]

Both apps are served by this machine and opened in one Chromium; they take turns.
"""

import argparse
import platform
import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from dae.bench import told
from dae.bench.server import browser, dashboard

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

DRAG_S = 3.0
SETTLE_MS = 2_000
PAUSE_MS = 100  # between two moves
ROUNDS = 3  # of each app in turns
_TRIVIAL = """
import numpy as np
import streamlit as st

level = st.slider("Noise strength", 0.0, 1.0, 0.5, 0.02)
st.image(np.full((224, 224), level), clamp=True)
"""

# What is on the screen: the picture's address in the trivial app, the step in ours. A frame is looked at once.
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
    """Print the medians, their ratios and the frames a second of a drag."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moves", type=int, default=25)
    moves = parser.parse_args().moves
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        script = Path(folder) / "trivial.py"
        script.write_text(_TRIVIAL)
        trivial = stack.enter_context(dashboard(script)).address
        ours = stack.enter_context(dashboard(runs=("digits-linear", "digits-conv", "digits-unet"))).address
        opened = stack.enter_context(browser())
        addresses = {"trivial app": trivial, "Explore": f"{ours}/explore"}
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in addresses}
        for _ in range(ROUNDS):
            for name, address in addresses.items():  # one page at a time: a browser stops those that nobody sees
                page = _opened(opened, address)
                trips = [_move(page, "ArrowRight") for _ in range(moves // ROUNDS + 2)]
                taken[name] += trips[2:]  # the first ones warm up
                if name == "Explore":
                    frames, steps = _drag(page)
                page.close()
        print(f"{platform.machine()}, Chromium {opened.version}, medians of {len(taken['Explore'])} key presses")
        base = statistics.median(settled for _, settled in taken["trivial app"])
        for name, trips in taken.items():
            picture, settled = (statistics.median(column) for column in zip(*trips, strict=True))
            print(
                f"{name:12} new picture after {picture:4.0f} ms, {picture / base:.2f} of the trivial app; "
                f"page settled after {settled:4.0f} ms, {settled / base:.2f}"
            )
        print(f"a drag over {DRAG_S:g} s: {frames / DRAG_S:.0f} frames a second, {steps} of 51 strengths seen")


def _opened(opened: "Browser", address: str) -> "Page":
    page = opened.new_page(viewport={"width": 1280, "height": 800})
    page.add_init_script(_WATCH)
    page.goto(address)
    page.wait_for_function("window.shown() !== undefined")
    page.wait_for_timeout(SETTLE_MS)
    return page


def _move(page: "Page", key: str) -> tuple[float, float]:
    """Milliseconds from a key press to the new picture, and until the server has answered."""
    page.get_by_role("slider", name="Noise strength").focus()
    page.evaluate("arm()")
    page.keyboard.press(key)
    picture, settled = page.evaluate("window.trip")
    page.wait_for_timeout(PAUSE_MS)
    return picture, settled


def _drag(page: "Page") -> tuple[int, int]:
    """How many frames were drawn and how many strengths seen while the pointer drags from end to end."""
    box = page.get_by_test_id("frame-slider-input").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 4, middle)
    page.mouse.down()
    page.evaluate("count()")
    begun = page.evaluate("performance.now()")
    while (share := (page.evaluate("performance.now()") - begun) / DRAG_S / 1000) < 1:
        page.mouse.move(box["x"] + 4 + (box["width"] - 8) * share, middle)
    frames, steps = page.evaluate("counted()")
    page.mouse.up()
    return frames, steps


if __name__ == "__main__":
    told(main)
