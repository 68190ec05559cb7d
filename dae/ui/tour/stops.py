"""Read the stops of the tour from a TOML file, and check them."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from dae.errors import DaeError
from dae.utils.files import cached_by_stat

DEFAULT_FILE = Path(__file__).with_name("tour.toml")
PAGES = {"start": "", "train": "train", "explore": "explore", "compare": "compare"}  # name in the file: path in the URL
PARAM = "tour"
_TEXTS = ("page", "headline", "text", "note", "question", "answer")
_OPTIONAL = "params"


class TourError(DaeError):
    """The file of the tour cannot be used."""


@dataclass(frozen=True)
class Stop:
    """One stop of the tour.

    Attributes:
        page: key of PAGES.
        text: sentences for the audience.
        note: what only a presenter sees.
        answer: shown on request, after the audience has guessed.
        params: query parameters of the page.
    """

    page: str
    headline: str
    text: str
    note: str
    question: str
    answer: str
    params: Mapping[str, str | list[str]]

    def url(self, number: int) -> str:
        """Return the relative URL of the stop, which also names the stop by its number, from 1."""
        return f"./{PAGES[self.page]}?{urlencode({**self.params, PARAM: number}, doseq=True)}"


def tour_file() -> Path:
    """Return the file named by the environment variable DAE_TOUR, else the one of this package."""
    return Path(os.environ.get("DAE_TOUR") or DEFAULT_FILE)


@cached_by_stat
def load_stops(path: Path) -> tuple[Stop, ...]:
    """Read and check the stops of a tour.

    Raises:
        TourError: the file cannot be read, is not TOML, or a stop is invalid.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TourError(f"Cannot read the tour {path.name!r}: {error.strerror or error}. Check DAE_TOUR.") from error
    except UnicodeDecodeError as error:
        raise TourError(f"The tour {path.name!r} is not UTF-8 text. Save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise TourError(f"The tour {path.name!r} is not valid TOML: {error}. Correct that line.") from error
    if unknown := sorted(set(data) - {"stop"}):
        raise TourError(f"Unknown key {unknown[0]!r} in the tour {path.name!r}. Use only [[stop]].")
    entries = data.get("stop")
    if not isinstance(entries, list) or not entries:
        raise TourError(f"The tour {path.name!r} has no stop. Add at least one [[stop]].")
    return tuple(
        _parse_stop(entry, f"Stop {number} of the tour {path.name!r}") for number, entry in enumerate(entries, 1)
    )


def _parse_stop(entry: Any, where: str) -> Stop:
    if not isinstance(entry, dict):
        raise TourError(f"{where} is {entry!r}. Write it as a table, [[stop]].")
    if unknown := sorted(set(entry) - {*_TEXTS, _OPTIONAL}):
        raise TourError(f"{where} has the unknown key {unknown[0]!r}. Use {', '.join([*_TEXTS, _OPTIONAL])}.")
    for name in _TEXTS:
        if name not in entry:
            raise TourError(f"{where} has no {name!r}. Add it.")
        if not isinstance(entry[name], str) or not entry[name].strip():
            raise TourError(f"{where}: {name!r} is {entry[name]!r}. Write a text in quotes.")
    if entry["page"] not in PAGES:
        raise TourError(f"{where}: unknown page {entry['page']!r}. Use one of {', '.join(PAGES)}.")
    params = entry.get(_OPTIONAL, {})
    if not isinstance(params, dict) or not all(_is_value(value) for value in params.values()):
        raise TourError(f'{where}: \'params\' is {params!r}. Write name = "value" or name = ["value", …] pairs.')
    if PARAM in params:
        raise TourError(f"{where}: 'params' has {PARAM!r}, which the tour sets itself. Remove it.")
    return Stop(**{name: entry[name].strip() for name in _TEXTS}, params=params)


def _is_value(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(part, str) for part in value))
