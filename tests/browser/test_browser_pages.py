"""The pages in a real browser: what only a browser can show. Skipped, and saying so, where there is none."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.browser.browsing import READY, environment, needs_chromium, playwright, step, visit
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


def test_a_drawn_digit_is_denoised(page: "playwright.Page", server: str) -> None:
    visit(page, f"{server}/explore?pictures=Draw+a+digit")
    page.get_by_text("Draw a digit with the pointer").wait_for()
    box = page.get_by_test_id("sketch").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 80)
    page.mouse.down()
    page.mouse.move(box["x"] + 180, box["y"] + 80, steps=5)
    page.mouse.move(box["x"] + 120, box["y"] + 220, steps=5)
    page.mouse.up()
    page.get_by_test_id("frame-row").nth(3).wait_for()  # clean, noisy, and two models
    with page.expect_download() as download:
        page.get_by_role("button", name="Pictures", exact=True).click()
    with Image.open(download.value.path()) as grid:
        assert grid.size == (4 * 4 * 28, 4 * 4 * 28)
        clean = np.asarray(grid)[: 4 * 28, : 4 * 28]
    assert clean.max() > 200 and clean[:10].max() < 30  # the stroke, on black
    page.get_by_role("button", name="Wipe the board").click()
    page.get_by_text("Draw a digit with the pointer").wait_for()


def test_an_upload_that_is_no_picture_is_told_and_a_good_one_follows(
    page: "playwright.Page", server: str, tmp_path: Path
) -> None:
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    Image.new("L", (60, 80), 90).save(good)
    bad.write_bytes(good.read_bytes()[:50])
    visit(page, f"{server}/explore?pictures=Your+picture")
    page.locator("input[type=file]").set_input_files(bad)
    page.get_by_text("damaged or no picture").wait_for()
    page.locator("input[type=file]").set_input_files(good)
    page.get_by_text("60 x 80, shown to the models").wait_for()
    page.get_by_test_id("frame-row").nth(3).wait_for()
    assert page.get_by_test_id("stException").count() == 0


def test_a_picture_is_looked_at_closer_with_a_divider(page: "playwright.Page", server: str) -> None:
    visit(page, f"{server}/explore")
    page.get_by_test_id("frame-row").nth(3).wait_for()
    page.get_by_text("Look closer at one picture").click()
    divider = page.get_by_test_id("divider")
    divider.wait_for()
    seen = "node => getComputedStyle(node.querySelector('.after')).clipPath"
    handle, before = divider.locator("input"), divider.evaluate(seen)
    box = handle.bounding_box()
    handle.hover(position={"x": box["width"] / 2, "y": box["height"] / 2})  # once it stands still, and in sight
    page.mouse.down()
    handle.hover(position={"x": box["width"] * 0.9, "y": box["height"] / 2})
    page.mouse.up()
    assert divider.evaluate(seen) != before
    assert all(divider.locator("img").evaluate_all("nodes => nodes.map(node => node.naturalWidth === 28)"))
