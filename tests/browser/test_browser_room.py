"""The room in a browser: a projector and two phones play a round, and a phone that slept comes back into it.

One phone is light and the other dark; both are checked for accessibility.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.browser.browsing import browser_tests, new_tab, playwright, violations

pytestmark = browser_tests


@pytest.fixture
def phones(chromium: "playwright.Browser") -> Iterator[list["playwright.Page"]]:
    """Open two phones with cookies of their own."""
    with ExitStack() as stack:
        contexts = [
            chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True, color_scheme=scheme)
            for scheme in ("light", "dark")
        ]
        yield [stack.enter_context(new_tab(context)) for context in contexts]
        for context in contexts:
            stack.callback(context.close)


def wake(phone: "playwright.Page", text: str) -> None:
    """Let a phone ask for the state at once, as after a sleep, and wait for a text."""
    phone.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    phone.get_by_text(text).wait_for()


def test_two_phones_play_a_round_and_one_draws(
    page: "playwright.Page", phones: list["playwright.Page"], server: str
) -> None:
    first, second = phones
    page.goto(server)
    page.get_by_role("button", name="Play with the room").click()
    page.get_by_role("button", name="Rehearse on this computer").click()
    address = page.locator(".room-invitation a").inner_text()
    for phone in phones:
        phone.goto(address)
        phone.get_by_text("You are in").wait_for()
    assert not violations(first)
    page.get_by_role("button", name="Guess", exact=True).click()
    page.get_by_text("Round 1 of 6").wait_for()
    wake(first, "Round 1 of 6")
    first.get_by_role("button", name="3", exact=True).tap()
    first.get_by_text("Your answer is 3.").wait_for()
    assert not violations(first)
    assert first.evaluate("document.documentElement.scrollWidth") == 390
    # As after a sleep in which the browser dropped the page.
    first.reload()
    first.get_by_text("Your answer is 3.").wait_for()
    wake(second, "Round 1 of 6")
    second.get_by_role("button", name="8", exact=True).tap()
    page.get_by_text("2 answers").wait_for()
    page.get_by_role("button", name="Reveal the answer").click()
    page.get_by_text(re.compile("of 2 answers (is|are) right")).wait_for()
    for phone in phones:
        wake(phone, "It is a")
        assert not violations(phone)
    page.get_by_role("button", name="End").click()
    page.get_by_role("button", name="Draw", exact=True).click()
    page.get_by_text("Draw a digit on your phone").wait_for()
    wake(second, "Draw a digit")
    assert not violations(second)
    second.locator("#board").click()
    second.get_by_role("button", name="Send to the wall").tap()
    with page.expect_popup() as popup:
        page.get_by_role("link", name="Review").click()
    wake(second, "It waits for the presenter")
    popup.value.get_by_role("button", name="Show", exact=True).click()
    page.get_by_role("button", name="Take down").click()
    popup.value.close()
    page.get_by_text("Draw a digit on your phone").wait_for()
    wake(second, "taken your drawing down")
    page.get_by_role("button", name="End").click()
    page.get_by_role("button", name="Close the room").click()
    page.get_by_role("button", name="Open the room").wait_for()
    wake(first, "You cannot join yet")
    page.locator(".st-key-to_Start a").click()
    page.wait_for_url(server + "/")
