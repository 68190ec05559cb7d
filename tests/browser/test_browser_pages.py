"""The pages in a real browser: what only a browser can show. Skipped, and saying so, where there is none."""

import pytest

from tests.browser.browsing import needs_chromium, playwright, step, visit

pytestmark = needs_chromium


@pytest.mark.parametrize("path", ["train", "", "explore", "compare"])
def test_a_direct_first_visit_looks_right(page: "playwright.Page", server: str, path: str) -> None:
    page.goto(f"{server}/{path}", wait_until="domcontentloaded")  # Compare goes on measuring
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
