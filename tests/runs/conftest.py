"""Fixtures of the training queue: three new runs, and a recorder that a test controls step by step."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dae.runs import Run, TrainingQueue
from tests.helpers import PATIENCE_S, ControlledRecorder, new_run


@pytest.fixture
def runs(tmp_path: Path, photos: str) -> list[Run]:
    """Return three runs of two epochs."""
    return [new_run(tmp_path, photos, name, epochs=2) for name in "abc"]


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> ControlledRecorder:
    """Replace `run_training` in the queue by a recorder that waits at each report."""
    recorder = ControlledRecorder()
    monkeypatch.setattr("dae.runs.queue.run_training", recorder.record)
    return recorder


@pytest.fixture
def queue(recorder: ControlledRecorder) -> Iterator[TrainingQueue]:
    """Yield a queue with a controlled recorder, and close it."""
    queue = TrainingQueue()
    yield queue
    recorder.let(1_000)
    assert queue.close(PATIENCE_S)
