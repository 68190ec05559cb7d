"""A laboratory on a leash, and three runs for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dae import lab as lab_module
from dae.lab import Lab
from dae.runs import RunDirectory
from tests.conftest import PATIENCE_S, Leash, new_run


@pytest.fixture
def leash(monkeypatch: pytest.MonkeyPatch) -> Leash:
    leash = Leash()
    monkeypatch.setattr(lab_module, "record", leash.record)
    return leash


@pytest.fixture
def lab(leash: Leash) -> Iterator[Lab]:
    lab = Lab()
    yield lab
    leash.let(1_000)
    assert lab.close(PATIENCE_S)


@pytest.fixture
def runs(tmp_path: Path, photos: str) -> list[RunDirectory]:
    return [new_run(tmp_path, photos, name, epochs=2) for name in "abc"]
