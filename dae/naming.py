"""What a run may be called, and making its folder."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dae.classical import CLASSICAL
from dae.errors import RunError

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def check_name(name: str) -> None:
    """Raise RunError unless `name` can be a run's folder."""
    if not _NAME.fullmatch(name):
        raise RunError(
            f"{name!r} cannot name a run: use 1 to 64 small letters, digits, dots, dashes and underscores, "
            "with a letter or digit first."
        )
    if name in ("noisy", *CLASSICAL):
        raise RunError(f"{name!r} cannot name a run: in tables it means what needs no training. Use another name.")


@contextmanager
def new_folder(root: Path, stem: str, numbered: bool) -> Iterator[Path]:
    """Make the folder `stem` in `root`, or where `numbered` the first free of stem-2, stem-3 ...

    Where the block does not end well, the folder goes again, so that the name stays free.

    Raises:
        RunError: there is one already.
        OSError: the disk refuses.
    """
    path = _made(root, stem, numbered)
    try:
        yield path
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise


def _made(root: Path, stem: str, numbered: bool) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    names = [stem, *(f"{stem}-{number}" for number in range(2, 10_000))] if numbered else [stem]
    for name in names:
        try:
            (root / name).mkdir()
            return root / name
        except FileExistsError:
            continue
    raise RunError(f"There is a run {stem!r} already. Choose another name, or resume it.")
