"""A dashboard of its own for a measurement: a server in a folder of runs that is thrown away."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
_FLAGS += ["--disable-component-update", "--disable-sync"]
_PATIENCE_S = 60.0


@contextmanager
def browser() -> Iterator["Browser"]:
    """Chromium without a screen; raises SystemExit where this machine has none."""
    if CHROMIUM is None:
        raise SystemExit("This measurement needs Chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        yield opened
        opened.close()


class Server(NamedTuple):
    """A dashboard that runs."""

    address: str
    runs: Path
    pid: int

    def memory_bytes(self) -> int:
        """What its process holds in memory at the moment."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def dashboard(script: Path = ROOT / "dashboard.py", runs: Sequence[str] = ()) -> Iterator[Server]:
    """Serve a Streamlit script, with a folder of runs that holds copies of these shipped ones."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        for name in runs:
            shutil.copytree(ROOT / "checkpoints" / name, Path(folder) / name)
        command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless=true"]
        command += [f"--server.port={port}", "--server.address=127.0.0.1", "--server.fileWatcherType=none"]
        environment = os.environ | {"DAE_CHECKPOINTS": folder}
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=quiet, stderr=quiet)
        try:
            wait_until_it_answers(port)
            yield Server(f"http://127.0.0.1:{port}", Path(folder), process.pid)
        finally:
            process.terminate()
            process.wait(_PATIENCE_S)


def wait_until_it_answers(port: int) -> None:
    """Return once something listens on the port of this machine; raises TimeoutError after a minute."""
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"Nothing listens on port {port} after {_PATIENCE_S:g} s.")
