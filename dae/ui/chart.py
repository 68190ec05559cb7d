"""A Streamlit component: a Plotly chart updated in place, `assets/live_chart.js`.

Its module is served from the folder that `dae/pyproject.toml` declares, as it imports plotly.js (4.8 MB).

What travels does not grow with the curves. Once the browser has confirmed a figure, later messages carry the new
ends of its arrays alone; a browser that has lost it (a reload, another page) says so and is sent everything.
"""

import base64
import functools
import logging
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from streamlit.errors import StreamlitAPIException

from dae.ui.modules import ASSETS

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from streamlit.components.v2.types import ComponentRenderer

TAIL = 256  # points sent again and again before the browser is asked to keep them
_AXES = ("x", "y")
_log = logging.getLogger(__name__)

Arrays = Sequence[Mapping[str, np.ndarray]]  # of each trace, by axis


@dataclass(frozen=True)
class Bar:
    """How far something has come, drawn above the chart."""

    done: float  # 0 to 1
    text: str
    color: str = ""  # a CSS colour; empty for the theme's


@dataclass
class _Kept:
    """What the browser holds: the arrays under a number, and those that it was asked to keep since."""

    number: int = 0  # 0: nothing yet
    arrays: Arrays = ()
    asked: dict[int, Arrays] = field(default_factory=dict)

    def confirm(self, number: int) -> None:
        """Take the browser's word for what it holds; anyone at its end of the socket could have written it."""
        if number in self.asked:
            self.number, self.arrays = number, self.asked[number]
            self.asked = {later: arrays for later, arrays in self.asked.items() if later > number}
        elif number != self.number:
            self.number, self.arrays = 0, ()

    def ask(self, arrays: Arrays) -> int:
        """Number a message that is to be kept."""
        number = max(self.number, *self.asked, 0) + 1
        self.asked = dict(list(self.asked.items())[-3:]) | {number: arrays}
        return number


def live_chart(
    figure: "go.Figure",
    *,
    key: str,
    alt: str,
    height: int = 420,
    bars: Sequence[Bar] = (),
    words: str = "",
) -> None:
    """Draw a Plotly figure that later runs update in place: zoom, pan and hidden traces survive.

    Colours, fonts and grid lines come from the Streamlit theme wherever the figure sets none itself; the
    figure's own template is left out. Numbers on the x and y axes travel as float32.

    Args:
        figure: as plotly.py makes it.
        key: names the chart on its page; keep it the same from one update to the next.
        alt: one sentence that tells what the chart shows, for a screen reader.
        height: of the figure, in CSS pixels.
        bars: drawn above the figure. Elements of Streamlit's own, redrawn twice a second, cost a browser more
            than the figure does.
        words: a sentence below the bars.
    """
    kept: _Kept = st.session_state.setdefault(f"{key}:kept", _Kept())
    state = st.session_state.get(key)
    kept.confirm(state["kept"] if isinstance(state, Mapping) and type(state.get("kept")) is int else 0)
    try:
        data = _message(figure, kept) | {"plotly": plotly_asset(), "alt": alt, "height": height}
        data |= {"bars": [asdict(bar) for bar in bars], "words": words}
        mount = _mount()
    except (OSError, StreamlitAPIException) as error:  # a read-only folder, or dae is not installed
        _log.warning("live_chart draws without its component: %s", error)
        for bar in bars:
            st.progress(bar.done, bar.text)
        st.markdown(words)
        st.plotly_chart(figure, key=key, height=height, config={"displaylogo": False})
        st.caption("Each update draws this chart anew and loses its zoom; the server's log says why.")
        return
    mount(key=key, data=data, on_kept_change=lambda: None)  # a state is in the session only with a callback


def plotly_asset(folder: Path = ASSETS) -> str:
    """Put plotly.js beside the chart's module, once, and return its path within `folder`.

    The file comes from the installed plotly package and carries its version in its name, so an upgrade is
    a new file. It is written whole or not at all, and two processes may do so at once.

    Raises:
        OSError: the folder cannot be written.
    """
    import plotly

    name = f"vendor/plotly-{plotly.__version__}.min.js"
    target = folder / name
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{uuid.uuid4().hex}.part")
        try:
            shutil.copyfile(Path(plotly.__file__).parent / "package_data" / "plotly.min.js", part)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    return name


# Registered at the first call, not at import: a served module needs the running server's asset folders.
@functools.cache
def _mount() -> "ComponentRenderer":
    return st.components.v2.component("dae.live_chart", js="live_chart.js", css="live_chart.css")


def _message(figure: "go.Figure", kept: _Kept) -> dict[str, Any]:
    """The figure as strict JSON, without its template and without what the browser holds of its arrays.

    Returns:
        figure: the JSON; NaN in lists becomes null.
        base: the number of what the browser holds.
        known: for each trace how many of its points are in there.
        keep: a number to keep this figure under, or 0.
    """
    from plotly.io.json import to_json_plotly

    spec = figure.to_plotly_json()
    spec["layout"].pop("template", None)
    arrays = [
        {axis: trace[axis].astype(np.float32) for axis in _AXES if axis in trace and _is_numeric(trace[axis])}
        for trace in figure.data
    ]
    known = [_shared(*pair) for pair in zip(arrays, kept.arrays, strict=False)] if kept.number else []
    known += [0] * (len(arrays) - len(known))
    for trace, own, count in zip(spec["data"], arrays, known, strict=True):
        trace.update({axis: _typed(values[count:]) for axis, values in own.items()})
    new = sum(len(values) - count for own, count in zip(arrays, known, strict=True) for values in own.values())
    return {
        "figure": str(to_json_plotly({"data": spec["data"], "layout": spec["layout"]})),
        "base": kept.number,
        "known": known,
        "keep": kept.ask(arrays) if new > TAIL else 0,
    }


def _is_numeric(values: Any) -> bool:
    return isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind in "iuf"


def _typed(values: np.ndarray) -> dict[str, str]:
    """A float32 array as plotly.js reads it, in half the bytes of a list."""
    return {"dtype": "f4", "bdata": base64.b64encode(values.tobytes()).decode()}


def _shared(new: Mapping[str, np.ndarray], old: Mapping[str, np.ndarray]) -> int:
    """How many leading points two traces have in common."""
    if new.keys() != old.keys():
        return 0
    counts = [len(next(iter(new.values()), ()))]
    for axis, values in new.items():
        length = min(len(values), len(old[axis]))
        differs = values[:length].view(np.uint32) != old[axis][:length].view(np.uint32)
        counts.append(int(differs.argmax()) if differs.any() else length)
    return min(counts)
