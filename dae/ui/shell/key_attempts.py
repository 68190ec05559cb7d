"""Limit on guesses of the presenter key: each client gets slow answers, and nobody locks out another client."""

import hmac
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cachetools import LRUCache

from dae.errors import DaeError
from dae.ui.singletons import process_singleton

# Seconds between attempts of one client after its first, second, ... wrong key.
DELAYS_S = (1.0, 2.0, 4.0)
# A client without an attempt for this time starts anew.
FORGET_AFTER_S = 300.0
# Attempts of one client that may wait for their turn. Each occupies a thread of the server.
MAX_WAITING = 3
_MAX_CLIENTS = 10_000


class BusyError(DaeError):
    """Too many attempts of this client wait already; the key was not compared."""


@dataclass
class _Client:
    lock: threading.Lock = field(default_factory=threading.Lock)
    waiting: int = 0
    failures: int = 0
    next_s: float = 0.0


class KeyAttempts:
    """Compare entered keys, those of one client one after the other, with a pause after each wrong one.

    The right key is always accepted, after the pause if this client entered a wrong one before.

    Args:
        clock: monotonic time in seconds.
        sleep: waits for some seconds.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._clients: LRUCache[str, _Client] = LRUCache(_MAX_CLIENTS)

    def check(self, address: str, entered: str, key: str) -> bool:
        """Compare the keys in constant time, when it is the turn of this attempt of the client.

        Raises:
            BusyError: too many attempts of this client are waiting.
        """
        with self._lock:
            client = self._clients.setdefault(address, _Client())
            if client.waiting >= MAX_WAITING:
                raise BusyError("Too many attempts at once. Try again in a few seconds.")
            client.waiting += 1
        try:
            with client.lock:
                now_s = self._clock()
                if now_s - client.next_s > FORGET_AFTER_S:
                    client.failures = 0
                if now_s < client.next_s:
                    self._sleep(client.next_s - now_s)
                is_right = hmac.compare_digest(entered.encode(), key.encode())
                client.failures = 0 if is_right else client.failures + 1
                delay_s = DELAYS_S[min(client.failures, len(DELAYS_S)) - 1] if client.failures else 0.0
                client.next_s = self._clock() + delay_s
                return is_right
        finally:
            with self._lock:
                client.waiting -= 1


@process_singleton
def key_attempts() -> KeyAttempts:
    """Return the attempts that all sessions of the server share."""
    return KeyAttempts()
