"""Work in the background: one piece after the other, and only what a page still waits for."""

import threading

import pytest

from dae.errors import DaeError, DataError
from dae.ui.later import Later
from tests.conftest import PATIENCE_S, wait_for


def test_what_nobody_looks_for_any_more_is_not_made() -> None:
    now, made = [0.0], list[str]()
    begun, go_on = threading.Event(), threading.Event()
    later = Later(lambda: now[0])

    def first() -> str:
        begun.set()
        assert go_on.wait(PATIENCE_S)
        return "first"

    def of(name: str) -> str:
        made.append(name)
        return name

    assert later.ask("first", first) is None and begun.wait(PATIENCE_S)
    for name in ("left", "wanted"):
        assert later.ask(name, lambda name=name: of(name)) is None
    now[0] = 60.0
    assert later.seconds("wanted") == 60.0  # its page waits, and looks
    go_on.set()
    wait_for(lambda: not later._begun)
    assert made == ["wanted"] and later.ask("first", first) == "first" and later.seconds("left") is None
    assert later.ask("wanted", lambda: of("again")) == "wanted"
    wait_for(lambda: later.ask("left", lambda: of("left")) == "left")  # somebody has come back


def test_what_fails_is_told_once_and_may_be_tried_again() -> None:
    def refuse() -> None:
        raise DataError("too large")

    later = Later()
    with pytest.raises(DaeError, match="too large"):
        wait_for(lambda: later.ask("one", refuse))
    wait_for(lambda: later.ask("one", lambda: 1) == 1)
