"""Background computations, one at a time, whose results pages poll."""

import logging
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from dae.errors import DaeError
from dae.ui import server_tuning
from dae.ui.singletons import process_singleton

# A waiting page polls every second.
_ABANDONED_AFTER_S = 10.0
# A page that polls every second must not start a failing computation as often.
_RETRY_AFTER_S = 10.0
_MAX_RESULTS = 24
_log = logging.getLogger(__name__)


@dataclass
class _Job:
    submitted_s: float
    polled_s: float
    failed_s: float | None = None
    future: Future[Any] = field(default_factory=Future)


class Background:
    """Results by key, each computed once in a thread that makes no Streamlit call.

    One computation runs at a time. A computation that no page has polled for 10 s when its turn comes is cancelled. The
    threads are daemons, unlike those of a `ThreadPoolExecutor`: a server can end while a t-SNE of 30 s runs.

    Args:
        clock: monotonic time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._compute_lock = threading.Lock()
        self._lock = threading.Lock()
        self._jobs: dict[Hashable, _Job] = {}

    def submit(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        """Return the result, or None until it is ready. The first call starts the computation.

        Raises:
            DaeError: the computation failed. A call 10 s later starts it again.
        """
        now = self._clock()
        with self._lock:
            job = self._jobs.get(key)
            must_retry = job and job.failed_s is not None and now - job.failed_s >= _RETRY_AFTER_S
            if job is None or job.future.cancelled() or must_retry:
                job = self._jobs[key] = _Job(now, now)
                threading.Thread(target=self._run, args=(job, compute), daemon=True).start()
            job.polled_s = now
            if not job.future.done():
                return None
            if (error := job.future.exception()) is None:
                return job.future.result()
        if isinstance(error, DaeError):
            raise error
        raise DaeError("The computation failed. Try again.") from error

    def elapsed(self, key: Hashable) -> float | None:
        """Return the seconds since an unfinished computation was submitted, else None. A waiting page polls this."""
        with self._lock:
            job = self._jobs.get(key)
            if job is None or job.future.done():
                return None
            job.polled_s = self._clock()
            return job.polled_s - job.submitted_s

    def _run(self, job: _Job, compute: Callable[[], Any]) -> None:
        server_tuning.lower_priority()
        with self._compute_lock:
            with self._lock:
                if self._clock() - job.polled_s >= _ABANDONED_AFTER_S:
                    job.future.cancel()
                    return
            try:
                job.future.set_result(compute())
            except Exception as error:
                if not isinstance(error, DaeError):
                    _log.error("A background computation failed.", exc_info=error)
                job.failed_s = self._clock()
                job.future.set_exception(error)
            with self._lock:
                finished = [key for key, other in self._jobs.items() if other.future.done()]
                for key in finished[:-_MAX_RESULTS]:
                    del self._jobs[key]


@process_singleton
def background() -> Background:
    """Return the background computations that all sessions of the server share."""
    return Background()
