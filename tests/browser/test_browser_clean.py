"""Clean this image in Chromium: a sample, strength, divider, zoom, removed noise, downloads, several files."""

import re
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from tests.browser.browsing import READY, browser_tests, playwright, visit
from tests.helpers import wait_for

pytestmark = browser_tests
CLEAN = "pictures=Your+image"


def photograph(path: Path, side: int = 64) -> Path:
    pixels = np.random.default_rng(side).normal(120, 30, (side, side)).clip(0, 255)
    Image.fromarray(pixels.astype(np.uint8)).save(path)
    return path


def test_an_upload_is_cleaned_compared_and_downloaded(page: "playwright.Page", server: str, tmp_path: Path) -> None:
    visit(page, f"{server}/explore?{CLEAN}")
    page.locator("input[type=file]").set_input_files(photograph(tmp_path / "night.png"))
    page.get_by_text("Estimated noise").wait_for()
    download = page.get_by_role("button", name="Cleaned image")
    download.wait_for()
    divider = page.get_by_test_id("divider")
    after = divider.locator(".after img")
    strongest, estimate = after.get_attribute("src"), page.get_by_text("Estimated PSNR")
    estimated = estimate.inner_text()

    # The slider exchanges the image in the browser.
    strength = page.get_by_test_id("strength")
    strength.focus()
    strength.press("Home")
    wait_for(lambda: after.get_attribute("src") != strongest)
    page.get_by_text("25% of the noise").wait_for()

    # The divider moves.
    handle = divider.locator(".frame input")
    handle.focus()
    handle.press("End")
    playwright.expect(divider.locator(".frame")).to_have_attribute("style", re.compile("100%"))

    # Zoom, and the removed noise.
    # The frame magnifies 64 pixels already, so 100% and 200% would not change anything.
    playwright.expect(page.get_by_role("button", name="200%")).to_be_disabled()
    divider.locator(".frame").dblclick()
    playwright.expect(after).to_have_attribute("style", re.compile(r"scale\((1\.0*[1-9]|[2-9]|\d\d)"))
    page.get_by_role("button", name="Removed noise").click()
    playwright.expect(after).to_be_hidden()

    # The server has answered and no longer replaces the button.
    wait_for(lambda: estimate.inner_text() != estimated)
    page.wait_for_selector(READY)
    with page.expect_download() as downloaded:
        download.click()
    assert downloaded.value.suggested_filename == "night-clean.png"
    with Image.open(downloaded.value.path()) as image:
        assert image.format == "PNG" and image.mode == "L" and image.size == (64, 64)


def test_several_images_are_cleaned_into_one_archive(page: "playwright.Page", server: str, tmp_path: Path) -> None:
    visit(page, f"{server}/explore?{CLEAN}")
    files = [photograph(tmp_path / f"{side}.png", side) for side in (40, 48)]
    page.locator("input[type=file]").set_input_files(files)
    page.get_by_role("button", name="Clean all 2 images").click()
    with page.expect_download() as downloaded:
        page.get_by_role("button", name="All cleaned images (ZIP)").click()
    with zipfile.ZipFile(downloaded.value.path()) as archive:
        assert sorted(archive.namelist()) == ["40-clean.png", "48-clean.png"]


def test_the_task_control_switches_to_adding_noise(page: "playwright.Page", server: str) -> None:
    visit(page, f"{server}/explore?{CLEAN}")
    page.get_by_text("Add noise to it").click()
    page.wait_for_url(re.compile("task=Add"))
    page.get_by_text("Upload an image, or choose").wait_for()
    playwright.expect(page.get_by_test_id("stException")).to_have_count(0)
