"""Test the settings of the server's process."""

import gc
import sys

from dae.ui import server_tuning


def test_tuning_shortens_the_switch_interval_and_freezes_the_libraries() -> None:
    interval = sys.getswitchinterval()
    try:
        server_tuning.tune_server()
        assert sys.getswitchinterval() < interval and gc.get_freeze_count() > 10_000
    finally:
        sys.setswitchinterval(interval)
        gc.unfreeze()


class Session:
    def __init__(self) -> None:
        self.session, self.is_shut_down = self, False

    def shutdown(self) -> None:
        self.is_shut_down = True


def test_sessions_that_are_no_longer_kept_are_shut_down() -> None:
    now = [0.0]
    kept, sessions = server_tuning.KeptSessions(2, 120, timer=lambda: now[0]), [Session() for _ in range(4)]
    for number, session in enumerate(sessions[:3]):
        now[0] = float(number)
        kept[str(number)] = session
    assert [session.is_shut_down for session in sessions] == [True, False, False, False]
    now[0] = 121.5
    kept["3"] = sessions[3]
    assert [session.is_shut_down for session in sessions] == [True, True, False, False] and set(kept) == {"2", "3"}
