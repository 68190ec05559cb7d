"""State of a run, and the lock that makes one process its only writer."""

import os
import platform
from pathlib import Path
from threading import Lock

from filelock import FileLock, Timeout
from pydantic import field_validator

from dae.errors import RunError
from dae.runs.metadata import JsonRecord
from dae.utils.files import cached_by_stat, read_regular, write_json

# States that require a running writer process.
ACTIVE_STATES = ("queued", "running", "paused")
_STATES = (*ACTIVE_STATES, "stopped", "finished", "failed")
_STOP_FILE = "stop.request"
_STATE_FILE = "state.json"
_LOCK_FILE = "owner.lock"
# A check of the lock holds it for a moment. Two simultaneous checks would see each other.
_probe_lock = Lock()


class StateRecord(JsonRecord):
    """state.json: the state as last written, the reason, and the writer of an active run."""

    state: str
    message: str = ""
    owner: str = ""

    @field_validator("state")
    @classmethod
    def _validate_state(cls, state: str) -> str:
        if state not in _STATES:
            raise ValueError(f"unknown state {state!r}")
        return state


@cached_by_stat
def _read_state(path: Path) -> StateRecord:
    return StateRecord.model_validate_json(read_regular(path))


class RunStatus:
    """state.json, owner.lock and stop.request of one run.

    The operating system releases the lock when its process ends, so an active run that no process has locked was
    interrupted.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # Created at the first use: a page lists thousands of runs.
        self._lock: FileLock | None = None

    @property
    def state(self) -> str:
        """Return queued, running, paused, stopped, finished or failed as last set, or interrupted."""
        state = self._read().state
        return "interrupted" if state in ACTIVE_STATES and not self.is_locked() else state

    @property
    def message(self) -> str:
        """Return the reason why the run failed or stopped; often empty."""
        return self._read().message

    def set(self, state: str, message: str = "") -> None:
        """Write the state and, at the end of a training, clear its stop request; raise OSError if the write fails."""
        owner = f"process {os.getpid()} on {platform.node()}" if state in ACTIVE_STATES else ""
        write_json(self.path / _STATE_FILE, StateRecord(state=state, message=message, owner=owner).model_dump())
        if state not in ACTIVE_STATES:
            self.clear_stop_request()

    def _read(self) -> StateRecord:
        try:
            return _read_state(self.path / _STATE_FILE)
        except (OSError, ValueError):
            return StateRecord(state="running")

    def is_locked(self) -> bool:
        """Return whether a running process, this one or another, writes the run."""
        if self.is_locked_by_us:
            return True
        # The lock file would create the directory of a deleted run again.
        if not self.path.is_dir():
            return False
        try:
            with _probe_lock, FileLock(self.path / _LOCK_FILE, timeout=0):
                return False
        except Timeout:
            return True
        except OSError:
            # No process can write a read-only directory.
            return False

    @property
    def is_locked_by_us(self) -> bool:
        """Return whether this instance holds the lock."""
        return self._lock is not None and self._lock.is_locked

    def acquire(self) -> None:
        """Lock the run until `release`; raise RunError if another one has locked it, or it is deleted."""
        # The lock file would create the directory of a deleted run again.
        if not self.path.is_dir():
            raise RunError(f"Run {self.path.name!r} has been deleted.")
        try:
            if self.is_locked_by_us:
                raise Timeout(str(self.path))
            self._lock = self._lock or FileLock(self.path / _LOCK_FILE, timeout=1, thread_local=False)
            self._lock.acquire()
        except Timeout:
            owner = self._read().owner or "another process"
            raise RunError(f"Run {self.path.name!r} is being written by {owner}. Wait, or stop it there.") from None
        except OSError as error:
            raise RunError(f"Run {self.path.name!r} cannot be written: {error.strerror}.") from error

    def release(self) -> None:
        """Release the lock, if this instance holds it."""
        if self._lock is not None:
            self._lock.release()

    def request_stop(self) -> None:
        """Request that the writer, on this or another machine, stop at its next report.

        Raises:
            RunError: the run is not active, or its directory cannot be written.
        """
        if self.state not in ACTIVE_STATES:
            raise RunError(f"Run {self.path.name!r} is {self.state}; there is nothing to stop.")
        try:
            (self.path / _STOP_FILE).touch()
        except OSError as error:
            raise RunError(f"Run {self.path.name!r} cannot be stopped: {error.strerror}.") from error

    @property
    def stop_requested(self) -> bool:
        """Return whether any process has requested a stop."""
        return (self.path / _STOP_FILE).exists()

    def clear_stop_request(self) -> None:
        """Delete the stop request; raise OSError if the write fails."""
        (self.path / _STOP_FILE).unlink(missing_ok=True)
