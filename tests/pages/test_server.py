"""The server around the pages: it is ready early, and a mistake of ours costs no visitor more than a sentence."""

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
        assert not viewer.errors and any("Nothing is lost" in words for words in viewer.alerts)
        assert not any("secret" in words for words in viewer.alerts)
        viewer.close()


def test_the_front_door_is_served_as_it_is_run() -> None:
    with dashboard(runs=("digits-linear",)) as server:
        viewer = Viewer(server.address)
        assert not viewer.errors and not viewer.alerts
        viewer.close()
