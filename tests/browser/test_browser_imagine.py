"""Test Imagine in a browser: dreams, answers, completions, filters; and the predicted errors on Explore."""

import re
import shutil
from pathlib import Path

from tests.browser.browsing import READY, browser_tests, playwright, visit
from tests.helpers import ROOT

pytestmark = browser_tests

VIEW = "view=Imagine&models=digits-linear&models=digits-conv"


def address(server: str, part: str) -> str:
    """Return the address of a part of the view."""
    return f"{server}/explore?{VIEW}&imagine={part}"


def test_the_steps_of_a_dream_can_be_dragged_and_its_link_reproduces_it(page: "playwright.Page", server: str) -> None:
    visit(page, address(server, "Dream"))
    slider = page.get_by_test_id("frame-slider")
    page.get_by_text(re.compile(r"\d+ of 24 read as a digit")).wait_for()
    playwright.expect(slider).to_have_attribute("data-step", "4")
    image = "node => node.toDataURL()"
    canvas = page.get_by_test_id("frame-row").first.locator("canvas").first
    end = canvas.evaluate(image)
    track = page.get_by_test_id("frame-slider-input")
    track.focus()
    track.press("Home")
    playwright.expect(slider).to_have_attribute("data-step", "0")
    noise = canvas.evaluate(image)
    assert noise != end
    page.get_by_role("button", name="Another dream").click()
    page.wait_for_url(re.compile("imagine_seed=1"))
    page.get_by_text(re.compile(r"\d+ of 24 read as a digit")).wait_for()
    visit(page, address(server, "Dream"))
    page.get_by_text(re.compile(r"\d+ of 24 read as a digit")).wait_for()
    playwright.expect(slider).to_have_attribute("data-step", "4")
    assert canvas.evaluate(image) == end


def test_answers_to_a_noisy_digit_have_readings_and_are_compared_with_memory(
    page: "playwright.Page", server: str
) -> None:
    visit(page, address(server, "What+else+could+it+be?"))
    page.get_by_text(re.compile(r"reads? as .*\.$")).first.wait_for()
    page.get_by_text("Compare with memory").click()
    page.get_by_text(re.compile("perfect memory", re.IGNORECASE)).first.wait_for()
    page.wait_for_url(re.compile("imagine_memory=true"))


def test_a_part_can_be_wiped_away_and_its_completions_have_readings(page: "playwright.Page", server: str) -> None:
    visit(page, address(server, "Complete+it"))
    page.get_by_text("Right", exact=True).click()
    page.wait_for_url(re.compile("imagine_hidden=Right"))
    page.get_by_text(re.compile(r"reads? as .*\.$")).first.wait_for()
    # The first stroke of the pointer replaces the hidden part, and the second one adds to it.
    board = page.get_by_test_id("wiping-board")
    box = board.locator(".board").bounding_box()
    hidden = []
    for row in (3.5, 9.5):
        page.mouse.move(box["x"] + box["width"] * 4.5 / 14, box["y"] + box["height"] * row / 14)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 8.5 / 14, box["y"] + box["height"] * row / 14)
        page.mouse.up()
        cells = board.get_attribute("data-cells")
        hidden.append([cell for cell in range(14**2) if cells[cell] == "1"])
        page.wait_for_url(re.compile(f"imagine_wiped={int(cells, 2):049x}"))
    assert set(hidden[0]) < set(hidden[1])
    assert {3 * 14 + column for column in range(4, 9)} <= set(hidden[0]) and 9 * 14 + 6 not in hidden[0]
    visit(page, page.url)
    playwright.expect(board).to_have_attribute("data-cells", cells)


def test_the_pixel_filters_follow_a_click_and_an_arrow_key(page: "playwright.Page", server: str) -> None:
    visit(page, address(server, "Why+this+pixel?"))
    canvas = page.get_by_test_id("pixel-canvas").first
    box = canvas.bounding_box()
    canvas.click(position={"x": box["width"] * 2.5 / 28, "y": box["height"] * 20.5 / 28})
    page.wait_for_url(re.compile("imagine_pixel=20%2C2"))
    canvas.press("ArrowRight")
    page.wait_for_url(re.compile("imagine_pixel=20%2C3"))
    page.wait_for_selector(READY)
    playwright.expect(page.get_by_test_id("pixel-filters")).to_have_attribute("data-pixel", "20,3")


def test_the_error_is_predicted_at_the_level_of_the_slider(page: "playwright.Page", server: str, runs: Path) -> None:
    # The other models were trained on clipped noise, for which the prediction does not hold.
    shutil.copytree(ROOT / "checkpoints" / "mnist-prior", runs / "prior")
    try:
        visit(page, f"{server}/explore?data=Drawn+digits&models=prior&sure=true")
        row = page.get_by_test_id("frame-row").filter(has_text="How sure is it?")
        predicted = row.get_by_text(re.compile(r"^\d+\.\d dB predicted, \d+\.\d true$"))
        predicted.wait_for()
        before = predicted.inner_text()
        page.get_by_test_id("frame-slider-input").press("End")
        playwright.expect(predicted).not_to_have_text(before)
        predicted.wait_for()
        page.wait_for_url("**sure=true**")
    finally:
        shutil.rmtree(runs / "prior")
