"""Test in a browser: direct visits, accessibility, keyboard shortcuts and the help."""

import pytest

from dae.ui.components.base import ASSETS
from tests.browser.browsing import READY, browser_tests, playwright, step, violations, visit
from tests.helpers import wait_for

pytestmark = browser_tests


def test_the_start_page_denoises_during_a_drag(page: "playwright.Page", server: str) -> None:
    visit(page, server)
    track = page.get_by_test_id("frame-slider-input")
    track.wait_for()
    page.get_by_test_id("frame-row").nth(1).wait_for()
    before, box = step(page), track.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * before / 50, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, middle, steps=8)
    wait_for(lambda: step(page) > before + 5)
    # The images have followed during the drag, without the server.
    page.mouse.up()


GROUND = "getComputedStyle(document.querySelector('.stApp')).backgroundColor"


@pytest.mark.parametrize(
    ("path", "shows", "theme_of_help"),
    [
        ("", "frame-row", "light"),
        # In presentation mode, which has no help.
        ("?large=true", "frame-row", ""),
        ("train", "live-chart", "dark"),
        ("explore", "frame-row", "light"),
        ("explore?view=Inside+the+model", "code-map-panel", "dark"),
        ("explore?view=Inside+the+model&part=Interpolation", "frame-row", ""),
        # Drawn last, when everything is measured.
        ("compare?compared=digits-linear&compared=digits-conv&compared=median", "live-chart", "light"),
    ],
)
def test_a_direct_visit_opens_a_page_without_a_serious_accessibility_violation(
    page: "playwright.Page", server: str, path: str, shows: str, theme_of_help: str
) -> None:
    page.emulate_media(color_scheme="light")
    page.goto(f"{server}/{path}", wait_until="domcontentloaded")
    # Before the script has finished: Compare keeps measuring.
    for name in ("Start", "Train", "Explore", "Compare"):
        page.get_by_role("link", name=name, exact=True).first.wait_for()
    page.locator("h1").wait_for()
    playwright.expect(page.locator("h1")).to_have_count(1)
    assert page.title().endswith("Denoising autoencoders")
    playwright.expect(page.get_by_test_id("stSidebarNav")).to_be_hidden()
    page.get_by_test_id(shows).first.wait_for()
    page.wait_for_selector(READY)
    playwright.expect(page.get_by_test_id("stException")).to_have_count(0)
    light = background(page)
    assert not violations(page)
    if theme_of_help == "light":
        check_help(page)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"{GROUND} !== {light!r}")
    if theme_of_help == "dark":
        check_help(page)
    else:
        assert not violations(page)


def background(page: "playwright.Page") -> str:
    """Return the color of the page's background."""
    return str(page.evaluate(GROUND))


def check_help(page: "playwright.Page") -> None:
    """Open the help of a page and check it; the page stays behind it."""
    page.locator(".st-key-guide button").click()
    page.get_by_role("tab", name="Glossary").click()
    page.get_by_text("a standard benchmark since 1998").wait_for()
    assert not violations(page)


def test_shortcuts_work_without_a_click(page: "playwright.Page", server: str) -> None:
    visit(page, server)
    page.get_by_test_id("listening").wait_for(state="attached")
    page.keyboard.press("3")
    page.get_by_role("heading", name="Explore").wait_for()
    page.get_by_test_id("frame-row").nth(1).wait_for()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**level=0.54**")
    page.keyboard.press("h")
    page.get_by_text("Each row is one model").wait_for()
    drawer, images = page.get_by_role("dialog", name="Help"), page.get_by_test_id("frame-row").first
    wait_for(lambda: images.bounding_box()["x"] + images.bounding_box()["width"] <= drawer.bounding_box()["x"])
    page.keyboard.press("Escape")
    page.keyboard.press("l")
    page.get_by_role("button", name="Exit large view").wait_for()
    assert "large=true" in page.url


def test_keys_scroll_before_and_after_the_slider_is_moved(page: "playwright.Page", server: str) -> None:
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
    page.get_by_role("button", name="Play", exact=True).wait_for()


def test_one_press_of_back_returns_to_the_previous_page_with_its_settings(page: "playwright.Page", server: str) -> None:
    def follow(name: str) -> None:
        page.get_by_role("link", name=name, exact=True).first.click()
        page.get_by_role("heading", name=name).wait_for()
        page.wait_for_selector(READY)

    visit(page, server)
    page.get_by_test_id("listening").wait_for(state="attached")
    entries = page.evaluate("history.length")
    follow("Explore")
    page.get_by_text("Masking", exact=True).click()
    page.wait_for_url("**noise=Masking**")
    page.wait_for_selector(READY)
    page.get_by_test_id("frame-slider-input").press("End")
    page.wait_for_url("**level=1**")
    follow("Compare")
    page.wait_for_url("**compared=**")
    assert page.evaluate("history.length") == entries + 2
    page.go_back()
    page.get_by_role("heading", name="Explore").wait_for()
    assert "noise=Masking" in page.url and "level=1" in page.url
    page.get_by_test_id("frame-row").nth(3).wait_for()
    wait_for(lambda: step(page) == 50)
    # As Streamlit does when a message of the page left, sent before Back was pressed, arrives late.
    page.evaluate("history.pushState({}, '', '/compare')")
    assert page.url.startswith(f"{server}/explore?")
    page.go_back()
    page.get_by_role("heading", name="Can you still read these digits?").wait_for()


def test_a_page_opened_by_its_address_is_one_entry_of_the_history(page: "playwright.Page", server: str) -> None:
    visit(page, f"{server}/explore?level=0.3")
    page.get_by_test_id("frame-row").nth(3).wait_for()
    page.wait_for_selector(READY)
    assert page.evaluate("history.length") == 2 and page.url == f"{server}/explore?level=0.3"


def test_a_key_typed_into_a_field_is_no_shortcut(page: "playwright.Page", server: str) -> None:
    visit(page, f"{server}/explore")
    seed = page.get_by_role("spinbutton", name="Noise seed")
    seed.fill("")
    seed.press("2")
    seed.press("Enter")
    page.wait_for_url("**seed=2**")
    assert "/explore" in page.url


def test_reset_opens_a_new_session(page: "playwright.Page", server: str) -> None:
    visit(page, f"{server}/explore?noise=Masking&seed=7")
    page.locator(".st-key-guide button").click()
    page.get_by_role("tab", name="Presenting").click()
    page.get_by_role("link", name="Start over").click()
    page.get_by_role("heading", name="Can you still read these digits?").wait_for()
    page.get_by_role("link", name="Explore", exact=True).first.click()
    page.get_by_role("heading", name="Explore").wait_for()
    page.wait_for_selector(READY)
    assert "Masking" not in page.url and "seed" not in page.url
    playwright.expect(page.get_by_role("spinbutton", name="Noise seed")).to_have_value("0")


def test_the_whole_card_on_the_start_page_is_a_link(page: "playwright.Page", server: str) -> None:
    visit(page, server)
    # Until then the cards move.
    page.get_by_test_id("frame-row").nth(1).wait_for()
    page.locator(".st-key-door_Compare a").wait_for()
    # Forced, as the link covers the text.
    page.get_by_text("Which is best?").click(force=True)
    page.wait_for_url("**/compare**")


def test_arrows_move_the_slider_after_a_click_on_a_kind_of_noise(page: "playwright.Page", server: str) -> None:
    visit(page, f"{server}/explore")
    page.get_by_text("Masking", exact=True).click()
    page.wait_for_url("**noise=Masking**")
    page.wait_for_selector(READY)
    before = step(page)
    page.keyboard.press("ArrowLeft")
    wait_for(lambda: step(page) == before - 1)
    assert "noise=Masking" in page.url


def test_a_component_ignores_a_message_that_a_newer_one_has_overtaken(page: "playwright.Page") -> None:
    received = page.evaluate(
        """async (source) => {
            const { mounted } = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })))
            const received = [], parentElement = {}
            const run = mounted(() => ({ receive: ({ name }) => received.push(name), end() {} }))
            for (const [stamp, name] of [[2, "new"], [1, "old"], [2, "again"], [3, "newer"]])
                run({ data: { stamp, name }, parentElement, setStateValue() {} })
            return received
        }""",
        (ASSETS / "common.js").read_text(),
    )
    assert received == ["new", "again", "newer"]
