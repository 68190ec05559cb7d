"""Looking names up in the package's registries: plain dicts from a name to its entry."""

from collections.abc import Mapping
from typing import TypeVar

from dae.errors import UnknownName

T = TypeVar("T")


def lookup(noun: str, entries: Mapping[str, T], name: str) -> T:
    """The entry called `name`.

    Raises:
        UnknownName: no entry has the name; the error lists the choices and the closest one.
    """
    try:
        return entries[name]
    except KeyError:
        raise UnknownName(noun, name, entries) from None
