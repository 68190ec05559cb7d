"""Text from files and errors, made fit for the pages that strangers see."""

import re

import streamlit as st

from dae.ui.shell import auth

# An absolute path of two parts or more, with its last part. A URL is none.
_PATH = re.compile(r"(?<![\w:/.~])(?:~|[A-Za-z]:)?(?:[\\/][^\s\\/:'\"`]+)+[\\/]([^\s\\/:'\"`]+)")


def escape_markdown(text: str) -> str:
    """Escape Markdown that would load images or show links in a viewer's browser, and replace invalid Unicode."""
    readable = text.encode("utf-8", "replace").decode()
    return re.sub(r"([\[\]<>])", r"\\\1", readable)


def for_viewer(message: str) -> str:
    """Return a message without markup, and for the audience without the directories of the server."""
    return escape_markdown(message if auth.is_presenter() else hide_directories(message))


def show_error(message: str) -> None:
    """Draw the message of an error."""
    st.error(for_viewer(message), icon=":material/error:")


def hide_directories(message: str) -> str:
    """Return a message with only the last part of each absolute path."""
    return _PATH.sub(r"\1", message)
