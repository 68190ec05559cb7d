"""Test the Python side of the chart. `tests/browser` tests it in a browser."""

import base64
import json
import threading
from pathlib import Path

import numpy as np
import plotly
import plotly.graph_objects as go
import pytest
from streamlit.testing.v1 import AppTest

from dae.ui.components import live_chart
from dae.ui.components.live_chart import _to_json

PLOTLY_JS = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


def test_numeric_arrays_are_sent_as_float32() -> None:
    steps, losses = np.arange(1500), 1 / (1 + np.arange(1500, dtype=np.float64))
    figure = go.Figure([go.Scatter(x=steps, y=losses), go.Scatter(x=steps[::9], y=losses[::9])])
    text = _to_json(figure)
    for trace, sent in zip(figure.data, json.loads(text)["data"], strict=True):
        for axis in "xy":
            values = np.frombuffer(base64.b64decode(sent[axis]["bdata"]), sent[axis]["dtype"])
            assert np.array_equal(values, np.float32(trace[axis]))
    assert len(text) < 30_000


def test_a_figure_is_strict_json_without_its_template() -> None:
    figure = go.Figure(go.Scatter(y=np.array([1, np.nan, 3], dtype=np.float32)))
    figure.add_scatter(y=[1.0, float("nan"), 3.0])
    spec = json.loads(_to_json(figure), parse_constant=lambda name: pytest.fail(name))
    assert spec["data"][0]["y"]["dtype"] == "f4"
    assert spec["data"][1]["y"] == [1.0, None, 3.0]
    assert "template" not in spec["layout"]


def test_plotly_is_copied_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = live_chart.plotly_asset(tmp_path)
    assert (tmp_path / name).read_bytes() == PLOTLY_JS.read_bytes()
    assert plotly.__version__ in name
    monkeypatch.setattr(live_chart.shutil, "copyfile", lambda *_: pytest.fail("copied again"))
    assert live_chart.plotly_asset(tmp_path) == name


def test_a_copy_that_fails_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(source: Path, target: Path) -> None:
        target.write_bytes(b"half of it")
        raise OSError("disk full")

    monkeypatch.setattr(live_chart.shutil, "copyfile", fail)
    with pytest.raises(OSError, match="disk full"):
        live_chart.plotly_asset(tmp_path)
    assert list((tmp_path / "vendor").iterdir()) == []


def test_concurrent_copies_leave_one_complete_file(tmp_path: Path) -> None:
    threads = [threading.Thread(target=live_chart.plotly_asset, args=(tmp_path,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    (file,) = (tmp_path / "vendor").iterdir()
    assert file.stat().st_size == PLOTLY_JS.stat().st_size


def test_a_read_only_asset_folder_falls_back_to_the_chart_of_streamlit(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> str:
        raise PermissionError("read-only")

    def page() -> None:
        import plotly.graph_objects as go

        from dae.ui.components.live_chart import live_chart

        live_chart(go.Figure(go.Scatter(y=[1, 2])), key="loss", alt="Loss falls")

    monkeypatch.setattr(live_chart, "plotly_asset", refuse)
    app = AppTest.from_function(page, default_timeout=30).run()
    assert not app.exception
    assert len(app.get("plotly_chart")) == 1
    assert "the zoom resets" in app.caption[0].value
