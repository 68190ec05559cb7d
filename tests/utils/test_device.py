"""Device selection and the translation of out-of-memory errors."""

import pytest
import torch

from dae.errors import OutOfMemoryError, SpecError
from dae.utils.device import as_device, translate_oom_errors


@pytest.mark.parametrize(
    "name, words",
    [("cuda:2", "from cuda:0 to cuda:1"), ("cuda:x", "for example cuda:0"), ("tpu", "auto, cuda")],
)
def test_missing_device_is_refused_with_the_choices(name: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert as_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(SpecError, match=words):
        as_device(name)


def test_auto_never_selects_mps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert as_device("auto").type == "cpu" and as_device("mps").type == "mps"


def test_cpu_and_gpu_memory_errors_are_translated() -> None:
    for error in (
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"),
        MemoryError(),
    ):
        with pytest.raises(OutOfMemoryError, match="batch"), translate_oom_errors(torch.device("cpu"), 64):
            raise error
    with pytest.raises(RuntimeError, match="something else"), translate_oom_errors(torch.device("cpu"), 64):
        raise RuntimeError("something else")
