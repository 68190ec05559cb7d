"""A Streamlit component: a Plotly chart that is updated in place, `assets/live_chart.js`.

The browser loads its module from the folder that `dae/pyproject.toml` declares: it imports plotly.js, which has 4.8 MB.
"""

import base64
import functools
import logging
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from streamlit.errors import StreamlitAPIException

from dae.ui.components.base import ASSETS, draw_component
from dae.utils.files import atomic_write

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from streamlit.components.v2.types import ComponentRenderer

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ProgressBar:
    """A progress bar above the chart."""

    done: float  # 0 to 1
    text: str
    color: str = ""  # CSS color, empty for the theme's


def live_chart(
    figure: "go.Figure",
    *,
    key: str,
    alt: str,
    height: int = 420,
    fold: bool = False,
    bars: Sequence[ProgressBar] = (),
) -> None:
    """Draw a Plotly figure that later runs of the script update in place: zoom, pan and hidden traces stay.

    Colors, fonts and grid lines come from the Streamlit theme wherever the figure sets none itself. Draws with
    `st.plotly_chart`, which loses the zoom, if plotly.js cannot be written to the assets.

    Args:
        figure: sent as a whole each time, so its traces should be short. Its template is ignored.
        key: identifies the chart on its page, from one update to the next.
        alt: one sentence that describes the chart, for a screen reader.
        height: of the figure, in CSS pixels.
        fold: fit the figure to the window: lower if there is less room below its position, higher in a large window.
        bars: drawn above the figure. Streamlit's own progress bars, redrawn twice a second, cost a browser more than
            the figure does.
    """
    try:
        data = {"figure": _to_json(figure), "plotly": plotly_asset(), "alt": alt, "height": height, "fold": fold}
        component = _component()
    # The folder is read-only, or dae is not installed.
    except (OSError, StreamlitAPIException) as error:
        _log.warning("live_chart draws without its component: %s", error)
        for bar in bars:
            st.progress(bar.done, bar.text)
        st.plotly_chart(figure, key=key, height=height, config={"displaylogo": False})
        st.caption("Live updates are not available here, so the zoom resets on every update. See the server log.")
        return
    draw_component(component, key=key, data=data | {"bars": [asdict(bar) for bar in bars]})


def plotly_asset(folder: Path = ASSETS) -> str:
    """Copy plotly.js next to the chart's module, once, and return its path within `folder`.

    The file comes from the installed plotly package and has its version in its name. It is written atomically.

    Raises:
        OSError: the folder cannot be written.
    """
    import plotly

    name = f"vendor/plotly-{plotly.__version__}.min.js"
    if not (folder / name).is_file():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(folder / name) as part:
            shutil.copyfile(Path(plotly.__file__).parent / "package_data" / "plotly.min.js", part)
    return name


# Registered at the first call, not at import: a served module needs the asset folders of the running server.
@functools.cache
def _component() -> "ComponentRenderer":
    return st.components.v2.component("dae.live_chart", js="live_chart.js", css="live_chart.css")


def _to_json(figure: "go.Figure") -> str:
    """Return the figure as strict JSON: numeric arrays as base64 of float32, NaN in lists as null."""
    from plotly.io.json import to_json_plotly

    spec = figure.to_plotly_json()
    spec["layout"].pop("template", None)
    for trace, source in zip(spec["data"], figure.data, strict=True):
        for axis in ("x", "y"):
            values = source[axis]
            if isinstance(values, np.ndarray) and values.dtype.kind in "iuf":
                trace[axis] = {"dtype": "f4", "bdata": base64.b64encode(values.astype("<f4").tobytes()).decode()}
    return str(to_json_plotly(spec))
