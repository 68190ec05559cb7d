"""Test background computations: one at a time, and only those that a page still polls."""

import threading

import pytest

from dae.errors import DaeError, DataError
from dae.ui.background import Background
from tests.helpers import PATIENCE_S, wait_for


def test_computations_that_no_page_polls_are_cancelled() -> None:
    now, computed = [0.0], list[str]()
    started, finish = threading.Event(), threading.Event()
    background = Background(lambda: now[0])

    def compute_first() -> str:
        started.set()
        assert finish.wait(PATIENCE_S)
        return "first"

    def compute(name: str) -> str:
        computed.append(name)
        return name

    assert background.submit("first", compute_first) is None and started.wait(PATIENCE_S)
    for name in ("abandoned", "polled"):
        assert background.submit(name, lambda name=name: compute(name)) is None
    now[0] = 60.0
    assert background.elapsed("polled") == 60.0
    finish.set()
    wait_for(lambda: background.elapsed("polled") is None and background.elapsed("abandoned") is None)
    assert computed == ["polled"]
    assert background.submit("first", compute_first) == "first"
    assert background.submit("polled", lambda: compute("again")) == "polled"
    wait_for(lambda: background.submit("abandoned", lambda: compute("abandoned")) == "abandoned")


def test_a_failed_computation_starts_again_only_after_a_while() -> None:
    now, num_starts = [0.0], 0

    def refuse() -> None:
        nonlocal num_starts
        num_starts += 1
        raise DataError("too large")

    background = Background(lambda: now[0])
    with pytest.raises(DaeError, match="too large"):
        wait_for(lambda: background.submit("one", refuse))
    for now[0] in (1.0, 2.0, 9.0):
        with pytest.raises(DaeError, match="too large"):
            background.submit("one", refuse)
    assert num_starts == 1
    now[0] = 10.0
    wait_for(lambda: background.submit("one", lambda: 1) == 1)


def test_an_unexpected_error_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ZeroDivisionError("a secret of the server")

    background = Background()
    with pytest.raises(DaeError, match="The computation failed. Try again."):
        wait_for(lambda: background.submit("one", fail))
    assert "a secret of the server" in caplog.text


def test_old_results_are_dropped() -> None:
    background, num_computed = Background(), 0

    def compute() -> int:
        nonlocal num_computed
        num_computed += 1
        return num_computed

    for key in range(30):
        wait_for(lambda key=key: background.submit(key, compute))
    assert background.submit(29, compute) == 30
    wait_for(lambda: background.submit(0, compute) == 31)
