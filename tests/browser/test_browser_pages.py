"""The pages in a real browser: what only a browser can show. Skipped, and saying so, where there is none."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.browser.browsing import environment, needs_chromium, playwright, step, visit
from tests.conftest import ROOT

pytestmark = needs_chromium


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
