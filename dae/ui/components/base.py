"""The folder of assets, and components whose module is sent inline."""

import base64
import functools
import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

ASSETS = Path(__file__).parent / "assets"


def png_url(png: bytes) -> str:
    """Return a PNG as a URL that contains it."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


# Registered at the first call, not at import: registration needs the running server.
@functools.cache
def inline_component(name: str, scripts: tuple[Path, ...] = ()) -> "ComponentRenderer":
    """Return the component of `assets/NAME.js`, `NAME_*.js` and `NAME.css`; its module starts with `common.js`.

    The files are part of its messages, so it also works if the package is not installed.

    Args:
        scripts: further files that the module contains.
    """
    parts = [ASSETS / "common.js", *scripts, *sorted(ASSETS.glob(f"{name}_*.js")), ASSETS / f"{name}.js"]
    css = ASSETS / f"{name}.css"
    return st.components.v2.component(
        f"dae_{name}",
        js="\n".join(part.read_text(encoding="utf-8") for part in parts),
        css=css.read_text(encoding="utf-8") if css.is_file() else None,
    )


def draw_component(
    component: "ComponentRenderer", *, key: str, data: bytes | Mapping[str, Any], **callbacks: Any
) -> Any:
    """Draw a component and return its state. `data` gets a time stamp: a message can overtake an older one.

    The browser imports the module of a component once per message. While the first import is under way, messages that
    wait for it can be delivered in any order. `mounted` in `common.js` ignores those that come too late.
    """
    microseconds = time.time_ns() // 1_000
    if isinstance(data, bytes):
        return component(key=key, data=microseconds.to_bytes(8) + data, **callbacks)
    return component(key=key, data={**data, "stamp": microseconds}, **callbacks)


def pack_message(header: Mapping[str, Any], blocks: Iterable[bytes]) -> bytes:
    """Return one message for a component: the length of the header in 4 bytes, the header as JSON, the blocks."""
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    return b"".join([len(text).to_bytes(4), text, *blocks])
