"""The state of a page in its address.

Streamlit adds an entry to the browser's history for each change of `st.query_params`. As soon as `keys.js` has loaded,
it turns these into changes of the current entry, so that Back leaves a page at the first press. Until then, in the
first run of a session, the address stays as the visitor has opened it.
"""

from collections.abc import Sequence

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

# Key of the session state: whether a run of the session has opened a page before this one.
_RUNS = "runs_of_session"


def begin_run() -> None:
    """Count a run of the script. Pages call this once per run, before `write_param`."""
    st.session_state[_RUNS] = st.session_state.get(_RUNS, 0) + 1


def is_history_navigation() -> bool:
    """Return whether Back or Forward has opened the page, whose state the address then contains."""
    return bool(getattr(get_script_run_ctx(), "is_history_navigation", False))


def write_param(name: str, values: Sequence[str], by_user: bool = False) -> None:
    """Set a query parameter to these values, or remove it without any; do nothing in the first run of a session.

    Args:
        by_user: whether the user has changed the value in a fragment, which is no run of the whole script.
    """
    is_first_run = st.session_state.get(_RUNS, 0) < 2 and not by_user
    if is_first_run or st.query_params.get_all(name) == list(values):
        return
    if values:
        st.query_params[name] = list(values)
    else:
        del st.query_params[name]
