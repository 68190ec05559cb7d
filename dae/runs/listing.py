"""Find runs in a directory. Folders with thousands of runs are listed without reading unchanged files again."""

import difflib
import os
from pathlib import Path

from dae.errors import RunError
from dae.runs import metadata
from dae.runs.directory import Run, runs_root
from dae.utils.files import cached_by_stat


def list_runs(root: Path | str | None = None) -> list[Run]:
    """Return all readable runs, newest first."""
    return _read_runs(runs_root(root))[0]


def unreadable_runs(root: Path | str | None = None) -> dict[str, str]:
    """Return the messages of run directories that `list_runs` skips, by name."""
    return _read_runs(runs_root(root))[1]


def find_run(name: str, root: Path | str | None = None) -> Run:
    """Return the run called `name` in the runs directory, or the run at the path `name`.

    A name without a separator means the runs directory first, a name with one means the path first.

    Raises:
        RunError: there is no such run; the message lists the existing ones.
    """
    candidates = [runs_root(root) / name, Path(name)]
    if Path(name).name != name:
        candidates.reverse()
    for path in candidates:
        # Unlike Path.is_file, os.path.isfile returns False for names that no file system accepts.
        if os.path.isfile(path / metadata.CONFIG_FILE):
            return Run(path)
    names = [run.name for run in list_runs(root)]
    closest = next(iter(difflib.get_close_matches(name, names, n=1)), None)
    raise RunError(
        f"There is no run {name!r} in {runs_root(root).resolve()}. "
        + (f"Did you mean {closest!r}? " if closest else "")
        + f"Runs there: {', '.join(names) or 'none yet; `dae train` creates one'}. "
        "Choose another folder with --checkpoints or DAE_CHECKPOINTS."
    )


def run_names(root: Path | str | None = None) -> tuple[str, ...]:
    """Return the names of all run directories, sorted, in constant time if none was added, removed or renamed.

    Pages call this twice a second. Unlike `list_runs` it includes unreadable runs.
    """
    folder = runs_root(root)
    runs, others = _scan(folder)
    # A new directory becomes a run when its config is written, which leaves the time of the folder unchanged.
    return tuple(sorted([*runs, *(name for name in others if _is_run(folder / name))]))


def _read_runs(root: Path) -> tuple[list[Run], dict[str, str]]:
    runs, problems = [], {}
    for name in run_names(root):
        try:
            runs.append(Run(root / name))
        except RunError as error:
            # Another process may have deleted the run meanwhile.
            if _is_run(root / name):
                problems[name] = str(error)
    return sorted(runs, key=lambda run: run.created, reverse=True), problems


@cached_by_stat
def _scan(root: Path) -> tuple[list[str], list[str]]:
    """Return the names of the runs in a folder and those of its other directories; none if it cannot be listed."""
    runs: list[str] = []
    others: list[str] = []
    try:
        names = os.listdir(root)
    except OSError:
        names = []
    for name in names:
        if _is_run(root / name):
            runs.append(name)
        elif (root / name).is_dir():
            others.append(name)
    return runs, others


def _is_run(path: Path) -> bool:
    return os.path.lexists(path / metadata.CONFIG_FILE)
