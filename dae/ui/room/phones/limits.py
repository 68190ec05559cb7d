"""Limit on the requests of each client: a bucket of tokens that fills up again."""

import time
from collections.abc import Callable

from cachetools import LRUCache

_MAX_CLIENTS = 10_000


class RateLimiter:
    """Allow each client a burst of requests, then `per_second` requests per second. Only for the event loop's thread.

    Args:
        per_second: tokens that a client gets per second.
        burst: tokens that a client can have at most.
        clock: monotonic time in seconds.
    """

    def __init__(self, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second, self._burst, self._clock = per_second, burst, clock
        # Tokens left and the time of the last request.
        self._buckets: LRUCache[str, tuple[float, float]] = LRUCache(_MAX_CLIENTS)

    def allows(self, client: str) -> bool:
        """Take a token of the client; return whether there was one."""
        now_s = self._clock()
        tokens, last_s = self._buckets.get(client, (float(self._burst), now_s))
        tokens = min(self._burst, tokens + (now_s - last_s) * self._per_second)
        is_allowed = tokens >= 1
        self._buckets[client] = (tokens - is_allowed, now_s)
        return is_allowed
