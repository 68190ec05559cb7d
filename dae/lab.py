"""The laboratory: one thread that trains, while pages come and go.

A job is one run, or several that race: they take turns, an epoch each. Jobs wait in a queue. What happens to a run
is told by its directory alone; the lab is needed only to start, pause, resume and stop. Its thread makes no call to
any page.
"""

import threading
from collections import deque
from collections.abc import Sequence

import torch

from dae.errors import RunError
from dae.recording import record
from dae.runs import RunDirectory

REQUEST_POLL_S = 1.0  # a paused job is not recorded, so nobody else looks for requests


class Lab:
    """A queue of trainings and the thread that works through it, with the priority of the thread that makes the lab."""

    def __init__(self) -> None:
        self._changed = threading.Condition()  # guards all that follows
        self._waiting: deque[tuple[RunDirectory, ...]] = deque()
        self._current: tuple[RunDirectory, ...] = ()
        self._paused = False  # the current job
        self._stopping = False  # the current job
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="dae-lab", daemon=True)
        self._thread.start()

    def start(self, *runs: RunDirectory) -> None:
        """Queue one run, or several that race; they are this process's from now on.

        Raises:
            RunError: a run is being written already, is finished, or cannot be written; or the lab is closed.
        """
        taken: list[RunDirectory] = []
        try:
            for run in runs:
                run.take()
                taken.append(run)
                run.status.set("queued")
            with self._changed:
                if self._closed:
                    raise RunError("The program is closing and starts no more runs. Open it again.")
                self._waiting.append(runs)
                self._changed.notify_all()
        except OSError as error:
            _leave(taken, "Could not be started.")
            raise RunError(f"The run cannot be written: {error.strerror}. Free some space.") from error
        except RunError:
            _leave(taken, "Could not be started.")
            raise

    def jobs(self) -> list[tuple[str, ...]]:
        """The names of the runs of each job, the current one first."""
        with self._changed:
            return [tuple(run.name for run in job) for job in (self._current, *self._waiting) if job]

    def pause(self, name: str) -> None:
        """Hold the current job at its next report, if `name` is one of its runs."""
        self._tell(name, paused=True)

    def resume(self, name: str) -> None:
        """Let a paused job go on."""
        self._tell(name, paused=False)

    def stop(self, name: str) -> None:
        """End the job that `name` belongs to, waiting or current; its runs keep their weights and can be resumed."""
        with self._changed:
            for job in [job for job in self._waiting if _has(job, name)]:
                self._waiting.remove(job)
                _leave(job, "Stopped before it began.")
            if _has(self._current, name):
                self._stopping = True
            self._changed.notify_all()

    def close(self, timeout_s: float = 10.0) -> bool:
        """Stop everything and wait for the thread; returns whether it ended in time."""
        with self._changed:
            self._closed = self._stopping = True
            while self._waiting:
                _leave(self._waiting.popleft(), "The program was closed before it began.")
            self._changed.notify_all()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _tell(self, name: str, paused: bool) -> None:
        with self._changed:
            if _has(self._current, name):
                self._paused = paused
                self._changed.notify_all()

    def _work(self) -> None:
        torch.set_num_threads(torch.get_num_threads())  # for good: a page that times a model changes it for new threads
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                self._current = self._waiting.popleft()
                self._paused = self._stopping = False
            try:
                self._train(self._current)
            finally:
                with self._changed:
                    job, self._current = self._current, ()
                for run in job:
                    run.status.release()

    def _train(self, job: Sequence[RunDirectory]) -> None:
        turns = deque((run, record(run)) for run in job)
        try:
            while turns and self._may_go_on():
                run, recording = turns[0]
                try:
                    report = next(recording)
                except Exception:  # at its end, or the run's directory says what happened; the others go on
                    turns.popleft()
                    self._leave_job(run)
                else:
                    if report.scores:  # an epoch is over: the next one's turn
                        turns.rotate(-1)
        finally:
            for run, recording in turns:
                try:
                    recording.close()
                except Exception:  # a full disk, say: its last whole epoch is still there
                    _set_state(run, "failed", "The run could not be written when it was stopped. Free some space.")
                if run.state == "queued":
                    _set_state(run, "stopped", "Stopped before it began.")

    def _leave_job(self, run: RunDirectory) -> None:
        """The run is nobody's from now on; the others of its job go on without it."""
        with self._changed:
            run.status.release()
            self._current = tuple(other for other in self._current if other is not run)

    def _may_go_on(self) -> bool:
        """Wait while the job is paused; False when it is to stop."""
        with self._changed:
            if self._paused and not self._stopping:
                running = [run for run in self._current if run.state == "running"]
                for run in running:
                    _set_state(run, "paused")
                while not self._changed.wait_for(lambda: not self._paused or self._stopping, REQUEST_POLL_S):
                    self._stopping = any(run.status.stop_requested for run in running)  # by another program
                for run in running:
                    _set_state(run, "running")
            return not self._stopping


def _has(job: Sequence[RunDirectory], name: str) -> bool:
    return any(run.name == name for run in job)


def _leave(job: Sequence[RunDirectory], message: str) -> None:
    for run in job:
        _set_state(run, "stopped", message)
        run.status.release()


def _set_state(run: RunDirectory, state: str, message: str = "") -> None:
    try:
        run.status.set(state, message)
    except OSError:
        pass  # a full disk: without an owner it will read as interrupted, which is as good
