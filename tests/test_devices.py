"""How a device computes."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from dae.devices import as_device, flushed_denormals
from dae.errors import SpecError


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


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


def _in_turns() -> tuple[float, float]:
    first, second = flushed_denormals(), flushed_denormals()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    meanwhile = _next_to_nothing()
    second.__exit__(None, None, None)
    return meanwhile, _next_to_nothing()


def test_of_two_that_take_turns_the_last_one_sets_things_back() -> None:
    with ThreadPoolExecutor(1) as thread:
        meanwhile, after = thread.submit(_in_turns).result()
    assert meanwhile == 0 < after


def _denormals() -> int:
    return int((torch.full((1_000_000,), 1e-30) * 1e-10).count_nonzero())


def _with_helpers() -> tuple[int, int, int]:
    torch.set_num_threads(2)
    before = _denormals()  # has begun the threads that share such work
    with flushed_denormals():
        meanwhile = _denormals()
    return before, meanwhile, _denormals()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere PyTorch's other threads keep what they began with")
def test_threads_that_helped_before_flush_too_and_stop_doing_so(two_threads: None) -> None:
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(_with_helpers).result() == (1_000_000, 0, 1_000_000)


@pytest.mark.parametrize(
    "name, words",
    [("cuda:2", "counted from cuda:0 to cuda:1"), ("cuda:x", "for example cuda:0"), ("tpu", "auto, cuda")],
)
def test_a_device_that_is_not_there_is_told(name: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert as_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(SpecError, match=words):
        as_device(name)


def test_mps_has_to_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert as_device("auto").type == "cpu" and as_device("mps").type == "mps"
