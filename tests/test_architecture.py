"""Importing the package stays cheap and has no side effects.

The direction of imports, and the functions and modules that are banned, are checked by import-linter and ruff
(`pyproject.toml`).
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import ROOT

# One worker imports the package in a new process.
pytestmark = pytest.mark.xdist_group("imports")
PACKAGE = ROOT / "dae"

# Import the dependencies first, so that only the package's own side effects are recorded.
PROGRAM = """
import json, sys
opened, connected = [], []

def record(event, arguments):
    if event == "open" and isinstance(arguments[0], str):
        opened.append((arguments[0], str(arguments[1])))
    if event.startswith("socket.") and event != "socket.__new__":
        connected.append(event)

import torch, numpy, PIL, safetensors.torch, pandas, filelock
sys.addaudithook(record)
import dae
print(json.dumps({"opened": opened, "connected": connected, "modules": sorted(sys.modules)}))
"""


@pytest.fixture(scope="module")
def import_effects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Import the package in a new process and an empty folder; return files opened, socket events and modules."""
    folder = tmp_path_factory.mktemp("empty")
    output = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        check=True,
    )
    assert list(folder.iterdir()) == []
    effects: dict[str, list[str]] = json.loads(output.stdout)
    return effects


@pytest.mark.parametrize(
    "heavy", ["streamlit", "torchvision", "skimage", "plotly", "matplotlib", "scipy", "torchmetrics", "sklearn"]
)
def test_import_does_not_load_heavy_modules(heavy: str, import_effects: dict[str, list[str]]) -> None:
    assert heavy not in import_effects["modules"]


def test_import_reads_only_modules_and_opens_no_socket(import_effects: dict[str, list[str]]) -> None:
    assert import_effects["connected"] == []
    opened = import_effects["opened"]
    others = [path for path, _ in opened if not re.search(r"(\.pyc?|\.pyc\.\d+|\.so[.\d]*)$", path)]
    assert [path for path in others if str(PACKAGE) in path or "dae" in Path(path).name] == []
    assert [path for path, mode in opened if set(mode) & set("wax+") and "__pycache__" not in path] == []


def test_all_public_names_exist() -> None:
    import dae

    assert len(set(dae.__all__)) == len(dae.__all__)
    assert [name for name in dae.__all__ if not hasattr(dae, name)] == []


def test_numpy_arrays_are_never_unpickled() -> None:
    assert [path for path in PACKAGE.rglob("*.py") if "allow_pickle=True" in path.read_text()] == []
