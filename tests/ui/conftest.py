"""Fixtures of the tests of pages: few images, server-wide objects per test, and a folder of small runs."""

import functools
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner

from dae.data import DATASETS
from dae.evaluation import classical
from dae.runs import run_training
from dae.ui import measuring, resources, server_tuning, singletons
from tests.helpers import PATIENCE_S, ROOT, new_run
from tests.small_digits import NUM_TUNING_IMAGES, SMALL_DIGITS


@pytest.fixture(scope="session")
def trained(photos: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a runs folder with a linear and a convolutional model of a few steps."""
    root = tmp_path_factory.mktemp("runs")
    for model in ("linear-32", "conv-64"):
        for _ in run_training(new_run(root, photos, name=f"small-{model}", model=model)):
            pass
    return root


@pytest.fixture(scope="session", autouse=True)
def _components_found_once() -> Iterator[None]:
    """Look for components once: each AppTest would parse the metadata of all installed packages again."""
    with pytest.MonkeyPatch.context() as patch:
        scan = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture(scope="session")
def _cache_of_pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(autouse=True)
def _few_images(_cache_of_pages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Show few digits, tune filters on four, share measured metrics between tests, and fix every latency at 1 ms."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(_cache_of_pages))
    monkeypatch.setitem(DATASETS, "digits", SMALL_DIGITS)
    monkeypatch.setattr(classical, "NUM_TUNING_IMAGES", NUM_TUNING_IMAGES)
    monkeypatch.setattr(measuring, "latency_ms", lambda *_: 1.0)


@pytest.fixture(autouse=True)
def _equal_priorities(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pages compute at the priority of the test, which would otherwise wait for all other workers."""
    monkeypatch.setattr(server_tuning, "_NICE", 0)


@pytest.fixture(autouse=True)
def _fresh_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("DAE_CHECKPOINTS", str(tmp_path / "runs"))
    yield
    assert resources.training_queue().close(PATIENCE_S)
    singletons.clear_singletons()
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def dashboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Import the server without starting it."""
    monkeypatch.syspath_prepend(str(ROOT))
    policy = os.environ.get("OMP_WAIT_POLICY")
    import dashboard

    dashboard.libraries_loaded.set()
    yield dashboard
    sys.modules.pop("dashboard")
    if policy is None:
        os.environ.pop("OMP_WAIT_POLICY", None)
