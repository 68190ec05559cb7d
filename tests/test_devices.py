"""How a device computes."""

from concurrent.futures import ThreadPoolExecutor

import torch

from dae.devices import flush_denormals


def _next_to_nothing() -> float:
    return float(torch.tensor([1e-30]) * torch.tensor([1e-10]))


def test_what_is_next_to_nothing_is_nothing_in_the_thread_that_asks_for_it() -> None:
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(_next_to_nothing).result() > 0
        thread.submit(flush_denormals).result()
        assert thread.submit(_next_to_nothing).result() == 0
