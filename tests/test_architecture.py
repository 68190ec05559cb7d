"""The house: who may import whom, and what importing the package costs."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "dae"
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
CORE = [name for name in MODULES if not name.startswith(("dae.ui", "dae.bench"))]

# Imports point down only: a module may import those of lower floors, and of its own those that come before it.
FLOORS = [
    ["dae.errors", "dae.files", "dae.seeds", "dae.words", "dae.pictures", "dae.registry", "dae.parallel"],
    [
        "dae.blocks",
        "dae.corruptions",
        "dae.ensemble",
        "dae.metrics",
        "dae.noise",
        "dae.digits",
        "dae.folders",
        "dae.packed",
        "dae.downloads",
        "dae.models.base",
    ],
    [
        "dae.models.conv",
        "dae.models.dncnn",
        "dae.models.linear",
        "dae.models.res_unet",
        "dae.models.unet",
        "dae.models",
        "dae.tiling",
        "dae.data",
        "dae.devices",
    ],
    [
        "dae.classical",
        "dae.muon",
        "dae.config",
        "dae.checkpoints",
        "dae.uploads",
        "dae.state",
        "dae.training",
        "dae.recipes",
        "dae.origin",
    ],
    [
        "dae.facts",
        "dae.retrained",
        "dae.naming",
        "dae.progress",
        "dae.status",
        "dae.runs",
        "dae.expected",
        "dae.contenders",
        "dae.evaluation",
    ],
    ["dae.codes", "dae.probe", "dae.finetune", "dae.probed", "dae.findings"],
    ["dae.pretrained", "dae.teaching", "dae.recording", "dae.measured", "dae.comparison", "dae.export"],
    ["dae.frames", "dae.plots", "dae.report", "dae.lab"],
    ["dae.cli.command", "dae.cli.tables", "dae.cli.train", "dae.cli.evaluate", "dae.cli.probe", "dae.cli.denoise"],
    ["dae.cli.export", "dae.cli.stock", "dae.cli.bench"],
    ["dae.cli", "dae", "dae.__main__"],
]
ORDER = [name for floor in FLOORS for name in floor]


def imports(path: Path) -> Iterator[str]:
    """Every module that the file imports, wherever in it; `from dae import x` counts as dae.x where that is one."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            whole = [f"{base}.{alias.name}" for alias in node.names]
            yield from (name if name in MODULES else base for name in whole)


def test_every_room_has_its_floor() -> None:
    assert sorted(CORE) == sorted(ORDER)


@pytest.mark.parametrize("name", CORE)
def test_imports_point_down_only(name: str) -> None:
    for other in imports(MODULES[name]):
        assert other.partition(".")[0] != "streamlit", f"{name} knows Streamlit"
        if other.partition(".")[0] == "dae":
            assert not other.startswith(("dae.ui", "dae.bench")), f"{name} knows the pages"
            assert ORDER.index(other) < ORDER.index(name), f"{name} imports {other} above it"


@pytest.mark.parametrize("path", [*sorted((ROOT / "pages").glob("*.py")), *(PACKAGE / "ui").rglob("*.py")], ids=str)
def test_no_page_imports_a_page(path: Path) -> None:
    assert not [name for name in imports(path) if name.partition(".")[0] in ("pages", "dashboard")]


@pytest.mark.parametrize("name", MODULES)
def test_nothing_is_unpickled_or_evaluated(name: str) -> None:
    tree = ast.parse(MODULES[name].read_text())
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert not called & {"torch.load", "eval", "exec", "compile", "__import__", "torch.manual_seed", "torch.seed"}
    assert not {"pickle", "marshal", "shelve", "dill", "joblib"} & {
        other.partition(".")[0] for other in imports(MODULES[name])
    }
    assert "allow_pickle=True" not in MODULES[name].read_text()


@pytest.mark.parametrize("name", MODULES)
def test_only_the_command_line_prints(name: str) -> None:
    prints = re.search(r"^\s*print\(", MODULES[name].read_text(), re.MULTILINE)
    assert not prints or name.startswith(("dae.cli", "dae.bench"))


PROGRAM = """
import json, sys
opened, connected = [], []

def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], str):
        opened.append((arguments[0], str(arguments[1])))
    if event.startswith("socket.") and event != "socket.__new__":
        connected.append(event)

import torch, numpy, PIL, safetensors.torch, pandas, filelock
sys.addaudithook(watch)
import dae
print(json.dumps({"opened": opened, "connected": connected, "modules": sorted(sys.modules), "all": dae.__all__}))
"""


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What importing the package does in a process of its own, in an empty folder."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    place = tmp_path_factory.mktemp("empty")
    output = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, cwd=place, capture_output=True, check=True
    )
    assert list(place.iterdir()) == []
    result: dict[str, list[str]] = json.loads(output.stdout)
    return result


@pytest.mark.parametrize(
    "heavy", ["streamlit", "torchvision", "skimage", "plotly", "matplotlib", "scipy", "torchmetrics", "sklearn"]
)
def test_importing_the_package_stays_light(heavy: str, fresh: dict[str, list[str]]) -> None:
    assert heavy not in fresh["modules"]


def test_importing_the_package_reads_modules_only(fresh: dict[str, list[str]]) -> None:
    assert fresh["connected"] == []
    others = [path for path, _ in fresh["opened"] if not re.search(r"(\.pyc?|\.pyc\.\d+|\.so[.\d]*)$", path)]
    assert [path for path in others if str(PACKAGE) in path or "dae" in Path(path).name] == []
    assert [path for path, mode in fresh["opened"] if set(mode) & set("wax+") and "__pycache__" not in path] == []


def test_public_names_are_listed_and_there(fresh: dict[str, list[str]]) -> None:
    import dae

    assert fresh["all"] == sorted(dae.__all__, key=lambda name: (not name.isupper(), name[0].islower(), name))
    assert all(hasattr(dae, name) for name in dae.__all__)
