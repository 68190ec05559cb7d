"""Fixtures of the command line tests."""

from pathlib import Path

import pytest

from dae.runs import run_training
from tests.helpers import new_run


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, photos: str) -> Path:
    """Return a directory of runs with one trained run, called "trained"."""
    folder = tmp_path_factory.mktemp("runs")
    list(run_training(new_run(folder, photos, "trained", epochs=1)))
    return folder
