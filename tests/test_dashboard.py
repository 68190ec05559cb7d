"""Test the server of the dashboard: its start, its end, and the message that replaces an unexpected error."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg

from dae.runs import Run
from tests.benchmarks.server import Server, dashboard
from tests.benchmarks.viewer import Viewer
from tests.helpers import ROOT, small_config, wait_for

# One worker starts the server that several tests share; the last one ends it.
pytestmark = pytest.mark.xdist_group("dashboard")

BROKEN = """
import sys
import streamlit as st
sys.path.insert(0, {root!r})
import dashboard
if __name__ == "__main__":
    st.title("Half a page")
    raise ZeroDivisionError("a secret of the server")
app = st.App(__file__, on_script_error=dashboard.show_unexpected_error)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with dashboard(runs=("digits-linear",)) as served:
        yield served


@pytest.fixture(scope="module")
def endless(server: Server) -> Run:
    """Start a run that does not end by itself, and return it once it trains."""
    config = small_config(dataset="digits", max_images=1_000, epochs=10_000)
    run = Run.create(config, root=server.runs, name="long")
    run.status.set("stopped")
    presenter = Viewer(server.address, "train", "runs=long")
    presenter.press("resume-long")
    presenter.close()
    wait_for(run.progress)
    return run


def test_pages_opened_at_once_right_after_the_start_do_not_fail(server: Server) -> None:
    """Threads that import the same packages at the same time can see them half initialized."""
    with ThreadPoolExecutor() as executor:
        viewers = list(executor.map(lambda page: Viewer(server.address, page), ("", "train", "explore")))
    for viewer in viewers:
        assert not viewer.errors and not viewer.alerts
        viewer.close()


def test_a_session_that_clears_the_caches_does_not_stop_the_training(server: Server, endless: Run) -> None:
    presenter = Viewer(server.address, "train", "runs=long")
    message = BackMsg()
    message.clear_cache = True
    presenter.send(message)
    visitor = Viewer(server.address, "train", "runs=long")
    step = endless.progress()[-1]["step"]
    wait_for(lambda: endless.progress()[-1]["step"] > step)
    assert endless.state == "running" and not visitor.errors
    visitor.close()
    presenter.close()


def test_a_server_that_ends_during_a_training_stops_it_and_prints_no_traceback(server: Server, endless: Run) -> None:
    os.kill(server.pid, signal.SIGTERM)
    # A run whose process died without saving it is "interrupted".
    wait_for(lambda: endless.state != "running")
    assert endless.state == "stopped" and endless.has_checkpoint
    assert "Traceback" not in server.log.read_text(), server.log.read_text()
    # The fixture of the server checks its exit status.


def test_an_unexpected_error_is_a_generic_message_on_the_page(tmp_path: Path) -> None:
    script = tmp_path / "broken.py"
    script.write_text(BROKEN.format(root=str(ROOT)))
    with dashboard(["streamlit", "run", str(script)]) as served:
        viewer = Viewer(served.address)
        assert [("settings and running trainings are safe" in text, "secret" in text) for text in viewer.errors] == [
            (True, False)
        ]
        viewer.close()


def test_the_dashboard_sets_omp_wait_policy_before_torch_is_imported() -> None:
    """PyTorch reads OMP_WAIT_POLICY when it is loaded, so the dashboard sets it before."""
    code = """
import importlib, os, sys
os.environ.pop("OMP_WAIT_POLICY", None)
import dashboard
print("torch" in sys.modules, os.environ["OMP_WAIT_POLICY"])
os.environ["OMP_WAIT_POLICY"] = "ACTIVE"
importlib.reload(dashboard)
print(os.environ["OMP_WAIT_POLICY"])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "PASSIVE", "ACTIVE"]


def test_a_finite_file_limit_is_set_if_the_system_refuses_infinity(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    limits = []

    def setrlimit(kind: int, pair: tuple[int, int]) -> None:
        if pair[0] == resource.RLIM_INFINITY:
            raise ValueError("current limit exceeds maximum limit")
        limits.append(pair)

    monkeypatch.setattr(resource, "getrlimit", lambda kind: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", setrlimit)
    import_module("dashboard").raise_file_limit()
    assert limits == [(10_240, resource.RLIM_INFINITY)]
