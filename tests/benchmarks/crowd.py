"""Response time of the dashboard with many sessions: python -m tests.benchmarks.crowd [--sessions 40] [--seconds 600]

Light clients, each with its own noise seed, press "New noise" on Explore or rerun Compare and pause 5 to 15 s in
between, while a model trains. Two Chromium pages do the same if Chromium is installed. Prints response times and
training speed, each with its ratio to a single session and to no session, and the number of wrong answers. Afterwards
2,000 presses without pauses measure whether the server's memory grows. Linux only.
"""

import argparse
import random
import re
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

from tests.benchmarks.common import describe_machine, run_benchmark
from tests.benchmarks.server import CHROMIUM, Server, browser, dashboard
from tests.benchmarks.viewer import Viewer, start_endless_run, training_speed

if TYPE_CHECKING:
    from playwright.sync_api import Page

SINGLE_SESSION_S = 30.0
WARM_UP_PRESSES, NUM_PRESSES = 300, 2_000
# Memory varies by a few percent between two garbage collections, so medians of samples are compared.
_PRESSES_PER_SAMPLE, _NUM_SAMPLES = 25, 16
_MODELS = "models=digits-linear&models=digits-conv&compared=digits-linear&compared=digits-conv"


class Guest:
    """One session that changes its noise seed on Explore, or reruns Compare.

    Attributes:
        answers: response times in seconds.
        errors: errors that the page showed, and answers that belong to other settings.
    """

    def __init__(self, address: str, index: int) -> None:
        self._index = index
        self._seed = 100 * index + 1
        self._explores = index % 4 != 3
        page, noise = ("explore", "Gaussian") if self._explores else ("compare", ("Gaussian", "Masking")[index % 2])
        self._viewer = Viewer(address, page, f"{_MODELS}&data=Drawn+digits&noise={noise}&seed={self._seed}")
        self.answers: list[float] = []
        self.errors: list[str] = []

    def act(self) -> None:
        """Press or rerun once, and check that the answer has this session's seed."""
        if self._explores:
            self.answers.append(self._viewer.press("seed_next"))
            self._seed += 1
            seeds = re.findall(r"seed=(\d+)", self._viewer.query)
            if seeds != [str(self._seed)]:
                self.errors.append(f"session {self._index} expected seed {self._seed}, got {seeds}")
        else:
            self.answers.append(self._viewer.draw())
        self.errors += self._viewer.errors
        self._viewer.errors.clear()

    def stay(self, seconds: float, pause_s: Callable[[], float]) -> None:
        """Act and pause until the time is over, then close the session."""
        end = time.monotonic() + seconds
        while (pause := pause_s()) < end - time.monotonic():
            threading.Event().wait(pause)
            self.act()
        self._viewer.close()


def crowd(address: str, sessions: int, seconds: float, think_s: tuple[float, float] = (5.0, 15.0)) -> list[Guest]:
    """Run sessions at the same time and return them when all have ended.

    Args:
        think_s: shortest and longest pause between two actions of a session.
    """
    pauses = random.Random(0)
    with ThreadPoolExecutor(sessions) as pool:
        guests = list(pool.map(lambda index: Guest(address, index), range(sessions)))
        list(pool.map(lambda guest: guest.stay(seconds, lambda: pauses.uniform(*think_s)), guests))
    return guests


def main() -> None:
    """Print response times, training speed and memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=600)
    options = parser.parse_args()
    with ExitStack() as stack:
        server = stack.enter_context(dashboard(runs=("digits-linear", "digits-conv")))
        run = start_endless_run(server, "quick-conv", "crowded")
        # Fill all caches of the server.
        crowd(server.address, 4, 5.0, (0.1, 0.2))
        print(f"{describe_machine()}, {run.config.model} trains")
        base_speed = training_speed(run, lambda: time.sleep(SINGLE_SESSION_S))
        (single,) = crowd(server.address, 1, SINGLE_SESSION_S, (0.5, 1.0))
        base = statistics.median(single.answers)
        print(f"one session: median {base * 1_000:.0f} ms (n = {len(single.answers)})")
        pages = _open_pages(stack, server) if CHROMIUM else []
        guests: list[Guest] = []
        speed = training_speed(
            run, lambda: guests.extend(_crowd_with_pages(pages, server, options.sessions, options.seconds))
        )
        answers = sorted(answer for guest in guests for answer in guest.answers)
        errors = [error for guest in guests for error in guest.errors]
        median, percentile_99 = statistics.median(answers), answers[int(len(answers) * 0.99)]
        print(
            f"{options.sessions} sessions and {len(pages)} browser pages for {options.seconds:g} s: "
            f"{len(answers):,} answers, median {median * 1_000:.0f} ms, {median / base:.2f} of one session; "
            f"99th percentile {percentile_99 * 1_000:.0f} ms; {len(errors)} errors"
        )
        for error in errors[:5]:
            print(f"  {error}")
        print(f"training: {speed:,.0f} images/s, {speed / base_speed:.2f} of {base_speed:,.0f} without sessions")
        _print_memory(server)


def _open_pages(stack: ExitStack, server: Server) -> list["Page"]:
    """Open Explore and Compare in Chromium."""
    opened = stack.enter_context(browser())
    pages = [opened.new_page() for _ in range(2)]
    for page, name in zip(pages, ("explore", "compare"), strict=True):
        page.goto(f"{server.address}/{name}?{_MODELS}&data=Drawn+digits")
        page.locator("h1").wait_for()
    return pages


def _crowd_with_pages(pages: list["Page"], server: Server, sessions: int, seconds: float) -> list[Guest]:
    """Run the sessions while the Chromium pages act and pause like them."""
    pauses = random.Random(1)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(crowd, server.address, sessions, seconds)
        while pages and not running.done():
            threading.Event().wait(pauses.uniform(2.5, 7.5))
            pages.reverse()
            if "explore" in pages[0].url:
                pages[0].get_by_role("button", name="New noise").click()
            else:
                pages[0].reload()
        return running.result()


def _print_memory(server: Server) -> None:
    guest = Guest(server.address, 0)
    for _ in range(WARM_UP_PRESSES):
        guest.act()
    samples = []
    for _ in range(NUM_PRESSES // _PRESSES_PER_SAMPLE):
        for _ in range(_PRESSES_PER_SAMPLE):
            guest.act()
        samples.append(server.memory_bytes())
    before, after = (statistics.median(part) for part in (samples[:_NUM_SAMPLES], samples[-_NUM_SAMPLES:]))
    print(
        f"memory: {before / 2**20:,.0f} MiB after {WARM_UP_PRESSES} presses, {after / 2**20:,.0f} MiB at the end of "
        f"{NUM_PRESSES:,} more ({after / before - 1:+.1%}; medians of {_NUM_SAMPLES} samples)"
    )


if __name__ == "__main__":
    run_benchmark(main)
