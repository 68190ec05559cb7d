"""Who may change something: with a presenter key set, only those who have entered it; without one, everybody.

The key comes from DAE_PRESENTER_KEY in the environment, or from `presenter_key` in Streamlit's secrets. Watching,
exploring and comparing are always free.
"""

import hmac
import os
import time
from collections import deque
from collections.abc import Callable
from threading import Lock

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

from dae.errors import DaeError

TRIES = 5  # wrong ones on the whole server within WINDOW_S; a new session does not help
WINDOW_S = 60.0
_HERE_ALONE = ("localhost", "127.0.0.1", "::1")
_ENTERED = "presenter"  # in the session; no widget has this key, so no browser can set it
_PROBLEM = "presenter_problem"  # in the session: what was wrong with the last try


class NotPresenter(DaeError):
    """Something that only the presenter may do."""


class Tries:
    """Counts wrong keys, so that guessing takes longer than anybody has.

    Args:
        clock: seconds that never run backwards.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: deque[float] = deque(maxlen=TRIES)
        self._lock = Lock()

    def wait_s(self) -> float:
        """How long nobody may try; 0 where one may."""
        with self._lock:
            return self._wait_s()

    def check(self, given: str, key: str) -> bool:
        """Whether the key is right, compared in constant time; always wrong while nobody may try."""
        with self._lock:  # from the look to the count, so that many sessions at once have no more tries
            if self._wait_s():
                return False
            right = hmac.compare_digest(given.encode(), key.encode())
            if not right:
                self._wrong.append(self._clock())
            return right

    def _wait_s(self) -> float:
        if len(self._wrong) < TRIES:
            return 0.0
        return max(0.0, self._wrong[0] + WINDOW_S - self._clock())


@st.cache_resource(show_spinner=False)
def _tries() -> Tries:
    return Tries()


def key() -> str:
    """The presenter key; empty where none is set."""
    if own := os.environ.get("DAE_PRESENTER_KEY", ""):
        return own
    try:
        return str(st.secrets.get("presenter_key", ""))
    except StreamlitSecretNotFoundError:
        return ""


def may_act() -> bool:
    """Whether this session may start, stop, delete and upload."""
    return not key() or st.session_state.get(_ENTERED) == key()


def demand() -> None:
    """Raise NotPresenter unless this session may act: what a button does asks again, not only its drawing."""
    if not may_act():
        raise NotPresenter("Only the presenter may do this. Enter the presenter key at the top of the page.")


def entrance() -> None:
    """Draw where the key is entered, if there is one."""
    if not key():
        return
    if may_act():
        st.caption(":material/co_present: Presenter")
        return
    with st.popover("Presenter key", icon=":material/lock:"):
        with st.form("presenter_form", border=False):
            st.text_input("Presenter key", type="password", key="presenter_key", max_chars=200)
            st.form_submit_button("Enter", on_click=_enter)
        if problem := st.session_state.get(_PROBLEM):
            st.error(problem)


def warning() -> None:
    """Say so where others can reach the server and there is no key."""
    if not key() and st.get_option("server.address") not in _HERE_ALONE:
        st.warning(
            "Others can reach this server, and everybody may start, stop and delete runs. Set DAE_PRESENTER_KEY to "
            "keep that for yourself.",
            icon=":material/lock_open:",
        )


def _enter() -> None:
    given, problem = str(st.session_state.get("presenter_key", "")), ""
    if wait := _tries().wait_s():
        problem = f"Too many wrong keys. Try again in {wait:.0f} s."
    elif _tries().check(given, key()):
        st.session_state[_ENTERED] = key()
    else:
        problem = "This is not the key."
    st.session_state[_PROBLEM] = problem  # until the next try
