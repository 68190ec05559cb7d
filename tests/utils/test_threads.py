"""Worker threads: single-threaded operators, order of results, nesting, and unchanged settings of other threads."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch

from dae.utils import threads
from dae.utils.threads import parallel_map, thread_pool


def test_threads_use_one_core_each_and_flush_denormals_without_changing_the_callers_thread() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with thread_pool(2) as pool:
            settings = list(pool.map(lambda _: (torch.get_num_threads(), float(torch.tensor(1e-30) * 1e-10)), range(4)))
        assert settings == [(1, 0.0)] * 4
        assert torch.get_num_threads() == 2 and float(torch.tensor(1e-30) * 1e-10) > 0
    finally:
        torch.set_num_threads(before)


def test_a_pool_does_not_change_the_thread_count_of_threads_that_start_later() -> None:
    def in_new_thread(function: Callable[..., Any], *arguments: Any) -> Any:
        with ThreadPoolExecutor(1) as fresh:
            return fresh.submit(function, *arguments).result()

    before = in_new_thread(torch.get_num_threads)
    in_new_thread(torch.set_num_threads, 3)
    try:
        # The inner pool is created by a thread with one PyTorch thread, as in a training.
        with thread_pool(1) as outer:
            outer.submit(lambda: thread_pool(2).shutdown()).result()
        assert in_new_thread(torch.get_num_threads) == 3
    finally:
        in_new_thread(torch.set_num_threads, before)


@pytest.fixture(params=["any thread", "thread of a pool"])
def call(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Return `parallel_map`, called from a thread of this kind."""
    with ThreadPoolExecutor(1) if request.param == "any thread" else thread_pool(1) as pool:
        yield lambda *arguments: pool.submit(parallel_map, *arguments).result()


def test_results_keep_the_order_of_the_items(call: Callable[..., Any]) -> None:
    assert call(lambda item: item**2, range(20)) == [item**2 for item in range(20)]
    assert call(lambda item: item, [5]) == [5] and call(lambda item: item, []) == []


def test_a_single_item_from_any_thread_is_computed_by_a_worker() -> None:
    (name,) = parallel_map(lambda _: threading.current_thread().name, range(1))
    assert name.startswith(threads.WORKER_NAME)


def test_a_nested_call_runs_in_its_own_worker_thread() -> None:
    names = parallel_map(lambda _: parallel_map(lambda _: threading.current_thread().name, range(3)), range(4))
    assert all(len(set(inner)) == 1 for inner in names)


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_an_error_reaches_the_caller(call: Callable[..., Any], wrong: int) -> None:
    with pytest.raises(ZeroDivisionError):
        call(lambda item: 1 / (item - wrong), range(3))


def test_a_pool_thread_computes_items_that_no_worker_has_started(monkeypatch: pytest.MonkeyPatch) -> None:
    free = threading.Event()
    with thread_pool(1, threads.WORKER_NAME) as workers, thread_pool(1, "caller") as callers:
        monkeypatch.setattr(threads, "_shared_pool", lambda niceness: workers)
        workers.submit(free.wait)
        names = callers.submit(parallel_map, lambda _: threading.current_thread().name, range(3)).result()
        free.set()
    assert names == ["caller_0"] * 3


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a priority per thread")
def test_workers_have_the_priority_of_the_caller() -> None:
    def niceness(_: int = 0) -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    def call_with_lower_priority() -> set[int]:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness() + 3)
        return set(parallel_map(niceness, range(4)))

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(call_with_lower_priority).result() == {niceness() + 3}
    assert set(parallel_map(niceness, range(4))) == {niceness()}
