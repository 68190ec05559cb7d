"""Test Explore in a browser: drag, links, images of the user, the inspector."""

import base64
import io
import re
from pathlib import Path

import numpy as np
from PIL import Image

from dae.data import datasets
from dae.evaluation import make_denoiser
from dae.noise import NoiseSpec
from dae.runs import find_run
from dae.viz import noise_sweep
from tests.browser.browsing import READY, browser_tests, playwright, step, visit
from tests.helpers import wait_for

pytestmark = browser_tests

DRAWN = "models=digits-linear&models=digits-conv&data=Drawn+digits"
ADD_NOISE = "pictures=Your+image&task=Add+noise+to+it"
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
    """Return the images of a row as drawn, uint8 (H, W, 3)."""
    url = page.get_by_test_id("frame-row").nth(row).locator("canvas").first.evaluate("node => node.toDataURL()")
    with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as shown:
        return np.asarray(shown.convert("RGB"))


def test_a_drag_is_smooth_and_ends_at_the_right_images(page: "playwright.Page", server: str, runs: Path) -> None:
    visit(page, f"{server}/explore?{DRAWN}&level=0.1")
    page.get_by_test_id("frame-row").nth(3).wait_for()
    track = page.get_by_test_id("frame-slider-input")
    track.hover()
    box = track.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.1, middle)
    page.mouse.down()
    page.evaluate(COUNT)
    for share in np.linspace(0.1, 0.9, 60):
        page.mouse.move(box["x"] + box["width"] * share, middle)
    drawn, late = page.evaluate("[window.drawn.size, window.late]")
    assert drawn > 10
    # Each frame is drawn for the current position of the pointer.
    assert late == 0
    page.mouse.up()
    page.wait_for_url(re.compile(r"level=0\.[89]"))
    page.wait_for_selector(READY)
    spec = NoiseSpec("gaussian", noise_sweep.levels(NoiseSpec("gaussian", 0.5))[step(page)])
    images = datasets.load_dataset("digits", "test", limit=8)
    denoiser = make_denoiser(find_run("digits-conv", runs).load(), images)
    sheet = noise_sweep.denoised_sprites(images.to_float(slice(0, 8)), spec, 0, denoiser)
    with Image.open(io.BytesIO(sheet.png)) as whole:
        expected = np.asarray(whole)[28 * step(page) :][:28, :28]
    shown = canvas(page, 3)[..., 0]
    scale = shown.shape[0] // 28
    assert shown.shape[0] == 28 * scale
    difference = np.abs(shown[scale // 2 :: scale, scale // 2 : 28 * scale : scale].astype(int) - expected)
    # The server may add up in another order.
    assert difference.max() <= 1


def test_all_rows_and_the_verdict_are_visible_without_scrolling(page: "playwright.Page", server: str) -> None:
    visit(page, f"{server}/explore")
    rows = page.get_by_test_id("frame-row")
    rows.nth(4).wait_for()
    verdict = page.get_by_text(re.compile("wins here|is closest"))
    for node in (page.get_by_test_id("frame-slider-input"), rows.nth(0), rows.nth(4), verdict):
        playwright.expect(node).to_be_in_viewport(ratio=1)
    assert verdict.bounding_box()["y"] < rows.nth(0).bounding_box()["y"]
    wait_for(lambda: rows.nth(4).locator("canvas").bounding_box()["height"] >= 2 * 28)


def test_the_large_view_shows_few_large_images_on_one_screen(page: "playwright.Page", server: str) -> None:
    page.set_viewport_size({"width": 1920, "height": 1080})
    visit(page, f"{server}/explore?large=true")
    columns = page.get_by_test_id("frame-row")
    columns.nth(4).wait_for()
    verdict = page.get_by_text(re.compile("wins here|is closest"))
    for node in (page.get_by_test_id("frame-slider-input"), columns.nth(0), columns.nth(4), verdict):
        playwright.expect(node).to_be_in_viewport(ratio=1)
    wait_for(lambda: columns.nth(4).locator("canvas").first.bounding_box()["height"] >= 7 * 28)
    seed = page.get_by_role("spinbutton", name="Noise seed")
    playwright.expect(seed).to_be_hidden()
    page.get_by_role("button", name="Options").click()
    seed.wait_for()


def test_a_click_on_the_icon_of_a_tooltip_leaves_the_switch_as_it_is(page: "playwright.Page", server: str) -> None:
    visit(page, f"{server}/explore?view=Inside+the+model&part=Map")
    page.get_by_test_id("listening").wait_for(state="attached")
    switch = page.get_by_role("switch", name="3D")
    page.locator(".st-key-in_space [data-testid=stTooltipIcon]").click()
    playwright.expect(switch).not_to_be_checked()


def test_pages_of_images_can_be_turned(page: "playwright.Page", server: str) -> None:
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
    previous = page.get_by_role("button", name="Previous", exact=True)
    playwright.expect(previous).to_be_disabled()
    page.get_by_role("button", name="Next", exact=True).click()
    page.wait_for_url(re.compile("page=2"))
    wait_for(lambda: (canvas(page, 0) != first).any())
    previous.click()
    page.wait_for_url(re.compile("^(?!.*page=)"))
    wait_for(lambda: (canvas(page, 0) == first).all())


def test_models_can_be_removed_and_added(page: "playwright.Page", server: str) -> None:
    visit(page, f"{server}/explore?{DRAWN}")
    rows = page.get_by_test_id("frame-row")
    rows.nth(3).wait_for()
    page.locator("[data-tag]").get_by_label("Remove Linear · digits-linear").click()
    playwright.expect(rows).to_have_count(3)
    assert "models=digits-linear" not in page.url
    page.get_by_role("combobox", name=re.compile("Models")).click()
    page.get_by_role("option", name="digits-linear").click()
    playwright.expect(rows).to_have_count(4)


def test_a_large_image_is_denoised_at_full_resolution(page: "playwright.Page", server: str, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    across = np.linspace(60, 200, 900)[None].repeat(700, 0)
    # Texture, so that it is not taken for a drawing.
    across[::2] += 20
    Image.fromarray(across.astype(np.uint8)).save(photo)
    visit(page, f"{server}/explore?{ADD_NOISE}&models=digits-unet&models=digits-conv&data=Drawn+digits")
    page.locator("input[type=file]").set_input_files(photo)
    page.get_by_role("button", name="Denoise (0.6 MP)").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Denoised image").click()
    with Image.open(download.value.path()) as denoised:
        assert denoised.size == (900, 700)
    divider = page.get_by_test_id("divider")
    playwright.expect(divider).to_contain_text("Noisy")
    divider.get_by_role("button", name="200%").click()
    playwright.expect(divider).to_have_class(re.compile("zoomed"))
    # Another level keeps the zoom.
    page.get_by_role("slider", name="Noise level").press("ArrowRight")
    playwright.expect(divider).to_contain_text("not denoised yet")
    playwright.expect(divider).to_have_class(re.compile("zoomed"))


def test_the_state_of_explore_is_in_the_url(page: "playwright.Page", server: str) -> None:
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
    url = page.url
    visit(page, url)
    page.get_by_test_id("frame-row").nth(3).wait_for()
    assert step(page) == 50 and page.url == url


def test_a_drawn_digit_is_denoised(page: "playwright.Page", server: str) -> None:
    sent: list[object] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    visit(page, f"{server}/explore?pictures=Draw+a+digit&{DRAWN}")
    page.get_by_text("Draw a digit with your mouse").wait_for()
    page.get_by_test_id("live-answer").wait_for(state="attached")
    page.wait_for_selector(READY)
    # Noisy and two models, beside the board.
    columns, box = page.get_by_test_id("frame-row"), page.get_by_test_id("sketch").bounding_box()
    tops = {round(columns.nth(index).bounding_box()["y"]) for index in range(3)}
    assert len(tops) == 1 and columns.first.bounding_box()["x"] > box["x"] + box["width"]
    empty = canvas(page, 2)
    sent.clear()
    page.mouse.move(box["x"] + 100, box["y"] + 80)
    page.mouse.down()
    page.mouse.move(box["x"] + 180, box["y"] + 80, steps=5)
    page.mouse.move(box["x"] + 120, box["y"] + 220, steps=5)
    # The browser answers before the stroke has ended, without the server.
    wait_for(lambda: canvas(page, 2).sum() > empty.sum() + 1_000)
    assert not sent
    page.mouse.up()
    page.get_by_text(re.compile("Read as|No digit")).wait_for()
    page.wait_for_selector(READY)
    with page.expect_download() as download:
        page.get_by_role("button", name="Images", exact=True).click()
    with Image.open(download.value.path()) as grid:
        # The names of the rows are on the left.
        assert grid.width > 4 * 28 and grid.height == 4 * 4 * 28
        clean = np.asarray(grid)[: 4 * 28, -4 * 28 :]
    # The stroke on black.
    assert clean.max() > 200 and clean[:10].max() < 30
    page.get_by_role("button", name="Clear", exact=True).click()
    page.get_by_text("Draw a digit with your mouse").wait_for()
    # With a filter, which the browser cannot compute, the server answers during the stroke.
    visit(page, f"{server}/explore?pictures=Draw+a+digit&{DRAWN}&filter=Median+filter")
    page.get_by_test_id("frame-row").nth(3).wait_for()
    before = canvas(page, 3)
    page.mouse.move(box["x"] + 100, box["y"] + 80)
    page.mouse.down()
    page.mouse.move(box["x"] + 180, box["y"] + 80, steps=5)
    wait_for(lambda: (canvas(page, 3) != before).any())
    page.mouse.up()


def test_a_damaged_upload_shows_an_error_and_a_valid_one_follows(
    page: "playwright.Page", server: str, tmp_path: Path
) -> None:
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    Image.new("L", (60, 80), 90).save(good)
    bad.write_bytes(good.read_bytes()[:50])
    visit(page, f"{server}/explore?{ADD_NOISE}")
    page.locator("input[type=file]").set_input_files(bad)
    page.get_by_text("damaged or not an image").wait_for()
    page.locator("input[type=file]").set_input_files(good)
    page.get_by_test_id("divider").wait_for()
    page.get_by_text("Also denoise small copies").click()
    page.get_by_text("60 × 80, resized to").wait_for()
    page.get_by_test_id("frame-row").nth(3).wait_for()
    playwright.expect(page.get_by_test_id("stException")).to_have_count(0)


def test_the_inspector_has_a_divider_to_drag(page: "playwright.Page", server: str) -> None:
    visit(page, f"{server}/explore")
    page.get_by_test_id("frame-row").nth(3).wait_for()
    page.get_by_text("Zoom in on one image").click()
    divider = page.get_by_test_id("divider")
    divider.wait_for()
    clip = "node => getComputedStyle(node.querySelector('.after')).clipPath"
    handle, before = divider.locator("input"), divider.evaluate(clip)
    box = handle.bounding_box()
    # Waits until the handle is visible and does not move.
    handle.hover(position={"x": box["width"] / 2, "y": box["height"] / 2})
    page.mouse.down()
    handle.hover(position={"x": box["width"] * 0.9, "y": box["height"] / 2})
    page.mouse.up()
    wait_for(lambda: divider.evaluate(clip) != before)
    assert all(divider.locator("img").evaluate_all("nodes => nodes.map(node => node.naturalWidth === 28)"))
