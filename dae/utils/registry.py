"""Lookup in the registries of the package, plain dictionaries from names to entries."""

from collections.abc import Mapping
from typing import TypeVar

from dae.errors import UnknownNameError

T = TypeVar("T")


def lookup(noun: str, entries: Mapping[str, T], name: str) -> T:
    """Return the entry `name`.

    Args:
        noun: the kind of entry for the error message, "model" for example.

    Raises:
        UnknownNameError: no entry has this name; the error lists the choices and the closest match.
    """
    try:
        return entries[name]
    except KeyError:
        raise UnknownNameError(noun, name, entries) from None
