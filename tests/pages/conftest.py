"""A server of its own for each test of pages, and a folder of small runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

from dae.data import load_dataset
from dae.recording import record
from dae.ui import contest, shared
from tests.conftest import PATIENCE_S, ROOT, new_run

FEW = 48


@pytest.fixture(scope="module")
def trained(photos: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs folder with a linear and a convolutional run of a few steps."""
    root = tmp_path_factory.mktemp("runs")
    for model in ("linear-32", "conv-64"):
        for _ in record(new_run(root, photos, name=f"small-{model}", model=model)):
            pass
    return root


@pytest.fixture(autouse=True)
def _fresh_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("DAE_CHECKPOINTS", str(tmp_path / "runs"))
    yield
    assert shared.lab().close(PATIENCE_S)
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def few_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """To measure, and for filters to be tuned by."""
    monkeypatch.setattr(
        shared, "load_dataset", lambda name, split, limit: load_dataset(name, split, limit=min(limit or FEW, FEW))
    )
    monkeypatch.setattr(contest, "TUNING_IMAGES", 4)
