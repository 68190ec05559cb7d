"""Guesses of the presenter key are slow for each client, and do not lock out others or the right key."""

import threading

import pytest

from dae.ui.shell.key_attempts import DELAYS_S, FORGET_AFTER_S, MAX_WAITING, BusyError, KeyAttempts
from tests.helpers import PATIENCE_S, wait_for

KEY = "öpen sesame"


class Clock:
    """A clock that only `sleep` advances."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def test_forty_guesses_of_one_client_take_minutes() -> None:
    clock = Clock()
    attempts = KeyAttempts(clock, clock.sleep)
    assert not any(attempts.check("10.0.0.1", f"guess {number}", KEY) for number in range(40))
    assert clock.now_s - 1_000 >= 37 * DELAYS_S[-1]


def test_the_right_key_is_accepted_after_any_number_of_wrong_ones() -> None:
    clock = Clock()
    attempts = KeyAttempts(clock, clock.sleep)
    for _ in range(20):
        attempts.check("10.0.0.1", "wrong", KEY)
    before_s = clock.now_s
    assert attempts.check("10.0.0.2", KEY, KEY) and clock.now_s == before_s
    assert attempts.check("10.0.0.1", KEY, KEY) and clock.now_s - before_s <= DELAYS_S[-1]


def test_the_delay_of_a_client_is_reset_after_a_pause() -> None:
    clock = Clock()
    attempts = KeyAttempts(clock, clock.sleep)
    for _ in range(5):
        attempts.check("a", "wrong", KEY)
    clock.now_s += FORGET_AFTER_S + 10
    before_s = clock.now_s
    for _ in range(2):
        attempts.check("a", "wrong", KEY)
    assert clock.now_s - before_s == DELAYS_S[0]


def test_parallel_guesses_of_one_client_wait_for_their_turn_or_are_refused() -> None:
    released = threading.Event()
    attempts = KeyAttempts(sleep=lambda _: released.wait(PATIENCE_S))
    attempts.check("a", "wrong", KEY)
    threads = [threading.Thread(target=attempts.check, args=("a", "wrong", KEY)) for _ in range(MAX_WAITING)]
    for thread in threads:
        thread.start()
    wait_for(lambda: attempts._clients["a"].waiting == MAX_WAITING)
    with pytest.raises(BusyError, match="few seconds"):
        attempts.check("a", KEY, KEY)
    assert attempts.check("b", KEY, KEY)
    released.set()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert attempts.check("a", KEY, KEY)
