"""The phones of the room: their tokens and when each asked last."""

from collections.abc import Callable

MAX_PHONES = 500
# A phone that asked within this time is counted as present. It asks every second while its page is visible.
PRESENT_S = 10.0
# In a full room, a phone that has not asked for this time makes way for a new one. It can join again.
_FORGET_AFTER_S = 600.0


class Presence:
    """Tokens of phones and the times of their last requests. Not safe for several threads; the room has the lock.

    Args:
        clock: monotonic time in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seen_s: dict[str, float] = {}

    def __contains__(self, token: str) -> bool:
        return token in self._seen_s

    def note(self, token: str) -> None:
        """Record that a phone asked now."""
        self._seen_s[token] = self._clock()

    def count(self) -> int:
        """Return the number of present phones."""
        now_s = self._clock()
        return sum(now_s - seen_s < PRESENT_S for seen_s in self._seen_s.values())

    def has_place(self) -> bool:
        """Return whether one more phone can join; if all places are taken, forget a phone that has long gone."""
        if len(self._seen_s) >= MAX_PHONES:
            oldest = min(self._seen_s, key=self._seen_s.__getitem__)
            if self._clock() - self._seen_s[oldest] >= _FORGET_AFTER_S:
                del self._seen_s[oldest]
        return len(self._seen_s) < MAX_PHONES

    def clear(self) -> None:
        """Forget all phones."""
        self._seen_s.clear()
