"""Test Inside the model in a browser: hover over a map, click it, drag the noise level and an interpolation."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from dae.data import datasets
from tests.browser.browsing import READY, browser_tests, playwright, visit
from tests.helpers import wait_for
from tests.small_digits import NUM_IMAGES

pytestmark = browser_tests

VIEW = "view=Inside+the+model&map_by=PCA&data=Drawn+digits&models=digits-linear&models=digits-conv"
PIXELS = "node => node.toDataURL()"
DRAWING = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
  let sum = 0
  for (let at = 3; at < data.length; at += 4) sum = (sum * 31 + data[at - 3] + data[at]) % 1000003
  return sum
}"""

# Positions in CSS pixels where something is drawn, from the center outwards.
DRAWN_POSITIONS = """(canvas) => {
  const { width, height, clientWidth, clientHeight } = canvas
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height)
  const found = []
  for (let y = 0; y < height; y += 3) for (let x = 0; x < width; x += 3)
    if (data[4 * (y * width + x) + 3] > 200) found.push([x * clientWidth / width, y * clientHeight / height])
  const distance = ([x, y]) => Math.hypot(x - clientWidth / 2, y - clientHeight / 2)
  return found.sort((one, other) => distance(one) - distance(other)).slice(0, 30)
}"""


def open_map(page: "playwright.Page", server: str) -> "playwright.Page":
    """Open the map of two models."""
    visit(page, f"{server}/explore?{VIEW}")
    page.get_by_test_id("code-map-canvas").nth(1).wait_for()
    wait_for(lambda: page.get_by_test_id("code-map").get_attribute("data-step") == "0")
    page.get_by_test_id("code-map-canvas").first.scroll_into_view_if_needed()
    return page


@pytest.fixture
def mapped(page: "playwright.Page", server: str) -> "playwright.Page":
    """Open the map in a new tab."""
    return open_map(page, server)


@pytest.fixture(scope="module")
def shared_map(shared_page: "playwright.Page", server: str) -> "playwright.Page":
    """Open the map for tests that leave it as it was."""
    return open_map(shared_page, server)


def drawn(page: "playwright.Page", panel: int = 0) -> int:
    """Return a checksum of the drawing of a panel."""
    return int(page.get_by_test_id("code-map-canvas").nth(panel).evaluate(DRAWING))


def hover_over_image(page: "playwright.Page") -> dict[str, float]:
    """Move the pointer to an image of the first panel and return its position."""
    canvas, card = page.get_by_test_id("code-map-canvas").first, page.get_by_test_id("code-map-card")
    for x, y in canvas.evaluate(DRAWN_POSITIONS):
        position = {"x": x, "y": y}
        canvas.hover(position=position)
        if card.is_visible():
            return position
    raise AssertionError("There is no image at these positions.")


def test_hovering_over_a_map_shows_the_test_image(shared_map: "playwright.Page") -> None:
    hover_over_image(shared_map)
    card = shared_map.get_by_test_id("code-map-card")
    number = int(card.get_attribute("data-picture") or -1)
    url = card.locator("canvas").evaluate(PIXELS)
    with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as shown:
        seen = np.asarray(shown.convert("L"))
    images = datasets.load_dataset("digits", "test", limit=NUM_IMAGES["test"])
    assert (seen == images.images[number, 0].numpy()).all()
    playwright.expect(card).to_have_text(f"{images.classes[images.labels[number]]}, image {number + 1}")
    shared_map.mouse.move(0, 0)
    playwright.expect(card).to_be_hidden()


def test_a_click_shows_the_denoised_image(mapped: "playwright.Page") -> None:
    canvas = mapped.get_by_test_id("code-map-canvas").first
    position = hover_over_image(mapped)
    number = int(mapped.get_by_test_id("code-map-card").get_attribute("data-picture") or -1)
    canvas.click(position=position)
    row = mapped.get_by_test_id("frame-row")
    row.get_by_text(re.compile(rf", image {number + 1}$")).wait_for()
    playwright.expect(row).to_contain_text(re.compile("Linear.*dB"))


def test_a_drag_moves_the_points_and_is_reported_at_its_end(mapped: "playwright.Page") -> None:
    track, before = mapped.get_by_test_id("code-map-input"), [drawn(mapped, panel) for panel in (0, 1)]
    words = mapped.get_by_test_id("code-map-panel").first
    playwright.expect(words).to_have_text(re.compile("no noise$"))
    # As during a drag.
    track.evaluate("node => { node.value = 5; node.dispatchEvent(new Event('input')) }")
    wait_for(lambda: mapped.get_by_test_id("code-map").get_attribute("data-step") == "5")
    assert all(drawn(mapped, panel) != old for panel, old in enumerate(before))
    playwright.expect(words).to_have_text(re.compile(r"moved \d+% of the typical distance"))
    # The drag has not ended, so Python has not received it.
    assert not mapped.get_by_text("At noise level").count()
    track.evaluate("node => node.dispatchEvent(new Event('change'))")
    mapped.get_by_text(re.compile("At noise level 0.50, the code of .* moves by")).wait_for()
    track.evaluate("node => { node.value = 0; node.dispatchEvent(new Event('input')) }")
    wait_for(lambda: [drawn(mapped, panel) for panel in (0, 1)] == before)


def test_one_class_can_be_selected(shared_map: "playwright.Page") -> None:
    before = drawn(shared_map)
    only = shared_map.get_by_role("button", name="Only 3")
    only.click()
    wait_for(lambda: drawn(shared_map) != before)
    playwright.expect(only).to_have_attribute("aria-pressed", "true")
    only.click()
    shared_map.mouse.move(0, 0)
    wait_for(lambda: drawn(shared_map) == before)


def test_a_map_in_3d_can_be_rotated(mapped: "playwright.Page") -> None:
    flat = drawn(mapped)
    mapped.locator(".st-key-in_space label").first.click()
    mapped.wait_for_url(re.compile("in_space=true"))
    wait_for(lambda: drawn(mapped) != flat)
    mapped.wait_for_selector(READY)
    before, box = drawn(mapped), mapped.get_by_test_id("code-map-canvas").first.bounding_box()
    mapped.mouse.move(box["x"] + 40, box["y"] + 40)
    mapped.mouse.down()
    mapped.mouse.move(box["x"] + 140, box["y"] + 60, steps=4)
    mapped.mouse.up()
    wait_for(lambda: drawn(mapped) != before)


def test_an_interpolation_is_dragged_and_its_ends_are_selected(page: "playwright.Page", server: str) -> None:
    visit(page, f"{server}/explore?{VIEW}&part=Interpolation")
    row = page.get_by_test_id("frame-row")
    # The position, and the full sequence by two models and by a cross-fade.
    row.nth(3).wait_for()
    track = page.get_by_test_id("frame-slider-input").first

    def image() -> str:
        return str(row.first.locator("canvas").first.evaluate(PIXELS))

    playwright.expect(page.get_by_test_id("frame-slider").first).to_have_attribute("data-step", "10")
    middle = image()
    track.focus()
    track.press("Home")
    page.get_by_text("the first image's code").wait_for()
    start = image()
    track.press("End")
    page.get_by_text("the second image's code").wait_for()
    assert len({start, middle, image()}) == 3
    end = image()
    page.wait_for_selector(READY)
    page.get_by_role("spinbutton", name="To, image no.").fill("2")
    page.get_by_role("spinbutton", name="To, image no.").press("Enter")
    page.wait_for_url(re.compile("walk_to_picture=2"))
    wait_for(lambda: image() != end)
