"""A dashboard of its own for a measurement: a server in a folder of runs that is thrown away."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PATIENCE_S = 60.0


@contextmanager
def dashboard(script: Path = ROOT / "dashboard.py") -> Iterator[tuple[str, Path]]:
    """Serve a Streamlit script; gives its address and its folder of runs, empty at first."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless=true"]
        command += [f"--server.port={port}", "--server.address=127.0.0.1", "--server.fileWatcherType=none"]
        environment = os.environ | {"DAE_CHECKPOINTS": folder}
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=quiet, stderr=quiet)
        try:
            wait_until_it_answers(port)
            yield f"http://127.0.0.1:{port}", Path(folder)
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
