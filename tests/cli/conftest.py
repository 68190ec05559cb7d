"""A runs folder for the commands."""

from pathlib import Path

import pytest

from dae.recording import record
from tests.conftest import new_run


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, photos: str) -> Path:
    """A runs folder with one trained run, called trained."""
    folder = tmp_path_factory.mktemp("runs")
    list(record(new_run(folder, photos, "trained", epochs=1)))
    return folder
