"""Helpers of the browser tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.benchmarks.server import CHROMIUM
from tests.helpers import PATIENCE_S

playwright = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python")
AXE = (Path(axe.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
# One group: one worker runs all browser tests, with one server and one Chromium.
browser_tests = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium"),
]

READY = '[data-testid="stApp"][data-test-script-state="notRunning"]'
TIMEOUT_MS = 1_000 * PATIENCE_S
playwright.expect.set_options(timeout=TIMEOUT_MS)


@contextmanager
def new_tab(context: "playwright.BrowserContext") -> Iterator["playwright.Page"]:
    """Open a tab; fail at its end if a script of it has failed."""
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    page.close()
    assert not problems


def visit(page: "playwright.Page", address: str) -> None:
    """Open an address and wait until its script has finished."""
    page.goto(address, wait_until="domcontentloaded")
    page.locator("h1").wait_for()
    page.wait_for_selector(READY)
    assert page.get_by_test_id("stException").count() == 0


def step(page: "playwright.Page") -> int:
    """Return the step of the frame slider."""
    return int(page.get_by_test_id("frame-slider").get_attribute("data-step") or -1)


def violations(page: "playwright.Page") -> list[str]:
    """Return the serious and critical findings of axe-core, among them the contrast of small text."""
    page.evaluate(AXE)
    found = page.evaluate("axe.run().then(results => results.violations)")
    assert page.evaluate("axe.getRules().length") > 50
    return [
        f"{rule['id']}: {rule['help']} {node['html'][:200]}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]
