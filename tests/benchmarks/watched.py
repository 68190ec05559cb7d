"""Training speed while a page is open: python -m tests.benchmarks.watched [--rounds 5]

Measures images per second of one continuous training in phases of 5 s: without a viewer, with a light client on the
websocket of Train, with Train in Chromium, and with Chromium that shows one dream after the other, if it is installed.
The phases take turns. Prints each median, its ratio to that without a viewer, and how long Train takes to answer a
click.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING

from dae.training import RECIPES
from tests.benchmarks.common import describe_machine, run_benchmark
from tests.benchmarks.server import CHROMIUM, browser, dashboard
from tests.benchmarks.viewer import Viewer, start_endless_run, training_speed

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PHASE_S = 5.0
WARM_UP_S = 3.0
NUM_CLICKS = 11


def main() -> None:
    """Print the speed of each phase and the response time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--recipe", default="quick-conv", choices=[name for name in RECIPES if "quick" in name])
    options = parser.parse_args()
    with ExitStack() as stack:
        server = stack.enter_context(dashboard(runs=("mnist-prior",)))
        run = start_endless_run(server, options.recipe, "watched")
        time.sleep(WARM_UP_S)
        phases: dict[str, Callable[[], AbstractContextManager[Callable[[], object]]]] = {
            "no viewer": _without_viewer,
            "light client": lambda: _with_light_client(server.address),
        }
        if CHROMIUM:
            opened = stack.enter_context(browser())
            phases["Chromium"] = lambda: _with_chromium(opened, server.address)
            phases["dreams in Chromium"] = lambda: _with_dreams(opened, server.address)
        speeds: dict[str, list[float]] = {name: [] for name in phases}
        for _ in range(options.rounds):
            for name, start_phase in phases.items():
                with start_phase() as act:
                    speeds[name].append(training_speed(run, act))
        viewer = Viewer(server.address, "train")
        clicks = [viewer.draw() for _ in range(NUM_CLICKS)]
    print(f"{describe_machine()}, {run.config.model}")
    base = statistics.median(speeds["no viewer"])
    for name, values in speeds.items():
        median = statistics.median(values)
        print(f"{name:18} {median:8,.0f} images/s  {median / base:.3f} of no viewer  (n = {len(values)})")
    print(
        f"response to a click: median {statistics.median(clicks):.2f} s, maximum {max(clicks):.2f} s (n = {NUM_CLICKS})"
    )


@contextmanager
def _without_viewer() -> Iterator[Callable[[], object]]:
    """Set up a phase, yield what happens during it, and clean up; so do the others."""
    yield lambda: time.sleep(PHASE_S)


@contextmanager
def _with_light_client(address: str) -> Iterator[Callable[[], object]]:
    viewer = Viewer(address, "train")
    yield lambda: viewer.watch(PHASE_S)
    viewer.close()


@contextmanager
def _with_chromium(opened: "Browser", address: str) -> Iterator[Callable[[], object]]:
    page = opened.new_page(viewport={"width": 1280, "height": 800})
    page.goto(f"{address}/train")
    page.get_by_test_id("live-chart").wait_for()
    page.wait_for_timeout(WARM_UP_S * 1000)
    yield lambda: page.wait_for_timeout(PHASE_S * 1000)
    page.close()


@contextmanager
def _with_dreams(opened: "Browser", address: str) -> Iterator[Callable[[], object]]:
    page = opened.new_page(viewport={"width": 1280, "height": 800})
    page.goto(f"{address}/explore?view=Imagine")
    page.get_by_text("read as a digit").wait_for()
    button = page.get_by_role("button", name="Another dream")
    button.click()

    def dream_on() -> None:
        end = time.monotonic() + PHASE_S
        while time.monotonic() < end:
            if page.get_by_text("read as a digit").count() and page.get_by_role("button", name="Stop").count() == 0:
                button.click()
            page.wait_for_timeout(200)

    yield dream_on
    page.close()


if __name__ == "__main__":
    run_benchmark(main)
