"""The Python side of the chart; tests/browser looks at it in a browser."""

import base64
import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import plotly
import plotly.graph_objects as go
import pytest
from streamlit.testing.v1 import AppTest

from dae.noise import NoiseSpec
from dae.runs import RunDirectory
from dae.ui import chart
from dae.ui.chart import TAIL, _Kept, _message
from dae.ui.curves import training_line
from tests.conftest import small

PLOTLY_JS = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


class Browser:
    """What `live_chart.js` does with messages: it holds arrays, and puts what came behind them."""

    def __init__(self) -> None:
        self.number, self.held = 0, [{}]
        self.sent = 0

    def receive(self, message: dict[str, Any]) -> list[dict[str, np.ndarray]] | None:
        self.sent = len(message["figure"])
        if message["base"] and message["base"] != self.number:
            return None
        whole = []
        for index, trace in enumerate(json.loads(message["figure"])["data"]):
            count = message["known"][index]
            tails = {
                axis: np.frombuffer(base64.b64decode(trace[axis]["bdata"]), trace[axis]["dtype"]) if trace[axis] else []
                for axis in "xy"
            }
            whole.append(
                {axis: np.append(self.held[index][axis][:count] if count else [], tail) for axis, tail in tails.items()}
            )
        if message["keep"]:
            self.number, self.held = message["keep"], whole
        return whole


def growing(length: int) -> go.Figure:
    values = np.arange(length, dtype=np.float64)
    return go.Figure([go.Scatter(x=values, y=1 / (1 + values)), go.Scatter(x=values[::9], y=values[::9])])


def test_a_growing_figure_arrives_whole_and_what_travels_does_not_grow() -> None:
    kept, browser, sizes = _Kept(), Browser(), []
    for length in range(3, 6000, 7):
        figure = growing(length)
        whole = browser.receive(_message(figure, kept))
        for trace, arrived in zip(figure.data, whole, strict=True):
            assert np.array_equal(np.float32(trace.x), arrived["x"]) and np.array_equal(
                np.float32(trace.y), arrived["y"]
            )
        kept.confirm(browser.number)
        sizes.append(browser.sent)
    assert max(sizes[-200:]) <= max(sizes[:200]) < 12 * TAIL * 4


def test_a_browser_that_lost_everything_is_sent_everything() -> None:
    kept, browser = _Kept(), Browser()
    browser.receive(_message(growing(1000), kept))
    kept.confirm(browser.number)
    reloaded = Browser()
    assert reloaded.receive(_message(growing(1010), kept)) is None
    kept.confirm(reloaded.number)
    assert len(reloaded.receive(_message(growing(1010), kept))[0]["x"]) == 1010


def test_messages_that_never_arrived_do_no_harm() -> None:
    kept, browser = _Kept(), Browser()
    for length in (1000, 1010, 1020, 1030, 1040, 1050):
        _message(growing(length), kept)  # overtaken by the next before the browser drew it
        kept.confirm(browser.number)
    assert len(kept.asked) <= 4
    assert len(browser.receive(_message(growing(1060), kept))[0]["x"]) == 1060


def test_a_small_figure_asks_nothing_of_the_browser() -> None:
    assert _message(growing(TAIL // 4), _Kept())["keep"] == 0


def test_a_trace_that_changed_its_past_is_sent_again_from_there() -> None:
    kept, browser = _Kept(), Browser()
    browser.receive(_message(growing(1000), kept))
    kept.confirm(browser.number)
    figure = growing(1000)
    figure.data[0].y = np.where(np.arange(1000) < 600, figure.data[0].y, -1)
    message = _message(figure, kept)
    assert message["known"] == [600, 112]
    assert np.array_equal(browser.receive(message)[0]["y"], np.float32(figure.data[0].y))


@pytest.mark.parametrize("word", [-1, 7, 10**30])
def test_a_number_that_nobody_gave_out_means_nothing_is_kept(word: int) -> None:
    kept = _Kept()
    kept.confirm(word)
    assert kept.number == 0 and _message(growing(1000), kept)["known"] == [0, 0]


def test_plotly_is_put_in_place_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = chart.plotly_asset(tmp_path)
    assert (tmp_path / name).read_bytes() == PLOTLY_JS.read_bytes()
    assert plotly.__version__ in name
    monkeypatch.setattr(chart.shutil, "copyfile", lambda *_: pytest.fail("copied again"))
    assert chart.plotly_asset(tmp_path) == name


def test_a_copy_that_breaks_off_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(source: Path, target: Path) -> None:
        target.write_bytes(b"half of it")
        raise OSError("disk full")

    monkeypatch.setattr(chart.shutil, "copyfile", fail)
    with pytest.raises(OSError, match="disk full"):
        chart.plotly_asset(tmp_path)
    assert list((tmp_path / "vendor").iterdir()) == []


def test_two_at_once_put_the_same_file(tmp_path: Path) -> None:
    threads = [threading.Thread(target=chart.plotly_asset, args=(tmp_path,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    (file,) = (tmp_path / "vendor").iterdir()
    assert file.stat().st_size == PLOTLY_JS.stat().st_size


def test_a_figure_travels_as_strict_json_with_typed_arrays_and_no_template() -> None:
    figure = go.Figure(go.Scatter(y=np.array([1, np.nan, 3], dtype=np.float32)))
    figure.add_scatter(y=[1.0, float("nan"), 3.0])
    spec = json.loads(_message(figure, _Kept())["figure"], parse_constant=lambda name: pytest.fail(name))
    assert spec["data"][0]["y"]["dtype"] == "f4"
    assert spec["data"][1]["y"] == [1.0, None, 3.0]
    assert "template" not in spec["layout"]


def test_a_folder_that_cannot_be_written_still_gives_a_chart(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> str:
        raise PermissionError("read-only")

    def page() -> None:
        import plotly.graph_objects as go

        from dae.ui.chart import live_chart

        live_chart(go.Figure(go.Scatter(y=[1, 2])), key="loss", alt="Loss falls")

    monkeypatch.setattr(chart, "plotly_asset", refuse)
    app = AppTest.from_function(page, default_timeout=30).run()
    assert not app.exception
    assert len(app.get("plotly_chart")) == 1
    assert "loses its zoom" in app.caption[0].value


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "training"),
        ({"loss": "psnr"}, "training (geometric mean)"),
        ({"target": "noisy", "noise": NoiseSpec("gaussian", 0.5, clipped=False)}, "training (target: noisy pictures)"),
        ({"teacher": "mnist-unet"}, "training (target: clean pictures and its teacher)"),
        (
            {"teacher": "mnist-unet", "distillation": 1.0, "loss": "psnr"},
            "training (target: its teacher, geometric mean)",
        ),
        ({"teacher": "mnist-unet", "distillation": 0.0}, "training"),
    ],
)
def test_the_training_line_says_what_its_loss_is(tmp_path: Path, changes: dict[str, Any], name: str) -> None:
    drawn = training_line(RunDirectory.create(small(**changes), root=tmp_path))
    assert drawn["training"] == name and ("as_mse" in drawn) == ("loss" in changes)
