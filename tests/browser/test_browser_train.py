"""Test Train in a browser: watch, leave, pause and race runs."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dae.runs import ACTIVE_STATES, Run, find_run, list_runs
from dae.training import RECIPES
from tests.benchmarks.viewer import Viewer
from tests.browser.browsing import TIMEOUT_MS, browser_tests, playwright, step, visit
from tests.helpers import ROOT, wait_for

pytestmark = browser_tests


@pytest.fixture(scope="module", autouse=True)
def _stop_trainings(runs: Path) -> Iterator[None]:
    """Stop what tests have started, as it would slow down all later tests."""
    yield
    active = [run for run in list_runs(runs) if run.state in ACTIVE_STATES]
    for run in active:
        run.status.request_stop()
    wait_for(lambda: not any(run.state in ACTIVE_STATES for run in active))


@pytest.fixture(scope="module")
def endless(server: str, runs: Path) -> Iterator[str]:
    """Start a run that does not end by itself and return its name; stop it after the last test."""
    run = Run.create(replace(RECIPES["quick-linear"].config, epochs=10_000), root=runs, name="endless")
    presenter = Viewer(server, "train", "runs=endless")
    presenter.press("resume-endless")
    presenter.close()
    yield run.name
    run.status.request_stop()
    wait_for(lambda: run.state == "stopped")


@pytest.fixture(scope="module")
def running(shared_page: "playwright.Page", server: str, endless: str) -> "playwright.Page":
    """Open the page of the endless run, which trains. Each test leaves it there."""
    page = shared_page
    visit(page, f"{server}/train?runs={endless}")
    button(page, "Pause").wait_for()
    # Until then the buttons move.
    wait_for_updates(page, 2)
    return page


def button(page: "playwright.Page", name: str) -> "playwright.Locator":
    return page.get_by_role("button", name=name, exact=True)


def press(target: "playwright.Locator") -> None:
    """Click a button that may move: the mouse of a test is faster than any hand and would miss it."""
    target.dispatch_event("click")


def start(page: "playwright.Page", card: str) -> None:
    """Press the button that starts a training."""
    press(page.locator(f".st-key-start-{card} button").first)


def updates(page: "playwright.Page") -> int:
    return int(page.get_by_test_id("live-chart").get_attribute("data-updates") or 0)


def wait_for_updates(page: "playwright.Page", more: int) -> None:
    least = updates(page) + more
    wait_for(lambda: updates(page) >= least)


def plotted(page: "playwright.Page", script: str) -> Any:
    """Evaluate a JavaScript expression over the `node` of the Plotly chart."""
    return page.locator(".live-chart .plot").evaluate(f"node => {script}")


def test_a_training_finishes_while_another_page_is_open_and_links_to_its_model(
    page: "playwright.Page", server: str, runs: Path
) -> None:
    run = Run.create(replace(RECIPES["quick-linear"].config, epochs=5), root=runs, name="short")
    visit(page, f"{server}/train?runs=short")
    button(page, "Continue training").click()
    wait_for(run.progress)
    page.get_by_role("link", name="Explore", exact=True).first.click()
    page.wait_for_url(re.compile("/explore"))
    page.get_by_role("link", name="Train", exact=True).first.click()
    page.locator(".stMain").get_by_text("finished").first.wait_for()
    assert (runs / "short" / "model.safetensors").is_file()
    # Not the link of the header: that of the run follows the headline.
    page.locator(".stMain a[href*='models=short']").first.click()
    page.wait_for_url(re.compile("models=short"))
    page.get_by_test_id("frame-row").nth(2).wait_for()


def test_a_watched_run_can_be_renamed_and_deleted(page: "playwright.Page", server: str, runs: Path) -> None:
    shutil.copytree(ROOT / "checkpoints" / "digits-linear", runs / "spare")
    visit(page, f"{server}/train?runs=spare")
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_label("New name").fill("///")
    # Without Enter after the text.
    page.get_by_role("button", name="Rename").click()
    page.get_by_text("cannot name a run").wait_for()
    # Closes the menu.
    visit(page, f"{server}/train?runs=spare")
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_label("New name").fill("renamed")
    page.get_by_role("button", name="Rename").click()
    page.wait_for_url(re.compile("runs=renamed"))
    assert (runs / "renamed").is_dir() and not (runs / "spare").exists()
    visit(page, f"{server}/train?runs=renamed")
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_text("Yes, delete this model").click()
    page.get_by_role("button", name="Delete").click()
    page.wait_for_url(lambda address: "renamed" not in address)
    wait_for(lambda: not (runs / "renamed").exists())
    playwright.expect(page.get_by_text("There is no run")).to_have_count(0)


def test_a_click_sent_together_with_the_state_of_a_component_is_handled(page: "playwright.Page", server: str) -> None:
    visit(page, f"{server}/train?runs=digits-conv")
    page.get_by_test_id("frame-slider-input").wait_for()
    # One message to the server, which first reruns the fragment of the slider.
    page.get_by_test_id("frame-slider-input").evaluate(
        "slider => { const more = document.querySelector('.st-key-open-recipes button');"
        " slider.dispatchEvent(new Event('change')); more.click(); }"
    )
    page.locator(".st-key-start-twins button").first.wait_for()


def test_a_failed_run_shows_the_reason_and_keeps_its_traceback(
    page: "playwright.Page", server: str, runs: Path
) -> None:
    config = replace(RECIPES["quick-linear"].config, dataset="folder:/no/such/folder")
    failed = Run.create(config, root=runs, name="failing")
    visit(page, f"{server}/train?runs=failing")
    button(page, "Continue training").click()
    page.get_by_test_id("stAlert").get_by_text("/no/such/folder").wait_for()
    playwright.expect(page.locator(".stMain").get_by_text("failed").first).to_be_visible()
    assert failed.state == "failed"
    assert "Traceback" in (failed.path / "failure.txt").read_text()


def test_a_race_is_drawn_in_one_chart_with_its_leader(page: "playwright.Page", server: str, runs: Path) -> None:
    visit(page, f"{server}/train?runs=digits-conv")
    start(page, "race")
    page.get_by_text(re.compile("(leads by|are tied)")).wait_for()
    names = set(plotted(page, "node._fullData.map(trace => trace.name.split(',')[0])"))
    assert names == {"Linear", "Convolutional", "U-Net"}
    # Clean, noisy, and two per model: its outputs, and the filters of its first layer.
    rows = page.get_by_test_id("frame-row")
    playwright.expect(rows).to_have_count(8)
    # The outputs of all models are visible without scrolling.
    playwright.expect(rows.nth(4)).to_be_in_viewport(ratio=1)
    wait_for(lambda: rows.nth(4).locator("canvas").bounding_box()["height"] >= 2 * 28)
    button(page, "Stop the race").click()
    for name in ("quick-linear", "quick-conv", "quick-unet"):
        wait_for(lambda name=name: find_run(name, runs).state == "stopped")


def test_the_epochs_of_a_finished_run_are_replayed(page: "playwright.Page", server: str, runs: Path) -> None:
    visit(page, f"{server}/train?runs=digits-conv")
    page.get_by_test_id("frame-row").nth(2).wait_for()
    last = step(page)
    previews = find_run("digits-conv", runs).path / "previews"
    assert last == sum(path.name.startswith(("epoch-", "step-")) for path in previews.iterdir()) - 1 > 3
    track = page.get_by_test_id("frame-slider-input")
    track.focus()
    track.press("Home")
    wait_for(lambda: step(page) == 0)
    page.get_by_test_id("frame-slider-play").click()
    wait_for(lambda: step(page) == last)


# The tests below watch one run, which keeps the queue busy.


def test_zoom_and_hidden_traces_survive_updates_of_the_chart(running: "playwright.Page") -> None:
    page = running
    chart = page.locator(".live-chart .plot")
    wait_for_updates(page, 2)
    for node in (chart, page.get_by_test_id("live-chart")):
        node.evaluate("node => { node.dataset.mark = 'the same node'; }")
    box = page.locator(".live-chart .nsewdrag").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + box["height"] * 0.3)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.8, steps=5)
    page.mouse.up()
    page.locator(".live-chart .legendtoggle").first.click()
    hidden = "node._fullData.map(trace => trace.visible)"
    wait_for(lambda: "legendonly" in plotted(page, hidden))
    ranges = "[node.layout.xaxis.range, node.layout.yaxis.range].flat()"
    before = plotted(page, ranges), plotted(page, hidden)
    points = plotted(page, "node._fullData.map(trace => trace.x.length)")
    wait_for_updates(page, 5)
    assert (plotted(page, ranges), plotted(page, hidden)) == before and "legendonly" in before[1]
    assert chart.get_attribute("data-mark") == "the same node"
    assert page.get_by_test_id("live-chart").get_attribute("data-mark") == "the same node"
    # The traces did grow.
    assert sum(plotted(page, "node._fullData.map(trace => trace.x.length)")) > sum(points)


def test_the_filters_of_the_first_layer_follow_the_slider_while_they_are_learned(running: "playwright.Page") -> None:
    page = running
    wait_for(lambda: step(page) > 0)
    row, track = page.get_by_test_id("frame-row").last, page.get_by_test_id("frame-slider-input")
    row.get_by_text("Filters").wait_for()
    picture = "node => node.querySelector('canvas').toDataURL()"
    track.press("Home")
    wait_for(lambda: step(page) == 0)
    untrained = row.evaluate(picture)
    # The slider stays where the user has moved it.
    wait_for_updates(page, 3)
    assert step(page) == 0
    track.press("End")
    wait_for(lambda: row.evaluate(picture) != untrained)


def test_a_training_survives_a_reload_and_a_second_browser_shows_it(
    running: "playwright.Page", chromium: "playwright.Browser", server: str, runs: Path, endless: str
) -> None:
    page = running
    page.get_by_role("link", name="Explore", exact=True).first.click()
    page.wait_for_url(re.compile("/explore"))
    page.get_by_role("link", name="Train", exact=True).first.click()
    wait_for_updates(page, 2)
    page.reload()
    wait_for_updates(page, 2)
    other = chromium.new_context().new_page()
    other.set_default_timeout(TIMEOUT_MS)
    # The page selects the run that trains.
    visit(other, f"{server}/train")
    other.get_by_text(re.compile(r"Epoch \d+ of 10000")).wait_for()
    wait_for_updates(other, 2)
    # The curve starts at the first step, not at the visit.
    assert plotted(other, "node._fullData[0].x.length") > 10
    other.context.close()
    assert find_run(endless, runs).state == "running"


def test_a_training_can_be_paused_and_resumed(running: "playwright.Page", runs: Path, endless: str) -> None:
    button(running, "Pause").evaluate("node => { node.dataset.mark = 'the same node'; }")
    button(running, "Pause").click()
    button(running, "Resume").wait_for()
    # The button does not move under the pointer.
    assert button(running, "Resume").get_attribute("data-mark") == "the same node"
    run = find_run(endless, runs)
    assert run.state == "paused"
    paused_step = run.progress()[-1]["step"]
    button(running, "Resume").click()
    button(running, "Pause").wait_for()
    wait_for(lambda: run.progress()[-1]["step"] > paused_step)


def test_a_second_training_waits_and_can_be_cancelled(running: "playwright.Page", server: str, runs: Path) -> None:
    start(running, "quick-unet")
    # The view stays at the training.
    running.get_by_role("button", name="Next: U-Net").click()
    # By key: the button of the other run may still be visible for a moment. Another test may have taken the name.
    press(running.locator('[class*="st-key-stop-quick-unet"] button'))
    running.get_by_text("Canceled before it started.").wait_for()
    assert next(run for run in list_runs(runs) if run.name.startswith("quick-unet")).state == "stopped"
