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
