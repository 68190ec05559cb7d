"""The HTML file of trained models, opened from a file without a network."""

import re
from collections.abc import Callable, Iterator

import pytest

from dae.data import load_dataset
from dae.html_demo import DemoModel, render_demo
from dae.noise import NoiseSpec
from dae.runs import find_run
from tests.browser.browsing import TIMEOUT_MS, browser_tests, playwright
from tests.helpers import ROOT, wait_for

pytestmark = browser_tests


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Write an HTML file with two models; return its address."""
    models = [DemoModel(name, find_run(name, ROOT / "checkpoints").load()) for name in ("digits-linear", "digits-unet")]
    path = tmp_path_factory.mktemp("demo") / "demo.html"
    path.write_text(render_demo(models, load_dataset("digits", "test", limit=100), NoiseSpec("gaussian", 0.5)))
    return path.as_uri()


@pytest.fixture
def demo(chromium: "playwright.Browser", file: str) -> Iterator["playwright.Page"]:
    """Open the file offline; fail on errors, on violations of the policy and on any request but the file itself."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, offline=True)
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    # Violations of the policy are among the errors.
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: problems.append(request.url) if request.url != file else None)
    page.goto(file)
    page.locator("body[data-frames]").wait_for()
    yield page
    context.close()
    assert problems == []


def decibels(page: "playwright.Page", name: str) -> float:
    return float(page.locator(f"#{name}").inner_text().removesuffix(" dB"))


def pixels(page: "playwright.Page", name: str) -> list[int]:
    """Return the red channel of a canvas."""
    script = """(canvas) => Array.from(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data)
      .filter((_, i) => i % 4 === 0)"""
    values: list[int] = page.locator(f"canvas#{name}").evaluate(script)
    return values


def frames(page: "playwright.Page") -> int:
    """Return the number of frames so far."""
    return int(page.locator("body").get_attribute("data-frames") or 0)


def wait_until(condition: Callable[[], bool]) -> None:
    # The policy of the file forbids Playwright's own wait_for_function.
    wait_for(condition)


def test_dragging_makes_fresh_noise_in_each_frame(demo: "playwright.Page") -> None:
    assert 8 < decibels(demo, "noisy-db") < 12 and decibels(demo, "denoised-db") > 15
    playwright.expect(demo.locator("#gain")).to_have_text(re.compile(r"^\+"))
    slider = demo.locator("#level")
    box = slider.bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    demo.mouse.move(box["x"] + box["width"] / 2, middle)
    demo.mouse.down()
    count, seen = frames(demo), pixels(demo, "noisy")
    demo.mouse.move(box["x"] + box["width"] * 0.9, middle, steps=6)
    playwright.expect(demo.locator("#level-text")).to_have_text(re.compile(r"0\.9"))
    wait_until(lambda: frames(demo) > count + 1)
    demo.mouse.up()
    assert decibels(demo, "noisy-db") < 8.5 and pixels(demo, "noisy") != seen
    before = pixels(demo, "noisy")
    demo.get_by_role("button", name="New noise").click()
    wait_until(lambda: pixels(demo, "noisy") != before)
    slider.fill("0")
    playwright.expect(demo.locator("#noisy-db")).to_have_text("identical")
    assert pixels(demo, "noisy") == pixels(demo, "clean")


def test_models_are_switched_and_described(demo: "playwright.Page") -> None:
    noisy, linear = pixels(demo, "noisy"), pixels(demo, "denoised")
    playwright.expect(demo.locator("#sentence")).to_contain_text("Fully connected")
    demo.get_by_role("radio", name="U-Net").check()
    playwright.expect(demo.locator("#sentence")).to_contain_text("116,881 weights")
    assert pixels(demo, "noisy") == noisy and pixels(demo, "denoised") != linear
    playwright.expect(demo.locator("#status")).to_contain_text("denoised by U-Net")
    demo.get_by_text("Model card").click()
    playwright.expect(demo.locator("#card")).to_contain_text("digits-unet")


def test_samples_and_kinds_of_noise_are_chosen(demo: "playwright.Page") -> None:
    first = pixels(demo, "clean")
    demo.get_by_role("button", name="Previous image").click()
    playwright.expect(demo.locator("#position")).to_have_text("20 of 20")
    playwright.expect(demo.locator("#class")).to_have_text("digit 9")
    demo.get_by_role("button", name="Next image").click()
    playwright.expect(demo.locator("#position")).to_have_text("1 of 20")
    demo.locator("#kind").select_option("Masking")
    playwright.expect(demo.locator("#noise-help")).to_contain_text("black")
    wait_until(lambda: all(pair[0] in (0, pair[1]) for pair in zip(pixels(demo, "noisy"), first, strict=True)))
    assert pixels(demo, "clean") == first != pixels(demo, "noisy")


def test_a_drawn_digit_is_denoised_while_it_is_drawn(demo: "playwright.Page") -> None:
    demo.get_by_role("button", name="Draw a digit").click()
    playwright.expect(demo.locator("#hint")).to_be_visible()
    box = demo.locator("#board").bounding_box()
    assert box
    demo.locator("#level").fill("0")
    demo.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.2)
    demo.mouse.down()
    demo.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.8, steps=5)
    # The stroke has not ended.
    wait_until(lambda: pixels(demo, "denoised")[14 * 28 + 14] > 128)
    demo.mouse.up()
    image = pixels(demo, "noisy")
    rows = [row for row in range(28) if any(image[28 * row : 28 * row + 28])]
    assert len(rows) == 20
    playwright.expect(demo.locator("#hint")).to_be_hidden()
    demo.get_by_role("button", name="Clear").click()
    playwright.expect(demo.locator("#hint")).to_be_visible()
    demo.get_by_role("button", name="Back to the samples").click()
    playwright.expect(demo.locator("#class")).to_have_text("digit 0")


def test_the_noise_is_animated_until_stopped(demo: "playwright.Page") -> None:
    demo.get_by_role("button", name="Animate").click()
    count = frames(demo)
    wait_until(lambda: frames(demo) > count + 3)
    demo.get_by_role("button", name="Stop").click()
    playwright.expect(demo.get_by_role("button", name="Animate")).to_have_attribute("aria-pressed", "false")


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen(demo: "playwright.Page", width: int) -> None:
    demo.set_viewport_size({"width": width, "height": 844})
    assert demo.evaluate("document.documentElement.scrollWidth") <= width
    playwright.expect(demo.locator("figure canvas:visible")).to_have_count(3)
