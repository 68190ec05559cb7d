"""Train in a real browser: a run that is watched, left, led and raced."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dae.recipes import RECIPES
from dae.runs import RunDirectory, find_run
from tests.browser.browsing import SLOW_MS, needs_chromium, playwright, step, visit
from tests.conftest import ROOT, wait_for

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def endless(runs: Path) -> str:
    """The name of a run that does not end by itself."""
    config = replace(RECIPES["quick-linear"].config, epochs=10_000, images=1_000)
    return RunDirectory.create(config, root=runs, name="endless").name


@pytest.fixture
def running(page: "playwright.Page", server: str, runs: Path, endless: str) -> Iterator["playwright.Page"]:
    """The page of the endless run while it trains; it is stopped afterwards."""
    visit(page, f"{server}/train?runs={endless}")
    button(page, "Resume").click()
    button(page, "Pause").wait_for()
    wait_for_updates(page, 2)  # the buttons have found their places
    yield page
    visit(page, f"{server}/train?runs={endless}")
    button(page, "Stop").click()
    wait_for(lambda: find_run(endless, runs).state == "stopped")


def button(page: "playwright.Page", name: str) -> "playwright.Locator":
    return page.get_by_role("button", name=name, exact=True)


def press(target: "playwright.Locator") -> None:
    """A click while the page folds or unfolds: a mouse quicker than any hand would be up beside the button."""
    target.dispatch_event("click")


def start(page: "playwright.Page", card: str) -> None:
    """Press the start button of a card, which is folded away while a run is watched."""
    page.get_by_text("Start a run").click()
    press(page.locator(f".st-key-start-{card} button"))


def updates(page: "playwright.Page") -> int:
    return int(page.get_by_test_id("live-chart").get_attribute("data-updates") or 0)


def wait_for_updates(page: "playwright.Page", more: int) -> None:
    page.wait_for_function(
        "least => { const find = root => root.querySelector('[data-testid=live-chart]')"
        " ?? [...root.querySelectorAll('*')].map(e => e.shadowRoot && find(e.shadowRoot)).find(Boolean);"
        " return Number(find(document).dataset.updates) >= least; }",
        arg=updates(page) + more,
    )


def plotted(page: "playwright.Page", script: str) -> Any:
    """What Plotly says of the chart: `script` is an expression over its node."""
    return page.locator(".live-chart .plot").evaluate(f"node => {script}")


def test_train_learns_in_a_chart_that_stays_in_place(page: "playwright.Page", server: str, runs: Path) -> None:
    visit(page, f"{server}/train?runs=digits-conv")
    start(page, "quick-linear")
    page.get_by_text(re.compile("epoch 1 of 5")).wait_for()
    chart = page.get_by_test_id("live-chart")
    chart.wait_for()
    chart.evaluate("node => { node.dataset.mark = 'the same node'; }")
    wait_for_updates(page, 3)
    assert chart.get_attribute("data-mark") == "the same node"
    page.get_by_role("link", name="Explore", exact=True).first.click()  # the run goes on without the page
    page.wait_for_url(re.compile("/explore"))
    page.get_by_role("link", name="Train", exact=True).first.click()
    page.locator(".stMain").get_by_text("finished").first.wait_for(timeout=3 * SLOW_MS)
    assert (runs / "quick-linear" / "model.safetensors").is_file()
    page.get_by_role("link", name="Explore", exact=True).last.click()
    page.wait_for_url(re.compile("models=quick-linear"))
    page.get_by_test_id("frame-row").nth(2).wait_for()


def test_a_run_is_renamed_and_deleted_where_it_is_watched(page: "playwright.Page", server: str, runs: Path) -> None:
    shutil.copytree(ROOT / "checkpoints" / "digits-linear", runs / "spare")
    visit(page, f"{server}/train?runs=spare")
    page.get_by_role("button", name="More").click()
    page.get_by_label("New name").fill("../away")
    page.get_by_role("button", name="Rename").click()  # typed and clicked, without Enter
    page.get_by_text("cannot name a run").wait_for()
    visit(page, f"{server}/train?runs=spare")  # with the menu closed again
    page.get_by_role("button", name="More").click()
    page.get_by_label("New name").fill("renamed")
    page.get_by_role("button", name="Rename").click()
    page.wait_for_url(re.compile("runs=renamed"))
    assert (runs / "renamed").is_dir() and not (runs / "spare").exists()
    visit(page, f"{server}/train?runs=renamed")
    page.get_by_role("button", name="More").click()
    page.get_by_text("Yes, remove this run").click()
    page.get_by_role("button", name="Delete").click()
    page.wait_for_url(lambda address: "renamed" not in address)
    wait_for(lambda: not (runs / "renamed").exists())
    assert page.get_by_text("There is no run").count() == 0


def test_a_zoom_a_hidden_trace_and_the_chart_itself_survive_updates(running: "playwright.Page") -> None:
    page = running
    chart = page.locator(".live-chart .plot")
    wait_for_updates(page, 2)
    chart.evaluate("node => { node.dataset.mark = 'the same node'; }")
    box = page.locator(".live-chart .nsewdrag").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + box["height"] * 0.3)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.8, steps=5)
    page.mouse.up()
    page.locator(".live-chart .legendtoggle").first.click()
    page.wait_for_function(
        "() => { const find = root => root.querySelector('.plot')"
        " ?? [...root.querySelectorAll('*')].map(e => e.shadowRoot && find(e.shadowRoot)).find(Boolean);"
        " return find(document)._fullData.some(trace => trace.visible === 'legendonly'); }"
    )
    ranges = "[node.layout.xaxis.range, node.layout.yaxis.range].flat()"
    hidden = "node._fullData.map(trace => trace.visible)"
    before = plotted(page, ranges), plotted(page, hidden)
    points = plotted(page, "node._fullData.map(trace => trace.x.length)")
    wait_for_updates(page, 5)
    assert (plotted(page, ranges), plotted(page, hidden)) == before and "legendonly" in before[1]
    assert chart.get_attribute("data-mark") == "the same node"
    assert sum(plotted(page, "node._fullData.map(trace => trace.x.length)")) > sum(points)  # it did grow


def test_a_run_outlives_leaving_and_reloading_and_a_second_browser_sees_it(
    running: "playwright.Page", chromium: "playwright.Browser", server: str, runs: Path, endless: str
) -> None:
    page = running
    page.get_by_role("link", name="Compare", exact=True).first.click()
    page.wait_for_url(re.compile("/compare"))
    page.get_by_role("link", name="Train", exact=True).first.click()
    wait_for_updates(page, 2)
    page.reload()
    wait_for_updates(page, 2)
    other = chromium.new_context().new_page()
    other.set_default_timeout(SLOW_MS)
    visit(other, f"{server}/train")  # without being told which run
    other.get_by_text(re.compile(r"epoch \d+ of 10000")).wait_for()
    wait_for_updates(other, 2)
    assert plotted(other, "node._fullData[0].x.length") > 10  # from the beginning, not from when it came
    other.context.close()
    assert find_run(endless, runs).state == "running"


def test_a_click_in_the_moment_in_which_a_part_of_the_page_speaks_is_answered(
    page: "playwright.Page", server: str
) -> None:
    visit(page, f"{server}/train?runs=digits-conv")
    page.get_by_test_id("frame-slider-input").wait_for()
    # One message to the server, sent for what spoke first: the slider, which is redrawn without the rest of the page.
    page.get_by_test_id("frame-slider-input").evaluate(
        "slider => { const folder = document.querySelector('[class*=st-key-launcher] summary');"
        " slider.dispatchEvent(new Event('change')); folder.click(); }"
    )
    page.locator(".st-key-start-race button").wait_for()


def test_pause_holds_a_run_and_go_on_lets_it(running: "playwright.Page", runs: Path, endless: str) -> None:
    button(running, "Pause").evaluate("node => { node.dataset.mark = 'the same node'; }")
    button(running, "Pause").click()
    button(running, "Go on").wait_for()
    assert button(running, "Go on").get_attribute("data-mark") == "the same node"  # it stands still under the pointer
    run = find_run(endless, runs)
    assert run.state == "paused"
    held = run.progress()[-1]["step"]
    button(running, "Go on").click()
    button(running, "Pause").wait_for()
    wait_for(lambda: run.progress()[-1]["step"] > held)


def test_a_second_start_waits_and_says_so(running: "playwright.Page", server: str, runs: Path) -> None:
    start(running, "quick-unet")
    running.get_by_text("Waiting for endless: quick-unet.").wait_for()
    press(running.locator(".st-key-stop-quick-unet button"))  # that of the other run may still stand for a moment
    running.get_by_text("Stopped before it began.").wait_for()
    assert find_run("quick-unet", runs).state == "stopped"


def test_a_run_that_fails_says_why_and_keeps_its_trace(page: "playwright.Page", server: str, runs: Path) -> None:
    config = replace(RECIPES["quick-linear"].config, dataset="folder:/no/such/folder")
    failed = RunDirectory.create(config, root=runs, name="failing")
    visit(page, f"{server}/train?runs=failing")
    button(page, "Resume").click()
    page.get_by_test_id("stAlert").get_by_text("/no/such/folder").wait_for()
    assert failed.state == "failed" and page.locator(".stMain").get_by_text("failed").count()
    assert "Traceback" in (failed.path / "failure.txt").read_text()


def test_a_race_of_two_grows_side_by_side_with_a_verdict(page: "playwright.Page", server: str, runs: Path) -> None:
    visit(page, f"{server}/train?runs=digits-conv")
    start(page, "race")
    page.get_by_text(re.compile("After epoch 1 .*(leads|level)")).wait_for()
    names = set(plotted(page, "node._fullData.map(trace => trace.name.split(',')[0])"))
    assert len(names) == 2 and any("conv" in name for name in names)
    assert page.get_by_test_id("frame-row").count() == 4  # clean, noisy, and one of each
    button(page, "Stop the race").click()
    for name in names:
        wait_for(lambda name=name: find_run(name, runs).state == "stopped")


def test_the_epochs_of_a_finished_run_play_back(page: "playwright.Page", server: str, runs: Path) -> None:
    visit(page, f"{server}/train?runs=digits-conv")
    page.get_by_test_id("frame-row").nth(2).wait_for()
    last = step(page)
    assert last == max(line["epoch"] for line in find_run("digits-conv", runs).progress()) > 3
    track = page.get_by_test_id("frame-slider-input")
    track.focus()
    track.press("Home")
    wait_for(lambda: step(page) == 0)
    page.get_by_test_id("frame-slider-play").click()
    wait_for(lambda: step(page) == last)


def test_a_server_that_is_told_to_end_keeps_the_run_it_was_training(
    page: "playwright.Page", server: str, runs: Path, endless: str
) -> None:
    visit(page, f"{server}/train?runs={endless}")
    button(page, "Resume").click()
    page.get_by_text(re.compile(r"epoch \d+ of 10000")).wait_for()
    # the server ends while this run is being trained: its fixture checks that it goes without a crash
