"""Start a dashboard with a temporary directory of runs, and Chromium to open it with."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.benchmarks.common import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"))), None
)
_FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",
]
_TIMEOUT_S = 300.0


@contextmanager
def browser() -> Iterator["Browser"]:
    """Start headless Chromium; raise SystemExit if it is not installed."""
    if CHROMIUM is None:
        raise SystemExit("Chromium is not installed. Run: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        yield opened
        opened.close()


class Server(NamedTuple):
    """A running dashboard: its address, its directory of runs, its process id and the file of its output."""

    address: str
    runs: Path
    pid: int
    log: Path

    def memory_bytes(self) -> int:
        """Return the resident memory of the process in bytes. Linux only."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def dashboard(
    program: Sequence[str] = ("streamlit", "run", str(ROOT / "dashboard.py")), runs: Sequence[str] = ()
) -> Iterator[Server]:
    """Serve the dashboard with copies of these shipped runs.

    Args:
        program: module that starts the server, and its arguments.

    Raises:
        RuntimeError: the server ended by itself, or not cleanly. TimeoutError: it does not listen after five minutes.
    """
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        directory, log = Path(folder) / "runs", Path(folder) / "server.log"
        directory.mkdir()
        for name in runs:
            shutil.copytree(ROOT / "checkpoints" / name, directory / name)
        command = [sys.executable, "-m", *program, "--server.headless=true", f"--server.port={port}"]
        command += ["--server.address=127.0.0.1", "--server.fileWatcherType=none"]
        environment = os.environ | {"DAE_CHECKPOINTS": str(directory)}
        with log.open("wb") as output:
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
        try:
            _wait_for_port(port, process, log)
            yield Server(f"http://127.0.0.1:{port}", directory, process.pid, log)
        finally:
            process.terminate()
            status = process.wait(_TIMEOUT_S)
        if status not in (0, -signal.SIGTERM):
            raise RuntimeError(f"The server ended with exit status {status}:\n{log.read_text()}")


def _wait_for_port(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + _TIMEOUT_S
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"The server ended with exit status {process.returncode}:\n{log.read_text()}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"Nothing listens on port {port} after {_TIMEOUT_S:g} s.")
