"""Worker threads: single-threaded operators, order, nesting and what they leave alone."""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

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


def test_results_keep_the_order_of_the_items() -> None:
    first_done = threading.Event()

    def slow_first(item: int) -> int:
        if item:
            first_done.set()
        return item**2

    assert parallel_map(slow_first, range(20)) == [item**2 for item in range(20)]


def test_a_nested_call_runs_in_its_own_worker_thread() -> None:
    names = parallel_map(lambda _: parallel_map(lambda _: threading.current_thread().name, range(3)), range(4))
    assert all(len(set(inner)) == 1 for inner in names)


def test_an_error_reaches_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        parallel_map(lambda item: 1 / item, [1, 0])


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
