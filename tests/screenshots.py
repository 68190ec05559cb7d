"""Make the pictures of the README with Chromium, in two minutes: python -m tests.screenshots"""

import io
import re
from collections.abc import Iterator

from PIL import Image

from tests.benchmarks.server import browser, dashboard
from tests.browser.browsing import playwright, visit
from tests.helpers import ROOT

FOLDER = ROOT / ".github"
RUNS = ("digits-linear", "digits-conv", "digits-unet")
SIZE = {"width": 1280, "height": 800}
_MODELS = "data=Drawn+digits&" + "&".join(f"models={name}" for name in RUNS)
# File name -> (address, test id of the last element to appear).
SCREENSHOTS = {
    "explore": (f"explore?{_MODELS}", "frame-row"),
    "code": (f"explore?view=Inside+the+model&{_MODELS}", "code-map"),
    "train": ("train?runs=digits-conv", "frame-slider"),
    "compare": ("compare?data=Drawn+digits", "live-chart"),
}
_MOVIE_WIDTH = 800
_FRAME_MS = 120
_PAUSE_MS = 1_200


def main() -> None:
    """Write one PNG per page and a moving picture into .github."""
    with dashboard(runs=RUNS) as server, browser() as opened:
        page = opened.new_page(viewport=SIZE)
        page.set_default_timeout(90_000)
        for name, (address, last) in SCREENSHOTS.items():
            visit(page, f"{server.address}/{address}")
            page.get_by_test_id(last).last.wait_for()
            page.wait_for_load_state("networkidle")
            page.screenshot(path=FOLDER / f"{name}.png")
        frames = list(record(page, server.address))
    images, durations = zip(*frames, strict=True)
    images[0].save(
        FOLDER / "demo.webp", save_all=True, append_images=images[1:], duration=durations, loop=0, quality=60, method=4
    )


def record(page: "playwright.Page", address: str) -> Iterator[tuple[Image.Image, int]]:
    """Drag the noise on Explore, train on Train and open Compare; yield frames and their durations in milliseconds."""
    visit(page, f"{address}/explore?{_MODELS}&level=0.1")
    track = page.get_by_test_id("frame-slider-input")
    page.get_by_test_id("frame-row").nth(len(RUNS)).wait_for()
    yield _frame(page), _PAUSE_MS
    track.focus()
    for _ in range(14):
        track.press("ArrowRight")
        track.press("ArrowRight")
        yield _frame(page), _FRAME_MS
    yield _frame(page), _PAUSE_MS
    visit(page, f"{address}/train")
    yield _frame(page), _PAUSE_MS
    page.get_by_role("button", name=re.compile("^Start the race")).first.click()
    # Away from the button and its tooltip.
    page.mouse.move(0, 0)
    page.get_by_test_id("live-chart").wait_for()
    for _ in range(24):
        page.wait_for_timeout(1_000)
        yield _frame(page), 2 * _FRAME_MS
    visit(page, f"{address}/compare?data=Drawn+digits")
    page.get_by_test_id("live-chart").last.wait_for()
    page.wait_for_load_state("networkidle")
    yield _frame(page), 3 * _PAUSE_MS


def _frame(page: "playwright.Page") -> Image.Image:
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    return image.resize((_MOVIE_WIDTH, round(image.height * _MOVIE_WIDTH / image.width)), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()
