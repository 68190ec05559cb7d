"""Run directories, the training queue that fills them, and the runs that other trainings build on."""

from dae.runs.directory import Run
from dae.runs.duration import Reference, estimate_duration, reference_runs
from dae.runs.listing import find_run, list_runs, run_names, unreadable_runs
from dae.runs.metadata import RunMetadata
from dae.runs.naming import to_run_name
from dae.runs.pretrained import load_pretrained, load_teacher
from dae.runs.progress import preview_of
from dae.runs.queue import TrainingQueue
from dae.runs.recorder import load_inputs, run_training
from dae.runs.status import ACTIVE_STATES, RunStatus

__all__ = [
    "ACTIVE_STATES",
    "Reference",
    "Run",
    "RunMetadata",
    "RunStatus",
    "TrainingQueue",
    "estimate_duration",
    "find_run",
    "list_runs",
    "load_inputs",
    "load_pretrained",
    "load_teacher",
    "preview_of",
    "reference_runs",
    "run_names",
    "run_training",
    "to_run_name",
    "unreadable_runs",
]
