"""Take the README's screenshots from a running dashboard: python -m tests.screenshots http://localhost:8501"""

import sys

from tests.benchmarks.server import browser
from tests.browser.browsing import visit
from tests.helpers import ROOT

_MODELS = "data=Drawn+digits&models=digits-linear&models=digits-conv&models=digits-unet"
# File name -> (address, test id of the last element to appear).
SCREENSHOTS = {
    "explore": (f"explore?{_MODELS}", "frame-row"),
    "code": (f"explore?view=Inside+the+model&{_MODELS}", "code-map"),
    "train": ("train?runs=digits-conv", "live-chart"),
    "compare": ("compare?data=Drawn+digits", "live-chart"),
}


def main(server: str) -> None:
    """Write one PNG per page into .github, 1280 pixels wide."""
    with browser() as opened:
        page = opened.new_page(viewport={"width": 1280, "height": 1000})
        page.set_default_timeout(90_000)
        for name, (address, last) in SCREENSHOTS.items():
            visit(page, f"{server}/{address}")
            page.get_by_test_id(last).last.wait_for()
            page.wait_for_load_state("networkidle")
            page.screenshot(path=ROOT / ".github" / f"{name}.png")


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
