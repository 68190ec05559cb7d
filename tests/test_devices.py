"""How a device computes."""

from concurrent.futures import ThreadPoolExecutor

import torch

from dae.devices import flushed_denormals


def _next_to_nothing() -> float:
    return float(torch.tensor([1e-30]) * torch.tensor([1e-10]))


def _while_flushed() -> float:
    with flushed_denormals():
        with flushed_denormals():
            pass
        return _next_to_nothing()


def test_what_is_next_to_nothing_is_nothing_for_a_while_and_in_one_thread() -> None:
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(_next_to_nothing).result() > 0
        assert thread.submit(_while_flushed).result() == 0 < _next_to_nothing()
        assert thread.submit(_next_to_nothing).result() > 0
