"""Three runs for the laboratory."""

from pathlib import Path

import pytest

from dae.runs import RunDirectory
from tests.conftest import new_run


@pytest.fixture
def runs(tmp_path: Path, photos: str) -> list[RunDirectory]:
    return [new_run(tmp_path, photos, name, epochs=2) for name in "abc"]
