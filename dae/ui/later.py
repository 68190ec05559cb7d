"""Long work in the background, one piece at a time, that pages ask for and look at again."""

import threading
import time
from collections.abc import Callable
from typing import Any

import streamlit as st

from dae.errors import DaeError
from dae.ui import shared

_PATIENCE_S = 10.0  # a page that waits looks every second
_MOST = 24  # results that are kept


class Later:
    """Results by key, each made once by a thread of its own that makes no call of Streamlit's.

    They are made one after the other; what no page has looked for any more when its turn comes is not made.

    Args:
        clock: seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._one = threading.Lock()  # held while something is made
        self._guard = threading.Lock()  # held while the books are changed
        self._known: dict[object, Any] = {}
        self._begun: dict[object, float] = {}
        self._looked: dict[object, float] = {}  # when a page last asked for what is begun
        self._failed: dict[object, str] = {}

    def ask(self, key: object, make: Callable[[], Any]) -> Any:
        """The result; None while it is being made, which the first to ask starts.

        Raises:
            DaeError: it could not be made; who asks again, starts again.
        """
        with self._guard:
            if key in self._failed:
                raise DaeError(self._failed.pop(key))
            if key not in self._known:
                self._looked[key] = self._clock()
                if key not in self._begun:
                    self._begun[key] = self._clock()
                    threading.Thread(target=self._make, args=(key, make), daemon=True).start()
            return self._known.get(key)

    def seconds(self, key: object) -> float | None:
        """How long ago the making was asked for; None where nothing is being made. A page that waits calls it often."""
        with self._guard:
            if key not in self._begun:
                return None
            self._looked[key] = self._clock()
            return self._clock() - self._begun[key]

    def _make(self, key: object, make: Callable[[], Any]) -> None:
        shared.step_aside()
        with self._one:
            if not self._is_wanted(key):
                return
            made, problem = None, "The computation broke off. Try again."
            try:
                made = make()
            except (DaeError, OSError, MemoryError, ValueError) as error:
                problem = str(error) or type(error).__name__
            finally:
                self._settle(key, made, problem)

    def _is_wanted(self, key: object) -> bool:
        """Whether a page has looked for it lately; if none has, it is forgotten."""
        with self._guard:
            wanted = self._clock() - self._looked[key] < _PATIENCE_S
            if not wanted:
                del self._begun[key], self._looked[key]
            return wanted

    def _settle(self, key: object, made: Any, problem: str) -> None:
        with self._guard:
            del self._begun[key], self._looked[key]
            if made is None:
                self._failed[key] = problem
                return
            self._known[key] = made
            while len(self._known) > _MOST:
                self._known.pop(next(iter(self._known)))


@st.cache_resource(show_spinner=False)
def later() -> Later:
    """Shared by all sessions of the server."""
    return Later()
