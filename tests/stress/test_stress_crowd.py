"""Many sessions at once: nobody sees an error or another's settings. `python -m dae.bench.crowd` measures how fast."""

import os

from dae.bench.crowd import crowd
from dae.bench.server import dashboard

SESSIONS, SECONDS = (40, 60.0) if "DAE_STRESS" in os.environ else (10, 6.0)


def test_a_crowd_is_answered_and_nobody_sees_the_settings_of_another() -> None:
    with dashboard(runs=("digits-linear", "digits-conv")) as server:
        guests = crowd(server.address, SESSIONS, SECONDS, think_s=(0.2, 0.8))
    assert [error for guest in guests for error in guest.errors] == []
    assert all(guest.answers for guest in guests)
