"""What state a run is in, and which process may write it."""

import json
import os
import platform
from pathlib import Path
from threading import Lock
from typing import Any

from filelock import FileLock, Timeout

from dae.errors import RunError
from dae.files import write_json

REQUEST = "stop.request"
_LOOKING = Lock()  # who looks takes the lock for a moment, and two that look at once would see each other
ACTIVE = ("queued", "running", "paused")  # states that need a living owner


class Status:
    """state.json, owner.lock and stop.request of one run.

    The system gives the lock back when its process ends, however it ends, so a run that says running while nobody
    holds its lock was interrupted.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = FileLock(path / "owner.lock", timeout=1, thread_local=False)

    @property
    def state(self) -> str:
        """queued, running, paused, stopped, finished or failed as last set, or interrupted."""
        state = str(self._read().get("state"))
        return "interrupted" if state in ACTIVE and not self.is_owned() else state

    @property
    def message(self) -> str:
        """Why the run failed or stopped; often empty."""
        return str(self._read().get("message", ""))

    def set(self, state: str, message: str = "") -> None:
        """Write the state; a request to stop ends with the training that it was for. Raises OSError."""
        owner = f"process {os.getpid()} on {platform.node()}" if state in ACTIVE else ""
        write_json(self.path / "state.json", {"state": state, "message": message, "owner": owner})
        if state not in ACTIVE:
            self.forget_request()

    def _read(self) -> dict[str, Any]:
        try:
            values = json.loads((self.path / "state.json").read_text())
        except (OSError, ValueError, RecursionError):
            values = None
        return values if isinstance(values, dict) else {"state": "running"}

    def is_owned(self) -> bool:
        """Whether a living process, this one or another, writes the run."""
        if self.held:
            return True
        if not self.path.is_dir():  # deleted meanwhile; a lock file would make the folder again
            return False
        try:
            with _LOOKING, FileLock(self.path / "owner.lock", timeout=0):
                return False
        except Timeout:
            return True
        except OSError:  # a read-only folder: nobody writes there
            return False

    @property
    def held(self) -> bool:
        """Whether the writer is whoever holds this very object."""
        return self._lock.is_locked

    def acquire(self) -> None:
        """Become the only writer until `release`; raises RunError that names the present one."""
        try:
            if self.held:
                raise Timeout(str(self.path))
            self._lock.acquire()
        except Timeout:
            owner = self._read().get("owner", "another process")
            raise RunError(f"Run {self.path.name!r} is being written by {owner}. Wait, or stop it there.") from None
        except OSError as error:
            raise RunError(f"Run {self.path.name!r} cannot be written: {error.strerror}.") from error

    def release(self) -> None:
        self._lock.release()

    def request_stop(self) -> None:
        """Ask the process that writes the run, on whatever machine, to stop it at its next report.

        Raises:
            RunError: nobody writes the run, or its folder refuses.
        """
        if self.state not in ACTIVE:
            raise RunError(f"Run {self.path.name!r} is {self.state}; there is nothing to stop.")
        try:
            (self.path / REQUEST).touch()
        except OSError as error:
            raise RunError(f"Run {self.path.name!r} cannot be asked to stop: {error.strerror}.") from error

    @property
    def stop_requested(self) -> bool:
        """Whether somebody has asked its writer to stop."""
        return (self.path / REQUEST).exists()

    def forget_request(self) -> None:
        """A request is honoured, or came too late; raises OSError."""
        (self.path / REQUEST).unlink(missing_ok=True)
