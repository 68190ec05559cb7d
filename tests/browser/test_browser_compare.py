"""Compare in a real browser: choosing, sorting, clicking a line, stopping, taking away."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.browser.browsing import READY, environment, needs_chromium, playwright, visit
from tests.conftest import ROOT, wait_for

pytestmark = needs_chromium

DRAWN = "compared=digits-linear&compared=digits-conv&compared=median&data=Drawn+digits"


@pytest.fixture
def compared(page: "playwright.Page", server: str) -> "playwright.Page":
    """The page with everything measured."""
    visit(page, f"{server}/compare?{DRAWN}")
    page.get_by_text("Take it away").wait_for()
    page.wait_for_selector(READY)
    page.get_by_test_id("stDataFrame").first.wait_for()  # its part of the frontend comes by itself, maybe later
    return page


def column(page: "playwright.Page", number: int) -> list[str]:
    """The cells of one column of the table, as they stand from top to bottom."""
    return page.get_by_test_id("stDataFrame").first.locator(f"td[aria-colindex='{number}']").all_inner_texts()


def click_line(page: "playwright.Page", line: int, across: int = 200) -> None:
    """Click in the table's drawn cells; line 0 is the header."""
    box = page.get_by_test_id("stDataFrame").first.bounding_box()
    each = box["height"] / 5  # header, doing nothing, and three contenders
    page.mouse.click(box["x"] + across, box["y"] + each * (line + 0.5))


def saved(page: "playwright.Page", label: str) -> Path:
    with page.expect_download() as download:
        page.get_by_role("button", name=label, exact=True).click()
    return Path(download.value.path())


def test_what_is_taken_away_is_what_the_command_line_measures(compared: "playwright.Page", runs: Path) -> None:
    compared.get_by_text(re.compile(r"Conv \(64 numbers\) is .* dB clearer than Linear \(32 numbers\)")).wait_for()
    shown = pd.read_csv(saved(compared, "CSV"), dtype=str).set_index("run")
    command = [sys.executable, "-m", "dae", "evaluate", "digits-linear", "digits-conv", "median"]
    command += ["--dataset", "digits", "--noise", "gaussian:0.5", "--limit", "1000", "--json"]
    printed = subprocess.run(command, cwd=ROOT, env=environment(runs), capture_output=True, check=True).stdout
    rows = json.loads(printed)
    assert len(rows) == 4
    for row in rows:
        for metric in ("mse", "psnr_db", "ssim", "l2", "gain_db", "mse_95", "gain_db_95"):
            assert float(shown.loc[row["run"], metric]) == row[metric]
    assert "| Median filter" in saved(compared, "Markdown").read_text()
    assert r"\toprule" in saved(compared, "LaTeX").read_text()
    assert "Plotly.newPlot" in saved(compared, "Chart").read_text()


def test_the_curves_of_models_do_not_wait_for_those_of_filters(page: "playwright.Page", server: str) -> None:
    page.goto(f"{server}/compare?compared=digits-linear&compared=total-variation&data=Drawn+digits&noise=Speckle")
    names = page.get_by_test_id("live-chart").locator(".legendtext")
    names.filter(has_text="Linear (32 numbers)").wait_for()
    assert not page.get_by_text("Take it away").count()
    names.filter(has_text="Total variation").wait_for()  # the same chart, grown


def test_the_letters_of_the_table_are_large_in_the_large_view_alone(compared: "playwright.Page") -> None:
    compared.get_by_test_id("listening").wait_for(state="attached")
    letters = "parseFloat(getComputedStyle(document.documentElement).fontSize)"
    at_once = (
        f"() => {{ document.querySelector('.st-key-stage button').click(); return {letters} }}"  # and only then tables
    )
    height = "document.querySelector('[data-testid=stDataFrame]')?.getBoundingClientRect().height"
    usual, lines = compared.evaluate(letters), compared.evaluate(height)
    for now, large in [("Leave the large view", True), ("Large view", False), ("Leave the large view", True)]:
        size = compared.evaluate(at_once)
        assert size > 1.2 * usual if large else size == usual
        compared.get_by_role("button", name=now, exact=True).wait_for()
        compared.wait_for_function(f"Math.abs({height} / {lines * size / usual} - 1) < 0.05")


def test_the_report_opens_by_itself(
    compared: "playwright.Page", chromium: "playwright.Browser", tmp_path: Path
) -> None:
    file = tmp_path / "report.html"
    file.write_bytes(saved(compared, "Report").read_bytes())
    context = chromium.new_context(offline=True)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    page.locator(".js-plotly-plot .main-svg").first.wait_for()
    assert page.locator("tbody tr").count() == 4 and page.locator("img").count() == 5
    assert page.locator("img").evaluate_all("nodes => nodes.every(node => node.naturalWidth === 8 * 28)")
    assert not [url for url in asked if url.startswith("http")]
    context.close()


def test_a_click_on_a_heading_sorts(compared: "playwright.Page") -> None:
    before = ["Doing nothing", "Linear (32 numbers)", "Conv (64 numbers)", "Median filter"]
    wait_for(lambda: column(compared, 1) == before)
    click_line(compared, 0)
    wait_for(lambda: column(compared, 1) != before)
    numbers = [float(text) for text in column(compared, 2)]
    assert numbers in (sorted(numbers), sorted(numbers, reverse=True)) and len(numbers) == 4


def test_a_click_on_a_line_shows_its_best_and_worst_pictures(compared: "playwright.Page") -> None:
    rows = compared.get_by_test_id("frame-row")
    playwright.expect(rows).to_have_count(5)
    click_line(compared, 2)
    compared.get_by_role("heading", name="Linear (32 numbers): its best, median and worst pictures").wait_for()
    playwright.expect(rows).to_have_count(8)
    numbers = [float(text) for text in rows.nth(2).locator(".numbers span").all_inner_texts()]
    assert len(numbers) == 9 and numbers == sorted(numbers, reverse=True) and numbers[0] > numbers[8] + 3


def test_who_is_compared_is_chosen_and_kept_in_the_address(compared: "playwright.Page") -> None:
    compared.locator("[data-tag]").get_by_label("Remove Linear (32 numbers) · digits-linear").click()
    wait_for(lambda: column(compared, 1) == ["Doing nothing", "Conv (64 numbers)", "Median filter"])
    assert "digits-linear" not in compared.url and "compared=median" in compared.url


def test_long_measuring_can_be_stopped_and_goes_on(page: "playwright.Page", server: str) -> None:
    slow = "compared=digits-conv&compared=non-local-means&data=Drawn+digits&full=true&strength_gaussian=0.35"
    page.goto(f"{server}/compare?{slow}", wait_until="domcontentloaded")
    page.get_by_text("Measuring Non-local means").first.wait_for()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_text(re.compile("Stopped: [0-9] of 5 measurements are missing")).wait_for()
    page.wait_for_selector(READY)
    wait_for(lambda: column(page, 1) == ["Doing nothing", "Conv (64 numbers)"])  # what was measured stays
    page.get_by_role("button", name="Measure the rest").click()
    page.get_by_text("Measuring Non-local means").first.wait_for()
    assert page.get_by_test_id("stException").count() == 0
