"""Parallelism over images instead of within operators, for computations on the CPU.

PyTorch splits each operator over OpenMP threads and waits for the slowest of them at its end. A training step has
hundreds of such barriers; as soon as another program occupies a core, each one can last a time slice of the scheduler,
and training becomes many times slower. Here, each thread computes whole images with single-threaded operators and
waits once per step. The result does not depend on the number of threads.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import torch

T = TypeVar("T")
R = TypeVar("R")

WORKER_NAME = "dae-worker"
_thread = threading.local()


def cpu_count() -> int:
    """Return the number of cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def thread_pool(max_workers: int, name: str = "dae") -> ThreadPoolExecutor:
    """Create threads that run single-threaded operators and flush denormal floats to zero.

    CPUs process denormals many times slower; pixels that are always black leave denormal gradients behind. Both
    settings belong to a thread, so the caller's thread keeps its own.
    """
    num_threads = torch.get_num_threads()
    pool = ThreadPoolExecutor(max_workers, thread_name_prefix=name, initializer=_initialize_thread)
    all_started = threading.Barrier(max_workers + 1)
    for _ in range(max_workers):
        pool.submit(all_started.wait)
    all_started.wait()
    # The process-wide number applies to threads that start later; the threads above keep theirs.
    torch.set_num_threads(num_threads)
    return pool


def parallel_map(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Apply `function` to each item in the shared worker threads and return the results in order.

    The worker threads have the priority of the calling thread. A thread of `thread_pool` computes items, too, from the
    last one on: those that no worker has begun, because other programs occupy the cores or the items are short. Within
    a worker thread, the items are computed one after the other.
    """
    if threading.current_thread().name.startswith(WORKER_NAME):
        return [function(item) for item in items]
    pool = _shared_pool(_niceness())
    if not getattr(_thread, "initialized", False):
        return list(pool.map(function, items))
    items = list(items)
    if not items:
        return []
    futures = [pool.submit(function, item) for item in items[:-1]]
    try:
        results = [function(items[-1])]
        while futures and futures[-1].cancel():
            futures.pop()
            results.append(function(items[len(futures)]))
        return [future.result() for future in futures] + results[::-1]
    finally:
        for future in futures:
            future.cancel()


@cache
def _shared_pool(niceness: int) -> ThreadPoolExecutor:
    """Return the worker threads for callers of one priority: a thread inherits that of the thread that starts it."""
    return thread_pool(cpu_count(), WORKER_NAME)


def _niceness() -> int:
    """Return the nice value of the calling thread, -20 to 19: 0 by default, more for less of the processor."""
    # Only Linux has a priority per thread.
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) if sys.platform == "linux" else 0


def _initialize_thread() -> None:
    torch.set_num_threads(1)
    # The first call in a thread copies the process-wide number, and the thread keeps it.
    torch.get_num_threads()
    torch.set_flush_denormal(True)
    _thread.initialized = True
