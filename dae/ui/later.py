"""Long work in the background, one piece at a time, that pages ask for and look at again."""

import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import streamlit as st

from dae.errors import DaeError

_NICE = 10
_MOST = 24  # results that are kept


class Later:
    """Results by key, each made once by a thread of its own that makes no call of Streamlit's."""

    def __init__(self) -> None:
        self._one = threading.Lock()  # held while something is made
        self._guard = threading.Lock()  # held while the books are changed
        self._known: dict[object, Any] = {}
        self._begun: dict[object, float] = {}
        self._failed: dict[object, str] = {}

    def ask(self, key: object, make: Callable[[], Any]) -> Any:
        """The result; None while it is being made, which the first to ask starts.

        Raises:
            DaeError: it could not be made; who asks again, starts again.
        """
        with self._guard:
            if key in self._failed:
                raise DaeError(self._failed.pop(key))
            if key not in self._known and key not in self._begun:
                self._begun[key] = time.monotonic()
                threading.Thread(target=self._make, args=(key, make), daemon=True).start()
            return self._known.get(key)

    def seconds(self, key: object) -> float | None:
        """How long ago the making was asked for; None where nothing is being made."""
        with self._guard:
            return time.monotonic() - self._begun[key] if key in self._begun else None

    def _make(self, key: object, make: Callable[[], Any]) -> None:
        if sys.platform == "linux":  # elsewhere a priority is not a thread's own
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        made, problem = None, ""
        try:
            with self._one:
                made = make()
        except (DaeError, OSError, MemoryError, ValueError) as error:
            problem = str(error) or type(error).__name__
        finally:
            with self._guard:
                self._begun.pop(key, None)
                if made is None:
                    self._failed[key] = problem or "The computation broke off. Try again."
                else:
                    self._known[key] = made
                    while len(self._known) > _MOST:
                        self._known.pop(next(iter(self._known)))


@st.cache_resource(show_spinner=False)
def later() -> Later:
    """Shared by all sessions of the server."""
    return Later()
