"""Answer time of the phones of an audience: python -m tests.benchmarks.room [--phones 100] [--seconds 10]

Simulated phones play Guess while a model trains on the same cores, and a light client shows the projector's page. A
phone asks for its state every second and answers each round after a random pause. Prints the time until an answer and
a state arrive, the training speed relative to no phones, and the number of errors.
"""

import argparse
import http.client
import json
import random
import statistics
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from dae.ui.room.readings import LEVELS
from tests.benchmarks.common import describe_machine, run_benchmark
from tests.benchmarks.server import dashboard
from tests.benchmarks.viewer import Viewer, start_endless_run, training_speed

_POLL_S = 1.0
_TIMEOUT_S = 300.0
_ALONE_S = 20.0


class Phone:
    """A phone that plays until it is told to stop.

    Attributes:
        answers: seconds until each answer was taken.
        states: seconds until each state arrived.
        errors: what the server refused.
    """

    def __init__(self, address: str, index: int, think_s: float) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=_TIMEOUT_S)
        self._random, self._think_s = random.Random(index), think_s
        self._cookie = ""
        self.answers: list[float] = []
        self.states: list[float] = []
        self.errors: list[str] = []
        self._request("POST", "join")

    def play(self, is_over: threading.Event) -> None:
        """Ask for the state once a second, and answer each round once."""
        answer_at, known = 0.0, 0
        while not is_over.wait(_POLL_S * self._random.uniform(0.85, 1.15)):
            state, seconds = self._request("GET", "state")
            self.states.append(seconds)
            if state.get("phase") != "answering" or state["yours"] is not None:
                continue
            if state["round"] != known:
                answer_at, known = time.monotonic() + self._random.uniform(0, self._think_s), state["round"]
            if time.monotonic() >= answer_at:
                body = json.dumps({"round": known, "digit": self._random.randrange(10)})
                state, seconds = self._request("POST", "answer", body)
                self.answers.append(seconds)
        self._connection.close()

    def _request(self, method: str, path: str, body: str = "") -> tuple[dict[str, Any], float]:
        begin = time.perf_counter()
        self._connection.request(method, f"/play/{path}", body, {"Cookie": self._cookie})
        response = self._connection.getresponse()
        answer: dict[str, Any] = json.loads(response.read())
        seconds = time.perf_counter() - begin
        if response.status != 200:
            self.errors.append(f"{path}: {response.status} {answer}")
        self._cookie = self._cookie or response.headers.get("set-cookie", "").partition(";")[0]
        return answer, seconds


def play_game(address: str, num_phones: int, round_s: float) -> list[Phone]:
    """Let phones play all rounds, and return them after the last one."""
    presenter = Viewer(address, query="room=true")
    presenter.press("room_rehearse")
    phones = [Phone(address, index, 0.6 * round_s) for index in range(num_phones)]
    is_over = threading.Event()
    with ThreadPoolExecutor(num_phones) as pool:
        futures = [pool.submit(phone.play, is_over) for phone in phones]
        try:
            presenter.press("room_guess")
            for number in range(1, len(LEVELS) + 1):
                _step(presenter, f"room_step:{number}:answering", round_s)
                _step(presenter, f"room_step:{number}:revealed", 1.0)
        finally:
            is_over.set()
        for future in futures:
            future.result()
    presenter.close()
    return phones


def _step(presenter: Viewer, key: str, seconds: float) -> None:
    """Watch for some seconds once a button is there, then press it."""
    end = time.monotonic() + _TIMEOUT_S
    while not presenter.has_button(key):
        if time.monotonic() > end:
            raise TimeoutError(f"No button {key} after {_TIMEOUT_S:g} s: {presenter.errors + presenter.alerts}")
        presenter.watch(1.5)
    presenter.watch(seconds)
    presenter.press(key)


def describe_times(name: str, seconds: Sequence[float]) -> str:
    """Return number, median and 99th percentile of some times."""
    ordered = sorted(seconds)
    percentile_99 = ordered[int(len(ordered) * 0.99)]
    median = statistics.median(ordered)
    return f"{len(ordered):,} {name}: median {median * 1_000:.0f} ms, 99th percentile {percentile_99 * 1_000:.0f} ms"


def main() -> None:
    """Print the times of phones and the training speed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--phones", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=10, help="length of a round")
    options = parser.parse_args()
    with dashboard(runs=("digits-linear", "digits-conv", "digits-unet")) as server:
        run = start_endless_run(server, "quick-conv", "endless")
        print(f"{describe_machine()}, {run.config.model} trains")
        alone = training_speed(run, lambda: time.sleep(_ALONE_S))
        phones: list[Phone] = []
        speed = training_speed(run, lambda: phones.extend(play_game(server.address, options.phones, options.seconds)))
        errors = [error for phone in phones for error in phone.errors]
        print(describe_times("answers", [seconds for phone in phones for seconds in phone.answers]))
        print(describe_times("states", [seconds for phone in phones for seconds in phone.states]))
        print(f"{len(errors)} errors")
        for error in errors[:5]:
            print(f"  {error}")
        print(f"training: {speed:,.0f} images/s, {speed / alone:.2f} of {alone:,.0f} without phones")


if __name__ == "__main__":
    run_benchmark(main)
