"""Fixtures that all tests share: an isolated environment and small images."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, settings
from PIL import Image

from dae.data import ImageSet, load_dataset
from tests.helpers import blobs

# No failure because the machine is slow.
settings.register_profile("any_machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any_machine")
# pytest-xdist runs one process per core.
torch.set_num_threads(1)
# Read before `_isolated_environment` removes it.
_DATA = os.environ.get("DAE_DATA")


@pytest.fixture(autouse=True, scope="session")
def _isolated_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hide the user's cache, data and runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("DAE_DATA", raising=False)
        patch.delenv("DAE_CHECKPOINTS", raising=False)
        # Processes that tests start use one thread, too.
        patch.setenv("OMP_NUM_THREADS", "1")
        yield


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test an empty cache; return the directory of its packed images."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "dae" / "images"


@pytest.fixture(scope="session")
def mnist() -> ImageSet:
    """Return the first 1,000 MNIST test images; skip the test without MNIST."""
    if not _DATA or not (Path(_DATA) / "MNIST/raw/t10k-images-idx3-ubyte").is_file():
        pytest.skip("DAE_DATA has no MNIST")
    return load_dataset("mnist", "test", root=_DATA, limit=1_000)


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Write 24 training and 8 test images (1, 28, 28); return the name of their data set."""
    folder = tmp_path_factory.mktemp("photos")
    for split, count in (("train", 24), ("test", 8)):
        (folder / split).mkdir()
        for index, image in enumerate(blobs(count, seed=count)[:, 0]):
            Image.fromarray(image).save(folder / split / f"{index:02d}.png")
    return f"folder:{folder}@28"


@pytest.fixture
def clean() -> torch.Tensor:
    """Return two color images with odd, unequal sides, float32 (2, 3, 37, 31) in [0, 1]."""
    return torch.rand(2, 3, 37, 31, generator=torch.Generator().manual_seed(7))
