"""The pages in a real browser: what only a browser can show. Skipped, and saying so, where there is none."""

from pathlib import Path

import pytest

from tests.browser.browsing import READY, needs_chromium, playwright, step, visit
from tests.conftest import wait_for

axe = pytest.importorskip("axe_playwright_python")
AXE = (Path(axe.__file__).parent / "axe.min.js").read_text(encoding="utf-8")

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


GROUND = "getComputedStyle(document.querySelector('.stApp')).backgroundColor"


@pytest.mark.parametrize(
    "path, shows",
    [
        ("", "frame-row"),
        ("?large=true", "frame-row"),
        ("train", "live-chart"),
        ("explore", "frame-row"),
        ("explore?view=What+the+code+knows", "code-map-panel"),
        ("explore?view=What+the+code+knows&part=Walk", "frame-row"),
        ("compare", "stDownloadButton"),  # the last that it draws, when all is measured
    ],
)
def test_a_page_has_no_serious_barrier(page: "playwright.Page", server: str, path: str, shows: str) -> None:
    page.emulate_media(color_scheme="light")
    visit(page, f"{server}/{path}")
    page.get_by_test_id(shows).first.wait_for()
    page.wait_for_selector(READY)
    light = in_both_themes(page)
    if "large" not in path:
        page.get_by_role("button", name="What am I looking at?").click()
        page.get_by_role("tab", name="Words").click()
        page.get_by_text("the middle of neighbours").wait_for()
        assert light == in_both_themes(page)


def in_both_themes(page: "playwright.Page") -> str:
    """No barrier in the theme that is shown, nor in the dark one; the colour of the light one's ground."""
    grounds = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.wait_for_function(
            f"matchMedia('(prefers-color-scheme: {theme})').matches && {GROUND} !== {grounds[-1:]!r}[0]"
        )
        grounds.append(page.evaluate(GROUND))
        assert not barriers(page)
    page.emulate_media(color_scheme="light")
    page.wait_for_function(f"{GROUND} === {grounds[0]!r}")
    return grounds[0]


def barriers(page: "playwright.Page") -> list[str]:
    """What axe-core finds serious or critical, colours of small text among it."""
    page.evaluate(AXE)
    found = page.evaluate("axe.run().then(results => results.violations)")
    assert page.evaluate("axe.getRules().length") > 50
    return [
        f"{rule['id']}: {rule['help']} {node['html'][:200]}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


def test_keys_need_no_click_before_them(page: "playwright.Page", server: str) -> None:
    visit(page, server)
    page.get_by_test_id("listening").wait_for(state="attached")
    page.keyboard.press("3")
    page.get_by_role("heading", name="Explore").wait_for()
    page.get_by_test_id("frame-row").nth(1).wait_for()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**level=0.54**")
    page.keyboard.press("h")
    page.get_by_text("Every column is one picture").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("l")
    page.get_by_role("button", name="Leave the large view").wait_for()
    assert "large=true" in page.url


def test_keys_scroll_before_and_after_the_slider_was_moved(page: "playwright.Page", server: str) -> None:
    def top() -> float:
        return float(page.get_by_test_id("stMain").evaluate("main => main.scrollTop"))

    visit(page, f"{server}/explore")
    page.get_by_test_id("frame-row").nth(1).wait_for()
    page.get_by_test_id("listening").wait_for(state="attached")
    page.keyboard.press("ArrowDown")
    wait_for(lambda: top() > 0)
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**level=0.52**")
    before = top()
    page.keyboard.press("PageDown")
    wait_for(lambda: top() > before)
    assert step(page) == 26


def test_space_plays_and_pauses(page: "playwright.Page", server: str) -> None:
    visit(page, server)
    page.get_by_test_id("frame-row").nth(1).wait_for()
    before = step(page)
    page.keyboard.press("Space")
    wait_for(lambda: step(page) > before)
    page.keyboard.press("Space")
    page.get_by_role("button", name="Play").wait_for()


def test_a_key_that_is_typed_into_a_field_does_nothing_else(page: "playwright.Page", server: str) -> None:
    visit(page, f"{server}/explore")
    seed = page.get_by_role("spinbutton", name="Noise seed")
    seed.fill("")
    seed.press("2")
    seed.press("Enter")
    page.wait_for_url("**seed=2**")
    assert "/explore" in page.url


def test_reset_brings_a_first_visit_back(page: "playwright.Page", server: str) -> None:
    visit(page, f"{server}/explore?noise=Masking&seed=7")
    page.get_by_role("button", name="What am I looking at?").click()
    page.get_by_role("tab", name="Presenting").click()
    page.get_by_role("link", name="Reset the demo").click()
    page.get_by_role("heading", name="Can you still read these digits?").wait_for()
    page.get_by_role("link", name="Explore", exact=True).first.click()
    page.get_by_role("heading", name="Explore").wait_for()
    page.wait_for_selector(READY)
    assert "Masking" not in page.url and "seed" not in page.url
    assert page.get_by_role("spinbutton", name="Noise seed").input_value() == "0"


def test_a_door_opens_wherever_it_is_touched(page: "playwright.Page", server: str) -> None:
    visit(page, server)
    page.get_by_test_id("frame-row").nth(1).wait_for()  # what stands above the doors has its height
    page.locator(".st-key-door_Compare a").wait_for()
    page.get_by_text("measured, in one table").click(force=True)  # the link lies over it
    page.wait_for_url("**/compare**")


def test_after_a_click_on_a_noise_the_arrows_move_its_strength(page: "playwright.Page", server: str) -> None:
    visit(page, f"{server}/explore")
    page.get_by_text("Masking", exact=True).click()
    page.wait_for_url("**noise=Masking**")
    page.wait_for_selector(READY)
    before = step(page)
    page.keyboard.press("ArrowLeft")
    wait_for(lambda: step(page) == before - 1)
    assert "noise=Masking" in page.url
