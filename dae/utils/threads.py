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
# The process-wide number of threads changes while a pool starts, and two callers must not create the same pool.
_lock = threading.RLock()


def cpu_count() -> int:
    """Return the number of cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def thread_pool(max_workers: int, name: str = "dae") -> ThreadPoolExecutor:
    """Create threads that run single-threaded operators and flush denormal floats to zero.

    CPUs process denormals many times slower; pixels that are always black leave denormal gradients behind. Both
    settings belong to a thread, so the caller's thread keeps its own.
    """
    # A thread keeps the process-wide number of its first call, so a new one is needed to read that number.
    with _lock, ThreadPoolExecutor(1) as fresh:
        num_threads = fresh.submit(torch.get_num_threads).result()
        pool = ThreadPoolExecutor(max_workers, thread_name_prefix=name, initializer=_initialize_thread)
        all_started = threading.Barrier(max_workers + 1)
        for _ in range(max_workers):
            pool.submit(all_started.wait)
        all_started.wait()
        # The threads above keep theirs.
        fresh.submit(torch.set_num_threads, num_threads).result()
    return pool


def parallel_map(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Apply `function` to each item in the shared worker threads and return the results in order.

    The worker threads have the priority of the calling thread. If that is itself a thread of `thread_pool`, it helps:
    it computes the last item, then each item from the end that no worker has started. In a worker thread, the items
    are computed one after the other.
    """
    if threading.current_thread().name.startswith(WORKER_NAME):
        return [function(item) for item in items]
    with _lock:
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
