"""How the server bears a crowd while a run trains: python -m dae.bench.crowd [--sessions 40] [--seconds 600]

Sessions of a light client, each with a noise seed of its own, press "New noise" on Explore or have Compare drawn, and
think 5 to 15 s in between; so does somebody with two pages in Chromium. Before that one session alone does the same,
and nobody. Afterwards 2,000 presses, as fast as they are answered, show whether memory grows.
"""

import argparse
import os
import platform
import random
import re
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from dae.bench import told
from dae.bench.server import CHROMIUM, Server, browser, dashboard
from dae.bench.viewer import Viewer
from dae.recipes import RECIPES
from dae.runs import RunDirectory

if TYPE_CHECKING:
    from playwright.sync_api import Page

ALONE_S = 30.0
WARM_UP, PRESSES = 300, 2_000
_LOOK_EVERY, _LOOKS = 25, 16
_MODELS = "models=digits-linear&models=digits-conv&compared=digits-linear&compared=digits-conv"


class Guest:
    """One session: it changes its own noise on Explore, or has Compare drawn again.

    Attributes:
        answers: seconds that each answer took.
        errors: what went wrong, in words.
    """

    def __init__(self, address: str, number: int) -> None:
        self._number = number
        self._seed = 100 * number + 1
        self._explores = number % 4 != 3
        page, noise = ("explore", "Gaussian") if self._explores else ("compare", ("Gaussian", "Masking")[number % 2])
        self._viewer = Viewer(address, page, f"{_MODELS}&data=Drawn+digits&noise={noise}&seed={self._seed}")
        self.answers: list[float] = []
        self.errors: list[str] = []

    def act(self) -> None:
        """Do one thing, and look whether the answer is one's own."""
        if self._explores:
            self.answers.append(self._viewer.press("new_noise"))
            self._seed += 1
            seen = re.findall(r"seed=(\d+)", self._viewer.query)
            if seen != [str(self._seed)]:
                self.errors.append(f"session {self._number} wanted seed {self._seed} and saw {seen}")
        else:
            self.answers.append(self._viewer.draw())
        self.errors += self._viewer.errors
        self._viewer.errors.clear()

    def stay(self, seconds: float, think_s: Callable[[], float]) -> None:
        """Act and think until the time is over, then leave."""
        end = time.monotonic() + seconds
        while (pause := think_s()) < end - time.monotonic():
            threading.Event().wait(pause)
            self.act()
        self._viewer.close()


def crowd(address: str, sessions: int, seconds: float, think_s: tuple[float, float] = (5.0, 15.0)) -> list[Guest]:
    """So many sessions at once; returns them when all have left."""
    thinking = random.Random(0)
    with ThreadPoolExecutor(sessions) as pool:
        guests = list(pool.map(lambda number: Guest(address, number), range(sessions)))
        list(pool.map(lambda guest: guest.stay(seconds, lambda: thinking.uniform(*think_s)), guests))
    return guests


def main() -> None:
    """Print answers, training speed and memory, alone and with the crowd."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=600)
    asked = parser.parse_args()
    with ExitStack() as stack:
        server = stack.enter_context(dashboard(runs=("digits-linear", "digits-conv")))
        config = replace(RECIPES["quick-conv"].config, epochs=10_000)
        run = RunDirectory.create(config, root=server.runs, name="crowded")
        starter = Viewer(server.address, "train")
        starter.press("resume-crowded")
        while not run.progress():
            starter.watch(1.0)
        starter.close()
        crowd(server.address, 4, 5.0, (0.1, 0.2))  # everything is loaded and measured once
        print(f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}, {config.model} trains")
        lone_speed = _speed(run, lambda: time.sleep(ALONE_S))
        (single,) = crowd(server.address, 1, ALONE_S, (0.5, 1.0))
        one = statistics.median(single.answers)
        print(f"one session: {one * 1_000:.0f} ms in the median (n = {len(single.answers)})")
        pages = _open(stack, server) if CHROMIUM else []
        guests: list[Guest] = []
        with ThreadPoolExecutor(1) as aside:
            speed = _speed(run, lambda: guests.extend(_while(pages, aside, server, asked.sessions, asked.seconds)))
        answers = sorted(answer for guest in guests for answer in guest.answers)
        errors = [error for guest in guests for error in guest.errors]
        middle = statistics.median(answers)
        print(
            f"{asked.sessions} sessions and {len(pages)} browsers for {asked.seconds:g} s: {len(answers):,} "
            f"answers, {middle * 1_000:.0f} ms in the median, {middle / one:.2f} of one session's; "
            f"{answers[int(len(answers) * 0.99)] * 1_000:.0f} ms at the 99th percentile; {len(errors)} errors"
        )
        for error in errors[:5]:
            print(f"  {error}")
        print(f"training: {speed:,.0f} images/s, {speed / lone_speed:.2f} of {lone_speed:,.0f} alone")
        _memory(server)


def _open(stack: ExitStack, server: Server) -> list["Page"]:
    """Explore and Compare in Chromium."""
    opened = stack.enter_context(browser())
    pages = [opened.new_page() for _ in range(2)]
    for page, name in zip(pages, ("explore", "compare"), strict=True):
        page.goto(f"{server.address}/{name}?{_MODELS}&data=Drawn+digits")
        page.locator("h1").wait_for()
    return pages


def _while(
    pages: list["Page"], aside: ThreadPoolExecutor, server: Server, sessions: int, seconds: float
) -> list[Guest]:
    """The crowd, while somebody at the browsers acts and thinks as the others do."""
    going = aside.submit(crowd, server.address, sessions, seconds)
    thinking = random.Random(1)
    while pages and not going.done():
        threading.Event().wait(thinking.uniform(2.5, 7.5))
        pages.reverse()
        if "explore" in pages[0].url:
            pages[0].get_by_role("button", name="New noise").click()
        else:
            pages[0].reload()
    return going.result()


def _speed(run: RunDirectory, meanwhile: Callable[[], object]) -> float:
    """Training images a second while something else goes on."""
    begin = run.progress()[-1]
    meanwhile()
    end = run.progress()[-1]
    return float((end["step"] - begin["step"]) * run.config.batch_size / (end["seconds"] - begin["seconds"]))


def _memory(server: Server) -> None:
    presser = Guest(server.address, 0)
    for _ in range(WARM_UP):
        presser.act()
    seen = []  # memory swings by a few per cent from one collection of garbage to the next
    for _ in range(PRESSES // _LOOK_EVERY):
        for _ in range(_LOOK_EVERY):
            presser.act()
        seen.append(server.memory_bytes())
    before, after = (statistics.median(part) for part in (seen[:_LOOKS], seen[-_LOOKS:]))
    print(
        f"memory: {before / 2**20:,.0f} MiB in the median of {_LOOKS} looks after {WARM_UP} presses, "
        f"{after / 2**20:,.0f} MiB at the end of {PRESSES:,} more ({after / before - 1:+.1%})"
    )


if __name__ == "__main__":
    told(main)
