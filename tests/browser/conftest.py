"""Fixtures of the browser tests: one dashboard with few images, one Chromium, and a new tab per test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benchmarks.server import Server, browser, dashboard
from tests.browser.browsing import TIMEOUT_MS, new_tab, playwright


@pytest.fixture(scope="session")
def _served() -> Iterator[Server]:
    """Start a dashboard with copies of three shipped models."""
    with dashboard(["tests.browser.serve_small_digits"], ("digits-linear", "digits-conv", "digits-unet")) as served:
        yield served
        log = served.log.read_text()
        # A click on a download button that is being replaced does nothing.
        lost_clicks = log.count("MediaFileStorageError: Deferred file")
        assert log.count("Traceback") == lost_clicks, log


@pytest.fixture(scope="session")
def server(_served: Server) -> str:
    """Return the address of the dashboard."""
    return _served.address


@pytest.fixture(scope="session")
def runs(_served: Server) -> Path:
    """Return the runs folder of the dashboard."""
    return _served.runs


@pytest.fixture(scope="session")
def chromium() -> Iterator["playwright.Browser"]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="session")
def context(chromium: "playwright.Browser") -> Iterator["playwright.BrowserContext"]:
    """Open a context whose tabs share the cached and compiled scripts of Streamlit."""
    size = {"width": 1280, "height": 800}
    # Animations take a part of the processor, most of all while a test waits.
    context = chromium.new_context(viewport=size, accept_downloads=True, reduced_motion="reduce")
    context.set_default_timeout(TIMEOUT_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: "playwright.BrowserContext") -> Iterator["playwright.Page"]:
    """Open a tab."""
    with new_tab(context) as tab:
        yield tab


@pytest.fixture(scope="module")
def shared_page(context: "playwright.BrowserContext") -> Iterator["playwright.Page"]:
    """Open a tab for the tests of a module that only read it, or leave it as it was."""
    with new_tab(context) as tab:
        yield tab
