"""What the code knows in a real browser: pointing at a map, clicking, dragging the noise and a walk."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from dae import data
from tests.browser.browsing import READY, needs_chromium, playwright, visit
from tests.conftest import wait_for

pytestmark = needs_chromium

VIEW = "view=What+the+code+knows&data=Drawn+digits&models=digits-linear&models=digits-conv"
PIXELS = "node => node.toDataURL()"
DRAWING = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
  let sum = 0
  for (let at = 3; at < data.length; at += 4) sum = (sum * 31 + data[at - 3] + data[at]) % 1000003
  return sum
}"""


@pytest.fixture
def mapped(page: "playwright.Page", server: str) -> "playwright.Page":
    """The map of two models, drawn."""
    visit(page, f"{server}/explore?{VIEW}")
    page.get_by_test_id("code-map-canvas").nth(1).wait_for()
    wait_for(lambda: page.get_by_test_id("code-map").get_attribute("data-step") == "0")
    page.get_by_test_id("code-map-canvas").first.scroll_into_view_if_needed()
    return page


def drawn(page: "playwright.Page", panel: int = 0) -> int:
    """A number that tells one drawing of a panel from another."""
    return int(page.get_by_test_id("code-map-canvas").nth(panel).evaluate(DRAWING))


def find(page: "playwright.Page") -> dict[str, float]:
    """A place on the first panel under which there is a picture; the pointer is there afterwards."""
    canvas, card = page.get_by_test_id("code-map-canvas").first, page.get_by_test_id("code-map-card")
    box = canvas.bounding_box()
    for share in np.linspace(0.5, 0.7, 12):
        where = {"x": box["width"] * share, "y": box["height"] / 2}
        canvas.hover(position=where)
        if card.is_visible():
            return where
    raise AssertionError("no picture was found")


def test_pointing_at_a_map_shows_that_test_picture(mapped: "playwright.Page") -> None:
    find(mapped)
    card = mapped.get_by_test_id("code-map-card")
    number = int(card.get_attribute("data-picture") or -1)
    url = card.locator("canvas").evaluate(PIXELS)
    with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as shown:
        seen = np.asarray(shown.convert("L"))
    images = data.load_dataset("digits", "test", limit=2_000)
    assert (seen == images.images[number, 0].numpy()).all()  # pixel by pixel
    assert card.text_content() == f"{images.classes[images.labels[number]]}, picture {number}"
    mapped.mouse.move(0, 0)
    playwright.expect(card).to_be_hidden()


def test_a_click_shows_what_the_models_make_of_the_picture(mapped: "playwright.Page") -> None:
    canvas = mapped.get_by_test_id("code-map-canvas").first
    where = find(mapped)
    number = mapped.get_by_test_id("code-map-card").get_attribute("data-picture")
    canvas.click(position=where)
    row = mapped.get_by_test_id("frame-row")
    row.get_by_text(re.compile(rf", picture {number}$")).wait_for()
    assert "Linear (32 numbers)" in (row.text_content() or "") and "dB" in (row.text_content() or "")


def test_the_noise_moves_the_points_at_once_and_is_told_when_let_go(mapped: "playwright.Page") -> None:
    track, before = mapped.get_by_test_id("code-map-input"), [drawn(mapped, panel) for panel in (0, 1)]
    words = mapped.get_by_test_id("code-map-panel").first
    assert (words.text_content() or "").endswith("clean")
    track.evaluate("node => { node.value = 5; node.dispatchEvent(new Event('input')) }")  # as while it is dragged
    wait_for(lambda: mapped.get_by_test_id("code-map").get_attribute("data-step") == "5")
    assert all(drawn(mapped, panel) != old for panel, old in enumerate(before))
    assert re.search(r"moved by 0\.\d\d of the usual distance", words.text_content() or "")
    assert not mapped.get_by_text("At strength").count()  # Python has not heard of it
    track.evaluate("node => node.dispatchEvent(new Event('change'))")
    mapped.get_by_text(re.compile("At strength 0.50 the code of .* moves by 0")).wait_for()
    track.evaluate("node => { node.value = 0; node.dispatchEvent(new Event('input')) }")
    wait_for(lambda: [drawn(mapped, panel) for panel in (0, 1)] == before)


def test_a_class_can_be_looked_at_alone(mapped: "playwright.Page") -> None:
    before = drawn(mapped)
    only = mapped.get_by_role("button", name="Only 3")
    only.click()
    wait_for(lambda: drawn(mapped) != before)
    assert only.get_attribute("aria-pressed") == "true"
    only.click()
    mapped.mouse.move(0, 0)
    wait_for(lambda: drawn(mapped) == before)


def test_a_map_in_space_turns(mapped: "playwright.Page") -> None:
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


def test_a_walk_is_dragged_and_its_ends_are_chosen(page: "playwright.Page", server: str) -> None:
    visit(page, f"{server}/explore?{VIEW}&part=Walk")
    row = page.get_by_test_id("frame-row")
    row.nth(3).wait_for()  # on the way, and the whole way by two models and without
    track = page.get_by_test_id("frame-slider-input").first

    def picture() -> str:
        return str(row.first.locator("canvas").first.evaluate(PIXELS))

    assert page.get_by_test_id("frame-slider").first.get_attribute("data-step") == "10"
    middle = picture()
    track.focus()
    track.press("Home")
    page.get_by_text("the first picture's code").wait_for()
    start = picture()
    track.press("End")
    page.get_by_text("the second picture's code").wait_for()
    assert len({start, middle, picture()}) == 3
    end = picture()
    page.wait_for_selector(READY)
    page.get_by_role("spinbutton", name="To, picture").fill("2")
    page.get_by_role("spinbutton", name="To, picture").press("Enter")
    page.wait_for_url(re.compile("walk_to_picture=2"))
    wait_for(lambda: picture() != end)
