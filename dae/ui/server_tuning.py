"""Settings of the server's process and threads, each with the measurement that justifies it.

Speed of a training of `linear-32` while a page computes, on 2 cores, as a fraction of its speed without the page:

    ======================  =========  =======
    switch interval          priority  speed
    ======================  =========  =======
    5 ms, Python's default  equal      0.18
    0.5 ms                  equal      0.27
    5 ms                    lower      0.52
    0.5 ms                  lower      0.65
    ======================  =========  =======

A page that runs without the server's lifespan, as in Streamlit's AppTest, keeps Python's defaults.
"""

import gc
import os
import sys
import threading
from typing import Any

import torch
from cachetools import TTLCache
from streamlit.runtime import get_instance

_SWITCH_INTERVAL_S = 0.0005
# Beside dreams in Chromium, `linear-32` keeps 0.61 of its speed, and 0.64 at 19, where another program that is busy
# would bring a page almost to a halt.
_NICE = 12
# Streamlit's own numbers, and the pipe and the poll object of a session's event loop.
_MAX_KEPT_SESSIONS = 128
_KEEP_SESSIONS_S = 120.0
_FILES_PER_SESSION = 3


def tune_server() -> None:
    """Set options of the whole process. The server's lifespan calls this once, when all libraries are loaded."""
    # A training releases the interpreter at each tensor operation, and waits for one interval to get it back.
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    # Operators outside `parallel_map` use one core: several threads would wait for those that a training delays.
    torch.set_num_threads(1)
    # A full garbage collection stops all threads for 0.6 s with the 280,000 objects of the libraries, and for less than
    # 1 ms without them.
    gc.freeze()


class KeptSessions(TTLCache[str, Any]):
    """Sessions that lost their connection, for which a browser may return; the others are shut down at once.

    Streamlit forgets them without a shutdown, and their open files, three each, then wait for a garbage collection.
    """

    def expire(self, time: float | None = None) -> list[tuple[str, Any]]:
        """Remove and shut down the sessions that have been kept long enough."""
        expired = super().expire(time)
        for _, info in expired:
            info.session.shutdown()
        return expired

    def popitem(self) -> tuple[str, Any]:
        """Remove and shut down the session that has been kept longest."""
        name, info = super().popitem()
        info.session.shutdown()
        return name, info


def limit_kept_sessions() -> None:
    """Limit disconnected sessions to those that need at most a third of the allowed open files."""
    limit = 1 << 20
    if sys.platform != "win32":
        import resource

        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    number = max(1, min(_MAX_KEPT_SESSIONS, limit // 3 // _FILES_PER_SESSION))
    # Streamlit has no option for it. Without these attributes, of another version, its own numbers remain.
    manager = getattr(get_instance(), "_session_mgr", None)
    storage = getattr(manager, "_session_storage", None)
    if storage is not None and isinstance(getattr(storage, "_cache", None), TTLCache):
        storage._cache = KeptSessions(number, _KEEP_SESSIONS_S)


def lower_priority() -> None:
    """Lower the priority of the calling thread for good, so that a training gets the processor first."""
    # Only Linux has a priority per thread.
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
