"""Many simultaneous sessions: no errors, and settings stay separate.

`python -m tests.benchmarks.crowd` measures the response times.
"""

import os

import pytest

from tests.benchmarks.crowd import crowd
from tests.benchmarks.server import dashboard

pytestmark = pytest.mark.stress

SESSIONS, SECONDS = (40, 60.0) if "DAE_STRESS" in os.environ else (10, 6.0)


def test_simultaneous_sessions_get_responses_and_keep_their_own_settings() -> None:
    with dashboard(runs=("digits-linear", "digits-conv")) as server:
        guests = crowd(server.address, SESSIONS, SECONDS, think_s=(0.2, 0.8))
    assert [error for guest in guests for error in guest.errors] == []
    assert all(guest.answers for guest in guests)
