"""Waiting for the training queue."""

from dae.runs import TrainingQueue
from tests.helpers import wait_for


def wait_until_idle(queue: TrainingQueue) -> None:
    """Return once the queue has no job left."""
    wait_for(lambda: not queue.jobs())
