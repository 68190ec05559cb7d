"""The dashboard in a real browser: what only a browser can show. Skipped, and saying so, where there is none."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import PATIENCE_S, ROOT, wait_for

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no Chromium on this machine: apt-get install chromium"
)

READY = '[data-testid="stApp"][data-test-script-state="notRunning"]'
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
FLAGS += ("--disable-component-update", "--disable-sync")
SLOW_MS = 60_000


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs folder with copies of two models that come with the project."""
    root = tmp_path_factory.mktemp("runs")
    for name in ("digits-linear", "digits-conv"):
        shutil.copytree(ROOT / "checkpoints" / name, root / name)
    return root


def environment(runs: Path) -> dict[str, str]:
    """Of the server and of the command line beside it; one thread, so that both compute the same to the last digit."""
    return os.environ | {"DAE_CHECKPOINTS": str(runs), "OMP_NUM_THREADS": "1"}


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
        process.wait(PATIENCE_S)
    assert "Traceback" not in log.read_text(), log.read_text()


@pytest.fixture(scope="module")
def chromium() -> Iterator["playwright.Browser"]:
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


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


def visit(page: "playwright.Page", address: str) -> None:
    page.goto(address, wait_until="domcontentloaded")
    page.locator("h1").wait_for()
    page.wait_for_selector(READY)
    assert page.get_by_test_id("stException").count() == 0


def step(page: "playwright.Page") -> int:
    return int(page.get_by_test_id("frame-slider").get_attribute("data-step") or -1)


@pytest.mark.parametrize("path", ["train", "", "explore", "compare"])
def test_a_direct_first_visit_looks_right(page: "playwright.Page", server: str, path: str) -> None:
    visit(page, f"{server}/{path}")
    for name in ("Start", "Train", "Explore", "Compare"):
        page.get_by_role("link", name=name, exact=True).first.wait_for()
    assert page.locator("h1").count() == 1
    assert page.title().endswith("Denoising autoencoders")
    assert not page.get_by_test_id("stSidebarNav").is_visible()


def test_the_front_door_cleans_a_picture_while_the_noise_is_dragged(page: "playwright.Page", server: str) -> None:
    visit(page, server)
    track = page.get_by_test_id("frame-slider-input")
    track.wait_for()
    page.get_by_test_id("frame-row").nth(1).wait_for()
    before, box = step(page), track.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * before / 50, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, middle, steps=8)
    page.wait_for_function("document.querySelector('[data-testid=stApp]') !== null")
    page.wait_for_function(
        "before => { const find = root => root.querySelector('[data-testid=frame-slider]')"
        " ?? [...root.querySelectorAll('*')].map(e => e.shadowRoot && find(e.shadowRoot)).find(Boolean);"
        " return Number(find(document).dataset.step) > before + 5; }",
        arg=before,
    )  # still dragging: the pictures followed without the server
    page.mouse.up()


def test_explore_keeps_its_state_in_the_address(page: "playwright.Page", server: str) -> None:
    visit(page, f"{server}/explore")
    page.get_by_text("Masking", exact=True).click()
    page.wait_for_url(re.compile("noise=Masking"))
    page.wait_for_selector(READY)
    track = page.get_by_test_id("frame-slider-input")
    track.focus()
    track.press("End")
    page.wait_for_url(re.compile("level=1(&|$)"))
    page.get_by_role("button", name="New noise").click()
    page.wait_for_url(re.compile("seed=1(&|$)"))
    there = page.url
    visit(page, there)
    page.get_by_test_id("frame-row").nth(3).wait_for()
    assert step(page) == 50 and page.url == there


def test_train_learns_in_a_chart_that_stays_in_place(page: "playwright.Page", server: str, runs: Path) -> None:
    visit(page, f"{server}/train")
    page.locator(".st-key-start-quick-linear button").click()
    page.get_by_text(re.compile("epoch 1 of 5")).wait_for()
    chart = page.get_by_test_id("live-chart")
    chart.wait_for()
    chart.evaluate("node => { node.dataset.mark = 'the same node'; }")
    start = int(chart.get_attribute("data-updates") or 0)
    page.wait_for_function(
        "least => { const find = root => root.querySelector('[data-testid=live-chart]')"
        " ?? [...root.querySelectorAll('*')].map(e => e.shadowRoot && find(e.shadowRoot)).find(Boolean);"
        " return Number(find(document).dataset.updates) >= least; }",
        arg=start + 3,
    )
    assert chart.get_attribute("data-mark") == "the same node"
    page.get_by_role("link", name="Explore", exact=True).first.click()  # the run goes on without the page
    page.wait_for_url(re.compile("/explore"))
    page.get_by_role("link", name="Train", exact=True).first.click()
    page.locator(".stMain").get_by_text("finished").first.wait_for(timeout=3 * SLOW_MS)
    assert (runs / "quick-linear" / "model.safetensors").is_file()
    page.get_by_role("link", name="Explore it").click()
    page.wait_for_url(re.compile("models=quick-linear"))
    page.get_by_test_id("frame-row").nth(2).wait_for()


def test_compare_shows_a_verdict_and_hands_out_the_measured_table(
    page: "playwright.Page", server: str, runs: Path
) -> None:
    visit(page, f"{server}/compare?models=digits-linear&models=digits-conv&data=Drawn+digits")
    page.get_by_text("is best").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Table as CSV").click()
    shown = pd.read_csv(download.value.path(), dtype=str).set_index("run")
    command = [sys.executable, "-m", "dae", "evaluate", "digits-linear", "digits-conv", "--dataset", "digits"]
    command += ["--noise", "gaussian:0.5", "--limit", "1000", "--json"]
    printed = subprocess.run(command, cwd=ROOT, env=environment(runs), capture_output=True, check=True).stdout
    for row in json.loads(printed):
        for metric in ("mse", "psnr_db", "ssim", "l2"):
            assert float(shown.loc[row["run"], metric]) == row[metric]


def test_a_run_is_renamed_and_deleted_where_it_is_watched(page: "playwright.Page", server: str, runs: Path) -> None:
    shutil.copytree(ROOT / "checkpoints" / "digits-linear", runs / "spare")
    visit(page, f"{server}/train?runs=spare")
    page.get_by_role("button", name="More").click()
    page.get_by_label("New name").fill("../away")
    page.get_by_role("button", name="Rename").click()  # typed and clicked, without Enter
    page.get_by_text("cannot name a run").wait_for()
    visit(page, f"{server}/train?runs=spare")  # with the menu closed again
    page.get_by_role("button", name="More").click()
    page.get_by_label("New name").fill("renamed")
    page.get_by_role("button", name="Rename").click()
    page.wait_for_url(re.compile("runs=renamed"))
    assert (runs / "renamed").is_dir() and not (runs / "spare").exists()
    visit(page, f"{server}/train?runs=renamed")
    page.get_by_role("button", name="More").click()
    page.get_by_text("Yes, remove this run").click()
    page.get_by_role("button", name="Delete").click()
    page.wait_for_url(lambda address: "renamed" not in address)
    wait_for(lambda: not (runs / "renamed").exists())
    assert page.get_by_text("There is no run").count() == 0
