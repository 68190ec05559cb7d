"""Names of runs and creation of their directories."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dae.errors import RunError
from dae.evaluation import FILTERS, IDENTITY
from dae.evaluation.denoisers import MEMORY
from dae.training import TrainConfig

_NAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
# Shorter than the pattern allows, so that a number can be appended.
_MAX_DEFAULT_LENGTH = 56
_MAX_NUMBER = 10_000


def check_name(name: str) -> None:
    """Raise RunError unless `name` is a valid run name."""
    if not _NAME_PATTERN.fullmatch(name):
        raise RunError(
            f"{name!r} cannot name a run. Use 1 to 64 lowercase letters, digits, dots, dashes and underscores, "
            "with a letter or digit first."
        )
    if name in (IDENTITY, MEMORY, *FILTERS):
        raise RunError(f"{name!r} cannot name a run: it is the name of a baseline in tables. Choose another name.")


def to_run_name(text: str) -> str:
    """Return a valid run name that resembles what a user entered ("Too Fast!" is "too-fast"), or the text itself."""
    return re.sub(r"[^a-z0-9._]+", "-", text.lower()).strip("-._")[:64].rstrip("-._") or text


def default_name(config: TrainConfig, recipe: str) -> str:
    """Return a valid run name derived from the recipe, or from data set and model if `recipe` is empty."""
    dataset = re.sub("^(folder|photos):", "", config.dataset.rpartition("/")[2])
    return to_run_name(recipe or f"{dataset}-{config.model}")[:_MAX_DEFAULT_LENGTH]


@contextmanager
def create_run_dir(root: Path, name: str, numbered: bool) -> Iterator[Path]:
    """Create the directory `name` in `root` and remove it again if the block fails.

    Args:
        numbered: whether to append a number (`name-2`, `name-3`, ...) if the name is taken.

    Raises:
        RunError: the name is taken.
        OSError: the directory cannot be created.
    """
    root.mkdir(parents=True, exist_ok=True)
    for number in range(1, _MAX_NUMBER if numbered else 2):
        path = root / (name if number == 1 else f"{name}-{number}")
        with suppress(FileExistsError):
            path.mkdir()
            break
    else:
        raise RunError(f"There is a run {name!r} already. Choose another name, or resume that run.")
    try:
        yield path
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise
