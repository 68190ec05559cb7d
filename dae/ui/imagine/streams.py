"""Samplers that run in the background, and whose frames pages draw while they arrive."""

import logging
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from dae.errors import DaeError
from dae.ui import resources, server_tuning
from dae.ui.singletons import process_singleton

# A running sampler whose page is closed or stopped pauses after this time; pages poll several times a second.
_ABANDONED_AFTER_S = 3.0
_MAX_STREAMS = 24
_log = logging.getLogger(__name__)

# Yields uint8 images (B, C, H, W) and returns a result.
Sampler = Generator[Tensor, None, Any]


@dataclass(eq=False)
class Stream:
    """Frames of one sampler.

    Attributes:
        frames: computed so far, uint8 (B, C, H, W) each; only grows.
        is_done: whether all frames are computed.
        result: what the sampler returned; None until it is done.
        error: why the sampler failed; None if it did not.
        is_waiting: whether another computation of the server runs first.
        is_abandoned: whether the sampler waits for the next poll, because no page asked for its frames.
        sampler: computes the frames; None until the first one.
        sheets: number of frames that were drawn last, and their PNGs, so that a poll without news costs little.
    """

    polled_s: float = 0.0
    frames: list[Tensor] = field(default_factory=list)
    is_done: bool = False
    result: Any = None
    error: DaeError | None = None
    is_waiting: bool = False
    is_abandoned: bool = False
    sampler: Sampler | None = None
    sheets: tuple[int, tuple[bytes, ...]] = (0, ())

    @property
    def has_ended(self) -> bool:
        """Return whether all frames are computed, or the sampler failed."""
        return self.is_done or self.error is not None


class Streams:
    """Streams by key, shared by all sessions: the same key is computed once.

    A sampler holds the server's lock on computations while it computes a frame.

    Args:
        clock: monotonic time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._streams: dict[object, Stream] = {}

    def poll(self, key: object, create: Callable[[], Sampler]) -> Stream:
        """Return a stream; start it if there is none, and continue it if it was abandoned.

        A stream whose sampler failed stays until `forget`.
        """
        with self._lock:
            stream = self._streams.pop(key, None)
            is_started = stream is not None and not stream.is_abandoned
            stream = stream or Stream()
            stream.polled_s = self._clock()
            if not is_started:
                stream.is_abandoned = False
                threading.Thread(target=self._run, args=(stream, create), daemon=True).start()
            # The latest one goes to the end.
            self._streams[key] = stream
            for oldest in list(self._streams)[:-_MAX_STREAMS]:
                del self._streams[oldest]
            return stream

    def peek(self, key: object) -> Stream | None:
        """Return a stream without keeping it running, or None if there is none."""
        with self._lock:
            return self._streams.get(key)

    def forget(self, key: object) -> None:
        """Remove a stream, so that the next poll starts a new one."""
        with self._lock:
            self._streams.pop(key, None)

    def _run(self, stream: Stream, create: Callable[[], Sampler]) -> None:
        server_tuning.lower_priority()
        try:
            while not self._is_abandoned(stream):
                with resources.compute_lock(lambda: setattr(stream, "is_waiting", True)):
                    stream.is_waiting = False
                    stream.sampler = stream.sampler or create()
                    stream.frames.append(next(stream.sampler))
        except StopIteration as stop:
            stream.result, stream.is_done, stream.sampler = stop.value, True, None
        except DaeError as error:
            stream.error = error
        except Exception as error:
            _log.error("A sampler failed.", exc_info=error)
            stream.error = DaeError("The computation failed. Try again.")

    def _is_abandoned(self, stream: Stream) -> bool:
        with self._lock:
            stream.is_abandoned = self._clock() - stream.polled_s >= _ABANDONED_AFTER_S
            # Read under the lock: a poll that follows resets it, and continues the sampler in a thread of its own.
            return stream.is_abandoned


@process_singleton
def streams() -> Streams:
    """Return the streams of the server."""
    return Streams()
