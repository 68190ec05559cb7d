"""Test Compare in a browser: select, sort, click a row, stop, export."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from dae import cli
from dae.data import DATASETS
from dae.evaluation import classical
from tests.browser.browsing import READY, browser_tests, playwright, visit
from tests.helpers import act_until, wait_for
from tests.small_digits import NUM_TUNING_IMAGES, SMALL_DIGITS

pytestmark = browser_tests

MEASURES_WITHOUT_DOWNLOADS = """() => document.querySelector("[data-testid=stProgress]")
  && !document.querySelector(".st-key-downloads")"""
MEASURED = f"""() => document.querySelector('{READY}') && document.querySelector(".st-key-downloads")
  && !document.querySelector("[data-testid=stProgress]")"""
DRAWN = "compared=digits-linear&compared=digits-conv&compared=median&data=Drawn+digits"


@pytest.fixture(scope="module")
def compared(shared_page: "playwright.Page", server: str) -> "playwright.Page":
    """Open the page and wait until everything is measured. The last tests change what it shows."""
    page = shared_page
    visit(page, f"{server}/compare?{DRAWN}")
    unfold(page, "All metrics")
    page.get_by_text("3 noise draws").first.wait_for()
    page.wait_for_selector(READY)
    # Its code is loaded separately.
    page.get_by_test_id("stDataFrame").first.wait_for()
    return page


def unfold(page: "playwright.Page", section: str) -> None:
    """Open a folded section."""
    opened = page.locator("details[open] > summary", has_text=section)
    act_until(page.locator("summary", has_text=section).click, opened.count)


def column(page: "playwright.Page", number: int) -> list[str]:
    """Return the cells of a column of the table from top to bottom."""
    return page.get_by_test_id("stDataFrame").first.locator(f"td[aria-colindex='{number}']").all_inner_texts()


def click_row(page: "playwright.Page", row: int, x: int = 200) -> None:
    """Click a row of the table, which is drawn on a canvas; row 0 is the header."""
    table = page.get_by_test_id("stDataFrame").first
    # The header, the noisy input, two models and a filter.
    row_height = table.bounding_box()["height"] / 5
    table.click(position={"x": x, "y": row_height * (row + 0.5)})


def download(page: "playwright.Page", label: str) -> Path:
    """Press a download button once and return the file."""
    page.wait_for_function(MEASURED)
    if not page.get_by_role("button", name=label, exact=True).is_visible():
        unfold(page, "Download")
    with page.expect_download() as started:
        page.get_by_role("button", name=label, exact=True).click()
    return Path(started.value.path())


def test_exports_equal_the_measurements_of_the_command_line(
    compared: "playwright.Page",
    runs: Path,
    own_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    compared.get_by_text(re.compile(r"Convolutional beats Linear by .* dB")).wait_for()
    shown = pd.read_csv(download(compared, "CSV"), dtype=str).set_index("run")
    monkeypatch.setitem(DATASETS, "digits", SMALL_DIGITS)
    monkeypatch.setattr(classical, "NUM_TUNING_IMAGES", NUM_TUNING_IMAGES)
    command = ["evaluate", "digits-linear", "digits-conv", "median", "--checkpoints", str(runs)]
    command += ["--dataset", "digits", "--noise", "gaussian:0.5", "--limit", "1000", "--draws", "3", "--json"]
    assert cli.main(command) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 4
    for row in rows:
        for metric in ("mse", "psnr_db", "ssim", "l2", "gain_db", "mse_95", "gain_db_95"):
            assert float(shown.loc[row["run"], metric]) == row[metric]
    assert "| Median filter" in download(compared, "Markdown").read_text()
    assert r"\toprule" in download(compared, "LaTeX").read_text()
    unfold(compared, "Every noise level")
    # While the page measures, there is no button whose click would be lost.
    compared.wait_for_function(MEASURES_WITHOUT_DOWNLOADS)
    assert "Plotly.newPlot" in download(compared, "Chart").read_text()
    assert "Content-Security-Policy" in download(compared, "Demo").read_text()


def test_the_chart_of_noise_levels_shows_curves_of_models_and_filters(page: "playwright.Page", server: str) -> None:
    page.goto(f"{server}/compare?compared=digits-linear&compared=median&data=Drawn+digits&noise=Speckle")
    unfold(page, "Every noise level")
    names = page.get_by_test_id("live-chart").locator(".legendtext")
    names.filter(has_text="Linear").wait_for()
    names.filter(has_text="Median filter").wait_for()


def test_presentation_mode_enlarges_the_font_of_the_table(compared: "playwright.Page") -> None:
    compared.get_by_test_id("listening").wait_for(state="attached")
    letters = "parseFloat(getComputedStyle(document.documentElement).fontSize)"
    # The font size changes with the click, before tables read it.
    click = f"() => {{ document.querySelector('.st-key-presentation button').click(); return {letters} }}"
    height = "document.querySelector('[data-testid=stDataFrame]')?.getBoundingClientRect().height"
    usual_size, usual_height = compared.evaluate(letters), compared.evaluate(height)
    for label, large in [("Exit large view", True), ("Large view", False)]:
        size = compared.evaluate(click)
        assert size > 1.2 * usual_size if large else size == usual_size
        compared.get_by_role("button", name=label, exact=True).wait_for()
        compared.wait_for_function(f"Math.abs({height} / {usual_height * size / usual_size} - 1) < 0.05")


def test_the_report_opens_offline(compared: "playwright.Page", chromium: "playwright.Browser", tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_bytes(download(compared, "Report").read_bytes())
    context = chromium.new_context(offline=True)
    page = context.new_page()
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    page.goto(file.as_uri())
    page.locator("table").first.wait_for()
    playwright.expect(page.locator("tbody tr")).to_have_count(4)
    playwright.expect(page.locator("img")).to_have_count(5)
    assert page.locator("img").evaluate_all("nodes => nodes.every(node => node.naturalWidth === 8 * 28)")
    assert not [url for url in urls if url.startswith("http")]
    context.close()


def test_a_click_on_a_row_shows_its_best_and_worst_images(compared: "playwright.Page") -> None:
    rows = compared.get_by_test_id("frame-row")
    heading = compared.get_by_role("heading", name="Best, typical and worst results of Linear")
    act_until(lambda: click_row(compared, 2), heading.count)
    playwright.expect(rows).to_have_count(3)
    numbers = [float(text) for text in rows.nth(2).locator(".numbers span").all_inner_texts()]
    assert len(numbers) == 9 and numbers == sorted(numbers, reverse=True) and numbers[0] > numbers[8] + 3


def test_a_click_on_a_heading_sorts_the_table(compared: "playwright.Page") -> None:
    before = ["Noisy input", "Linear", "Convolutional", "Median filter"]
    wait_for(lambda: column(compared, 1) == before)
    act_until(lambda: click_row(compared, 0, x=150), lambda: column(compared, 1) != before)
    numbers = [float(text) for text in column(compared, 2)]
    assert numbers in (sorted(numbers), sorted(numbers, reverse=True)) and len(numbers) == 4


def test_the_selected_models_are_in_the_url(compared: "playwright.Page") -> None:
    compared.get_by_role("button", name="Models and filters").click()
    compared.locator("[data-tag]").get_by_label("Remove Linear · digits-linear").click()
    wait_for(lambda: column(compared, 1) == ["Noisy input", "Convolutional", "Median filter"])
    assert "digits-linear" not in compared.url and "compared=median" in compared.url


def test_measuring_can_be_stopped_and_continued(page: "playwright.Page", server: str) -> None:
    slow = "compared=digits-conv&compared=non-local-means&data=Drawn+digits&strength_gaussian=0.35"
    page.goto(f"{server}/compare?{slow}", wait_until="domcontentloaded")
    page.get_by_text("Measuring Non-local means").first.wait_for()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_text(re.compile("Stopped: [0-9] of 3 done")).wait_for()
    page.wait_for_selector(READY)
    # Finished measurements stay.
    page.get_by_role("heading", name="Still measuring: Convolutional makes the images").wait_for()
    page.get_by_role("button", name="Continue").click()
    page.get_by_text("Measuring Non-local means").first.wait_for()
    playwright.expect(page.get_by_test_id("stException")).to_have_count(0)
