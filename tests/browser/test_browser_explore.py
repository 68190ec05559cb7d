"""Explore in a real browser: dragging, links, the user's own pictures, looking closer."""

import base64
import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from dae import data, frames
from dae.contenders import as_denoiser
from dae.noise import NoiseSpec
from dae.runs import find_run
from tests.browser.browsing import READY, needs_chromium, playwright, step, visit
from tests.conftest import wait_for

pytestmark = needs_chromium

DRAWN = "models=digits-linear&models=digits-conv&data=Drawn+digits"
COUNT = """() => {
  window.drawn = new Set(); window.late = 0
  const find = root => root.querySelector("[data-testid=frame-slider]")
    ?? [...root.querySelectorAll("*")].map(node => node.shadowRoot && find(node.shadowRoot)).find(Boolean)
  const slider = find(document), input = slider.querySelector("input")
  input.addEventListener("input", () => requestAnimationFrame(() => {
    window.drawn.add(slider.dataset.step)
    window.late += slider.dataset.step !== input.value
  }))
}"""


def canvas(page: "playwright.Page", row: int) -> np.ndarray:
    """What a row of pictures shows, uint8 (H, W, 3)."""
    url = page.get_by_test_id("frame-row").nth(row).locator("canvas").first.evaluate("node => node.toDataURL()")
    with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as shown:
        return np.asarray(shown.convert("RGB"))


def worked_s(page: "playwright.Page") -> Callable[[], float]:
    """What tells the processor seconds that the page's main thread has worked, whatever else the machine computes."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    return lambda: next(
        metric["value"]
        for metric in devtools.send("Performance.getMetrics")["metrics"]
        if metric["name"] == "TaskDuration"
    )


def test_a_drag_is_smooth_and_ends_on_the_right_pictures(page: "playwright.Page", server: str, runs: Path) -> None:
    visit(page, f"{server}/explore?{DRAWN}&level=0.1")
    page.get_by_test_id("frame-row").nth(3).wait_for()
    track = page.get_by_test_id("frame-slider-input")
    track.hover()
    box = track.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.1, middle)
    page.mouse.down()
    page.evaluate(COUNT)
    worked = worked_s(page)
    begun = worked()
    for share in np.linspace(0.1, 0.9, 60):
        page.mouse.move(box["x"] + box["width"] * share, middle)
    seconds = worked() - begun
    drawn, late = page.evaluate("[window.drawn.size, window.late]")
    assert drawn / seconds >= 30 and drawn > 10
    assert late == 0  # a frame shows where the pointer is when it is drawn
    page.mouse.up()
    page.wait_for_url(re.compile(r"level=0\.[89]"))
    page.wait_for_selector(READY)
    spec = NoiseSpec("gaussian", frames.levels(NoiseSpec("gaussian", 0.5))[step(page)])
    images = data.load_dataset("digits", "test", limit=8)
    denoiser = as_denoiser(find_run("digits-conv", runs).load(), images)
    sheet = frames.denoised_sheet(images.clean(slice(0, 8)), spec, 0, denoiser)
    with Image.open(io.BytesIO(sheet.png)) as whole:
        wanted = np.asarray(whole)[28 * step(page) :][:28, :28]
    shown = canvas(page, 3)[..., 0]
    scale = shown.shape[0] // 28
    assert shown.shape[0] == 28 * scale
    off = np.abs(shown[scale // 2 :: scale, scale // 2 : 28 * scale : scale].astype(int) - wanted)
    assert off.max() <= 1  # the server's sums may be split differently


def test_paging_brings_other_pictures_and_back(page: "playwright.Page", server: str) -> None:
    visit(page, f"{server}/explore?{DRAWN}")
    page.get_by_test_id("frame-row").nth(3).wait_for()
    first = canvas(page, 0)
    number = page.get_by_role("spinbutton", name="Page")
    number.fill("3")
    number.press("Enter")
    page.wait_for_url(re.compile("page=3"))
    wait_for(lambda: (canvas(page, 0) != first).any())
    number.fill("1")
    number.press("Enter")
    page.wait_for_url(re.compile("^(?!.*page=)"))
    wait_for(lambda: (canvas(page, 0) == first).all())


def test_models_come_and_go(page: "playwright.Page", server: str) -> None:
    visit(page, f"{server}/explore?{DRAWN}")
    rows = page.get_by_test_id("frame-row")
    rows.nth(3).wait_for()
    page.locator("[data-tag]").get_by_label("Remove Linear (32 numbers) · digits-linear").click()
    playwright.expect(rows).to_have_count(3)
    assert "models=digits-linear" not in page.url
    page.get_by_role("combobox", name=re.compile("Models")).click()
    page.get_by_role("option", name="digits-linear").click()
    playwright.expect(rows).to_have_count(4)


def test_a_large_picture_is_denoised_at_its_own_size(page: "playwright.Page", server: str, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    across = np.linspace(60, 200, 900)[None].repeat(700, 0)
    across[::2] += 20  # no ink on an even ground
    Image.fromarray(across.astype(np.uint8)).save(photo)
    visit(page, f"{server}/explore?pictures=Your+picture&models=digits-unet&models=digits-conv&data=Drawn+digits")
    page.locator("input[type=file]").set_input_files(photo)
    page.get_by_role("button", name="Denoise all 0.6 megapixels").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Denoised picture").click()
    with Image.open(download.value.path()) as denoised:
        assert denoised.size == (900, 700)
    assert page.get_by_test_id("divider").count() == 2


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


def test_a_drawn_digit_is_denoised(page: "playwright.Page", server: str) -> None:
    visit(page, f"{server}/explore?pictures=Draw+a+digit&{DRAWN}")
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
