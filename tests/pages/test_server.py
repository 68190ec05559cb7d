"""The server around the pages: it is ready early, and a mistake of ours costs no visitor more than a sentence."""

import os
import subprocess
import sys
from pathlib import Path

from dae.bench.server import dashboard
from dae.bench.viewer import Viewer
from tests.conftest import ROOT

BROKEN = """
import sys
import streamlit as st
sys.path.insert(0, {root!r})
import dashboard
if __name__ == "__main__":
    st.title("Half a page")
    raise ZeroDivisionError("a secret of the server")
app = st.App(__file__, lifespan=dashboard.lifespan, on_script_error=dashboard.sorry)
"""


def test_a_mistake_of_ours_is_a_sentence_on_the_page(tmp_path: Path) -> None:
    script = tmp_path / "broken.py"
    script.write_text(BROKEN.format(root=str(ROOT)))
    with dashboard(script) as server:
        viewer = Viewer(server.address)
        assert [("Nothing is lost" in words, "secret" in words) for words in viewer.errors] == [(True, False)]
        viewer.close()


def test_the_front_door_is_served_as_it_is_run() -> None:
    with dashboard(runs=("digits-linear",)) as server:
        viewer = Viewer(server.address)
        assert not viewer.errors and not viewer.alerts
        viewer.close()


def test_pytorch_is_told_not_to_spin_before_it_is_loaded() -> None:
    """It reads the wish once, as it is loaded; a training beside a page is several times slower without."""
    asks = "import os, sys, dashboard; print('torch' in sys.modules, os.environ['OMP_WAIT_POLICY'])"
    usual = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    for wish, heard in ({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE"):
        done = subprocess.run(
            [sys.executable, "-c", asks], cwd=ROOT, env=usual | wish, capture_output=True, text=True, check=True
        )
        assert done.stdout.split() == ["False", heard]
