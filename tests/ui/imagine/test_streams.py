"""Samplers in the background: frames arrive, the same key is computed once, and abandoned samplers pause."""

import threading
from collections.abc import Generator

import pytest
import torch

from dae.errors import SpecError
from dae.ui.imagine.streams import Streams
from tests.helpers import PATIENCE_S, wait_for


class ControlledSampler:
    """A sampler that yields a frame each time the test calls `let`, and counts how often it was started."""

    def __init__(self, num_frames: int, error: Exception | None = None) -> None:
        self.num_frames, self.error, self.num_starts = num_frames, error, 0
        self._allowed = threading.Semaphore(0)

    def create(self) -> Generator[torch.Tensor, None, str]:
        self.num_starts += 1
        for index in range(self.num_frames):
            assert self._allowed.acquire(timeout=PATIENCE_S)
            yield torch.full((1, 1, 2, 2), index, dtype=torch.uint8)
        if self.error:
            raise self.error
        return "result"

    def let(self, times: int = 1) -> None:
        self._allowed.release(times)


def test_frames_arrive_one_by_one_and_are_computed_once() -> None:
    sampler, streams = ControlledSampler(3), Streams()
    stream = streams.poll("key", sampler.create)
    sampler.let()
    wait_for(lambda: len(stream.frames) == 1)
    assert not stream.is_done and streams.peek("other") is None
    sampler.let(2)
    wait_for(lambda: stream.is_done)
    assert stream.result == "result" and [int(frame.max()) for frame in stream.frames] == [0, 1, 2]
    assert streams.poll("key", sampler.create) is stream and sampler.num_starts == 1


def test_a_poll_right_after_a_stream_was_abandoned_continues_it_in_one_thread() -> None:
    now_s, others = 0.0, set(threading.enumerate())
    streams = Streams(clock=lambda: now_s)

    def create() -> Generator[torch.Tensor, None, str]:
        nonlocal now_s
        for index in range(3):
            yield torch.full((1, 1, 2, 2), index, dtype=torch.uint8)
            if index == 0:
                now_s += 60
        return "result"

    class Lock:
        """Polls once between the decision that the stream is abandoned and the thread's next step."""

        lock, is_armed = threading.Lock(), True

        def __enter__(self) -> None:
            self.lock.acquire()

        def __exit__(self, *_: object) -> None:
            stream = streams._streams.get("key")
            poll = self.is_armed and stream is not None and stream.is_abandoned
            self.is_armed = self.is_armed and not poll
            self.lock.release()
            if poll:
                streams.poll("key", create)

    streams._lock = Lock()  # type: ignore[assignment]
    stream = streams.poll("key", create)
    wait_for(lambda: stream.is_done)
    for thread in set(threading.enumerate()) - others:
        thread.join(PATIENCE_S)
    assert not streams._lock.is_armed  # type: ignore[attr-defined]
    assert [int(frame.max()) for frame in stream.frames] == [0, 1, 2]


def test_a_sampler_that_no_page_polls_pauses_and_continues_on_request() -> None:
    now_s = 0.0
    sampler, streams = ControlledSampler(3), Streams(clock=lambda: now_s)
    stream = streams.poll("key", sampler.create)
    sampler.let()
    wait_for(lambda: stream.frames)
    now_s = 60.0
    sampler.let()
    wait_for(lambda: stream.is_abandoned)
    # A stopped page still shows the frames.
    assert streams.peek("key") is stream and len(stream.frames) < 3
    done = len(stream.frames)
    assert streams.poll("key", sampler.create) is stream and not stream.is_abandoned
    sampler.let(3)
    wait_for(lambda: stream.is_done)
    assert sampler.num_starts == 1 and done < len(stream.frames) == 3
    assert [int(frame.max()) for frame in stream.frames] == [0, 1, 2]


@pytest.mark.parametrize(
    ("error", "message"), [(SpecError("A bad level."), "A bad level."), (ValueError("x"), "The computation failed")]
)
def test_errors_reach_the_page_and_stay_until_the_user_tries_again(error: Exception, message: str) -> None:
    sampler, streams = ControlledSampler(0, error), Streams()
    stream = streams.poll("key", sampler.create)
    wait_for(lambda: stream.error)
    assert streams.poll("key", sampler.create) is stream and stream.has_ended and message in str(stream.error)
    assert sampler.num_starts == 1
    sampler.error = None
    streams.forget("key")
    again = streams.poll("key", sampler.create)
    wait_for(lambda: again.is_done)
    assert again.result == "result"
