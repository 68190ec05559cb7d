"""The report: one file, nothing to fetch, nothing that a name could smuggle in."""

import re

import pandas as pd
import plotly.graph_objects as go

from dae.pictures import strip, to_png
from dae.report import HtmlReport
from tests.conftest import tiny


def test_it_holds_everything_and_asks_for_nothing() -> None:
    table = pd.DataFrame({"Model": ["<script>alert(1)</script>", "b"], "PSNR": ["1 ± 2", "–"]})
    figure = go.Figure(go.Scatter(x=[0, 1], y=[2, 3], name="mine"))
    png = to_png(strip(tiny(3).images))
    report = HtmlReport(
        "A & B",
        ["A is <b>best</b>."],
        [('Row "one"', png)],
        [("Measured", table)],
        [("Curves", figure)],
        "n = 3",
    )
    html = report.html()
    assert html.startswith("<!doctype html>")
    for words in ("A &amp; B", "A is &lt;b&gt;best&lt;/b&gt;.", "1 ± 2", "n = 3", "data:image/png;base64,iVBOR"):
        assert words in html
    assert "<script>alert" not in html
    own = re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)
    assert "http" not in own and 'alt="Row &quot;one&quot;"' in own
    assert not re.search(r"<script[^>]+src=|<link|@import", html[:2000] + own)
    assert "Plotly.newPlot" in html


def test_without_figures_it_stays_small() -> None:
    assert len(HtmlReport("T", ["s"]).html()) < 2_000
