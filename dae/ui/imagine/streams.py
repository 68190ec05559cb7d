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

# A running sampler whose page is closed or stopped ends after this time; pages poll several times a second.
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
        is_abandoned: whether the sampler ended early because no page asked for its frames.
        sheets: number of frames that were drawn last, and their PNGs, so that a poll without news costs little.
    """

    polled_s: float
    frames: list[Tensor] = field(default_factory=list)
    is_done: bool = False
    result: Any = None
    error: DaeError | None = None
    is_waiting: bool = False
    is_abandoned: bool = False
    sheets: tuple[int, tuple[bytes, ...]] = (0, ())


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
        """Return a stream, and start it if there is none or if it was abandoned.

        Raises:
            DaeError: the sampler failed. The next call starts it again.
        """
        with self._lock:
            stream = self._streams.pop(key, None)
            if stream is not None and stream.error is not None:
                raise stream.error
            if stream is None or stream.is_abandoned:
                stream = Stream(self._clock())
                threading.Thread(target=self._run, args=(stream, create), daemon=True).start()
            stream.polled_s = self._clock()
            # The latest one goes to the end.
            self._streams[key] = stream
            for oldest in list(self._streams)[:-_MAX_STREAMS]:
                del self._streams[oldest]
            return stream

    def peek(self, key: object) -> Stream | None:
        """Return a stream without keeping it running, or None if there is none."""
        with self._lock:
            return self._streams.get(key)

    def _run(self, stream: Stream, create: Callable[[], Sampler]) -> None:
        server_tuning.lower_priority()
        sampler: Sampler | None = None
        try:
            while not self._is_abandoned(stream):
                with resources.compute_lock(lambda: setattr(stream, "is_waiting", True)):
                    stream.is_waiting = False
                    sampler = sampler or create()
                    stream.frames.append(next(sampler))
        except StopIteration as stop:
            stream.result, stream.is_done = stop.value, True
        except DaeError as error:
            stream.error = error
        except Exception as error:
            _log.error("A sampler failed.", exc_info=error)
            stream.error = DaeError("The computation failed. Try again.")

    def _is_abandoned(self, stream: Stream) -> bool:
        with self._lock:
            stream.is_abandoned = self._clock() - stream.polled_s >= _ABANDONED_AFTER_S
        return stream.is_abandoned


@process_singleton
def streams() -> Streams:
    """Return the streams of the server."""
    return Streams()
