"""The tour in a browser: a clicker's keys, the hidden answer, and the link back to the stop."""

import re

from tests.browser.browsing import READY, browser_tests, playwright

pytestmark = browser_tests


def test_page_keys_change_the_stop_and_a_link_returns_to_it(page: "playwright.Page", server: str) -> None:
    page.goto(server)
    page.get_by_text("Start the tour").click()
    page.get_by_text("Stop 1 of 10").wait_for()
    page.get_by_test_id("listening").first.wait_for(state="attached")
    page.keyboard.press("PageDown")
    page.get_by_text("Stop 2 of 10").wait_for()
    page.get_by_test_id("listening").first.wait_for(state="attached")
    page.keyboard.press("PageUp")
    page.get_by_text("Stop 1 of 10").wait_for()
    answer = page.locator(".st-key-tour_stop details p")
    playwright.expect(answer).to_be_hidden()
    page.locator(".st-key-tour_stop summary").click()
    playwright.expect(answer).to_be_visible()
    # The list of a select box leaves the focus in its field.
    page.goto(f"{server}/compare?tour=9")
    page.get_by_role("combobox", name="Noise").click()
    page.get_by_role("option", name="Masking").click()
    page.wait_for_url(re.compile("noise=Masking"))
    page.wait_for_selector(READY)
    page.keyboard.press("PageDown")
    page.get_by_text("Stop 10 of 10").wait_for()
    page.goto(f"{server}/?tour=1")
    page.get_by_text("Stop 1 of 10").wait_for()
    page.locator(".st-key-to_Train a").click()
    page.get_by_text("Back to stop 1").click()
    page.get_by_text("Stop 1 of 10").wait_for()
