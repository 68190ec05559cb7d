"""Background training queue: one worker thread trains jobs independently of page sessions.

A job is one run, or several that train side by side and alternate after every epoch. The queue starts, pauses, resumes
and stops jobs. Everything else about a run is read from its directory.
"""

import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from dae.errors import RunError
from dae.runs.directory import Run
from dae.runs.recorder import run_training
from dae.utils.files import explain_write_error

# While paused, no report makes `run_training` check for stop requests, so the queue polls for them.
REQUEST_POLL_S = 1.0
_CANCELED = "Canceled before it started."


class TrainingQueue:
    """A queue of jobs and its worker thread, which inherits the priority of the thread that creates the queue."""

    def __init__(self) -> None:
        # Guards the attributes below. `_paused` and `_stopping` refer to the current job.
        self._changed = threading.Condition()
        self._waiting: deque[tuple[Run, ...]] = deque()
        self._current: tuple[Run, ...] = ()
        self._last: tuple[str, ...] = ()
        self._paused = False
        self._stopping = False
        self._closed = False
        self._thread = threading.Thread(target=self._worker_loop, name="dae-training", daemon=True)
        self._thread.start()

    def start(self, *runs: Run) -> None:
        """Queue one job: a run, or several that train side by side. The queue locks them until they end.

        Raises:
            RunError: a run is finished, locked or cannot be written, or the queue is closed.
        """
        acquired: list[Run] = []
        try:
            for run in runs:
                run.acquire()
                acquired.append(run)
                run.status.set("queued")
            with self._changed:
                if self._closed:
                    raise RunError("The program is closing and starts no more runs. Open it again.")
                self._waiting.append(runs)
                self._changed.notify_all()
        except (OSError, RunError) as error:
            _release_all(acquired, "Could not be started.")
            if isinstance(error, RunError):
                raise
            raise RunError(f"The run cannot be written: {explain_write_error(error)}") from error

    def jobs(self) -> list[tuple[str, ...]]:
        """Return the names of the runs of each job, the current job first."""
        with self._changed:
            return [tuple(run.name for run in job) for job in (self._current, *self._waiting) if job]

    def last_job(self) -> tuple[str, ...]:
        """Return the names of the runs of the job that started last; they may be deleted meanwhile."""
        with self._changed:
            return self._last

    def pause(self, *names: str) -> None:
        """Pause the current job at its next report, if one of the named runs belongs to it."""
        self._set_paused(names, True)

    def resume(self, *names: str) -> None:
        """Continue the current job, if one of the named runs belongs to it."""
        self._set_paused(names, False)

    def stop(self, *names: str) -> None:
        """Stop the jobs to which the named runs belong. Their runs keep their weights and can be resumed."""
        with self._changed:
            for job in [job for job in self._waiting if _contains_run(job, names)]:
                self._waiting.remove(job)
                _release_all(job, _CANCELED)
            if _contains_run(self._current, names):
                self._stopping = True
            self._changed.notify_all()

    def close(self, timeout_s: float = 10.0) -> bool:
        """Stop all jobs and wait for the worker thread; return whether it ended in time."""
        with self._changed:
            self._closed = self._stopping = True
            while self._waiting:
                _release_all(self._waiting.popleft(), "The program was closed before the training started.")
            self._changed.notify_all()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _set_paused(self, names: Sequence[str], paused: bool) -> None:
        with self._changed:
            if _contains_run(self._current, names):
                self._paused = paused
                self._changed.notify_all()

    def _worker_loop(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                self._current = self._waiting.popleft()
                self._last = tuple(run.name for run in self._current)
                self._paused = self._stopping = False
            try:
                self._train(self._current)
            finally:
                with self._changed:
                    job, self._current = self._current, ()
                for run in job:
                    run.status.release()

    def _train(self, job: Sequence[Run]) -> None:
        turns = deque((run, run_training(run)) for run in job)
        try:
            while turns and self._wait_while_paused():
                run, reports = turns[0]
                try:
                    report = next(reports)
                except Exception:
                    # The run has ended or failed, as its directory records. The others continue.
                    turns.popleft()
                    self._remove_from_job(run)
                else:
                    if report.scores:
                        # End of an epoch: the next run's turn.
                        turns.rotate(-1)
        finally:
            for run, reports in turns:
                # Closing can fail, for example on a full disk; `run_training` records that. The checkpoint of the last
                # complete epoch remains.
                with suppress(Exception):
                    reports.close()
                if run.state == "queued":
                    _set_state(run, "stopped", _CANCELED)

    def _remove_from_job(self, run: Run) -> None:
        with self._changed:
            run.status.release()
            self._current = tuple(other for other in self._current if other is not run)

    def _wait_while_paused(self) -> bool:
        """Block while the current job is paused; return False if it must stop."""
        with self._changed:
            if self._paused and not self._stopping:
                running = [run for run in self._current if run.state == "running"]
                for run in running:
                    _set_state(run, "paused")
                while not self._changed.wait_for(lambda: not self._paused or self._stopping, REQUEST_POLL_S):
                    # Another process may have requested the stop.
                    self._stopping = any(run.status.stop_requested for run in running)
                for run in running:
                    _set_state(run, "running")
            return not self._stopping


def _contains_run(job: Sequence[Run], names: Sequence[str]) -> bool:
    return any(run.name in names for run in job)


def _release_all(job: Sequence[Run], message: str) -> None:
    for run in job:
        _set_state(run, "stopped", message)
        run.status.release()


def _set_state(run: Run, state: str, message: str = "") -> None:
    """Write the state, if the disk is not full. An active run that no process has locked counts as interrupted."""
    with suppress(OSError):
        run.status.set(state, message)
