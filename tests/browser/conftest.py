"""A dashboard of its own for each module of browser tests, and pages in Chromium to look at it with."""

import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dae.bench.server import browser
from tests.browser.browsing import SLOW_MS, environment, playwright
from tests.conftest import PATIENCE_S, ROOT, wait_for


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs folder with copies of three models that come with the project."""
    root = tmp_path_factory.mktemp("runs")
    for name in ("digits-linear", "digits-conv", "digits-unet"):
        shutil.copytree(ROOT / "checkpoints" / name, root / name)
    return root


@pytest.fixture(scope="module")
def server(runs: Path) -> Iterator[str]:
    """The address of a dashboard of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "dashboard.py", "--server.headless=true"]
    command += [f"--server.port={port}", "--server.address=127.0.0.1", "--server.fileWatcherType=none"]
    log = runs.parent / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment(runs), stdout=output, stderr=output)

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_for(answers)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        assert process.wait(2 * PATIENCE_S) in (0, -signal.SIGTERM), log.read_text()
    assert "Traceback" not in log.read_text(), log.read_text()


@pytest.fixture(scope="module")
def chromium() -> Iterator["playwright.Browser"]:
    with browser() as opened:
        yield opened


@pytest.fixture
def page(chromium: "playwright.Browser") -> Iterator["playwright.Page"]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    context.set_default_timeout(SLOW_MS)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    context.close()
    assert not problems
