"""Run the scripts of the HTML file outside of it, by Node.js or in Chromium."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dae.html_demo.page import ASSETS
from tests.benchmarks.server import CHROMIUM, browser

_NODE = shutil.which("node")
_SCRIPTS = ("convolution", "inference", "noise", "digit")


def run_javascript(expression: str, data: Any, folder: Path) -> Any:
    """Return the value of an expression that uses `data` and the functions of the scripts; skip without an engine."""
    source = "\n".join((ASSETS / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS)
    if _NODE:
        script = folder / "script.js"
        read = "const data = JSON.parse(require('fs').readFileSync(0, 'utf-8'))"
        script.write_text(f"{source}\n{read}\nconsole.log(JSON.stringify({expression}))")
        done = subprocess.run([_NODE, str(script)], input=json.dumps(data), capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
    pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("neither Node.js nor Chromium is installed")
    with browser() as opened:
        text = opened.new_page().evaluate(f"(data) => {{ {source}\nreturn JSON.stringify({expression}) }}", data)
    return json.loads(text)
