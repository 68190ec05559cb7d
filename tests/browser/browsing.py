"""What the browser tests share: Chromium, and a page that is ready."""

import os
from pathlib import Path

import pytest

from dae.bench.server import CHROMIUM

playwright = pytest.importorskip("playwright.sync_api")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no Chromium on this machine: apt-get install chromium"
)

READY = '[data-testid="stApp"][data-test-script-state="notRunning"]'
SLOW_MS = 180_000


def environment(runs: Path) -> dict[str, str]:
    """Of the server and of the command line beside it; one thread, so that both compute the same to the last digit."""
    return os.environ | {"DAE_CHECKPOINTS": str(runs), "OMP_NUM_THREADS": "1"}


def visit(page: "playwright.Page", address: str) -> None:
    page.goto(address, wait_until="domcontentloaded")
    page.locator("h1").wait_for()
    page.wait_for_selector(READY)
    assert page.get_by_test_id("stException").count() == 0


def step(page: "playwright.Page") -> int:
    return int(page.get_by_test_id("frame-slider").get_attribute("data-step") or -1)
