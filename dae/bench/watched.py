"""How much slower a model learns while somebody watches: python -m dae.bench.watched [--rounds 5]

One run trains all the time. Phases without a viewer, with a light client on the page's websocket and with Chromium
take turns, so that whatever else the machine does falls on all of them.
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from dae.bench import told
from dae.bench.server import CHROMIUM, browser, dashboard
from dae.bench.viewer import Viewer
from dae.recipes import RECIPES
from dae.runs import RunDirectory

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PHASE_S = 5.0
SETTLE_S = 3.0


def main() -> None:
    """Print images a second in each phase, the ratio of the medians, and how long a click waits."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--recipe", default="quick-conv", choices=[name for name in RECIPES if "quick" in name])
    asked = parser.parse_args()
    with ExitStack() as stack:
        address, folder, _ = stack.enter_context(dashboard())
        config = replace(RECIPES[asked.recipe].config, epochs=10_000)
        run = RunDirectory.create(config, root=folder, name="watched")
        first = Viewer(address, "train")
        first.press("resume-watched")
        while not run.progress():
            first.watch(1.0)
        first.close()
        time.sleep(SETTLE_S)
        phases: dict[str, Callable[[], Iterator[None]]] = {"nobody": _nobody, "light client": lambda: _light(address)}
        if CHROMIUM:
            opened = stack.enter_context(browser())
            phases["Chromium"] = lambda: _chromium(opened, address)
        speeds: dict[str, list[float]] = {name: [] for name in phases}
        for _ in range(asked.rounds):
            for name, watching in phases.items():
                phase = watching()
                next(phase)
                begin = run.progress()[-1]
                next(phase)
                end = run.progress()[-1]
                next(phase, None)
                steps, seconds = end["step"] - begin["step"], end["seconds"] - begin["seconds"]
                speeds[name].append(steps * config.batch_size / seconds)
        clicker = Viewer(address, "train")
        clicks = [clicker.draw() for _ in range(11)]
        print(f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}, {config.model}")
        for name, own in speeds.items():
            ratio = statistics.median(own) / statistics.median(speeds["nobody"])
            print(f"{name:14} {statistics.median(own):8,.0f} images/s  {ratio:.3f} of unwatched  (n = {len(own)})")
        print(
            f"a click is answered within {max(clicks):.2f} s, {statistics.median(clicks):.2f} s in the median (n = 11)"
        )


def _nobody() -> Iterator[None]:
    yield
    time.sleep(PHASE_S)
    yield


def _light(address: str) -> Iterator[None]:
    viewer = Viewer(address, "train")
    yield
    viewer.watch(PHASE_S)
    yield
    viewer.close()


def _chromium(opened: "Browser", address: str) -> Iterator[None]:
    page = opened.new_page(viewport={"width": 1280, "height": 800})
    page.goto(f"{address}/train")
    page.get_by_test_id("live-chart").wait_for()
    page.wait_for_timeout(SETTLE_S * 1000)
    yield
    page.wait_for_timeout(PHASE_S * 1000)
    yield
    page.close()


if __name__ == "__main__":
    told(main)
