"""The HTML report is self-contained and escapes all names."""

import pandas as pd

from dae.viz.html_report import HtmlReport, ReportImage, ReportTable
from dae.viz.images import hstack, to_png
from tests.helpers import tiny_dataset


def test_a_report_contains_all_its_parts_and_no_script() -> None:
    table = pd.DataFrame({"Model": ["<script>alert(1)</script>", "b"], "PSNR": ["1 ± 2", "–"]})
    best = pd.DataFrame({"Model": [False, False], "PSNR": [True, False]})
    png = to_png(hstack(tiny_dataset(3).images))
    report = HtmlReport(
        "A & B",
        ["A is <b>best</b>.", "Second."],
        [ReportTable("Results", table, best)],
        [ReportImage('Row "one"', png, "12.3 dB")],
        "n = 3",
    )
    html = report.html()
    assert html.startswith("<!doctype html>") and 'name="viewport"' in html
    for words in ("A &amp; B", "A is &lt;b&gt;best&lt;/b&gt;.", "<b>1 ± 2</b>", "<td>–</td>", "12.3 dB", "n = 3"):
        assert words in html
    assert "data:image/png;base64,iVBOR" in html and 'alt="Row &quot;one&quot;"' in html
    assert "<script" not in html and "http" not in html and "<link" not in html and "@import" not in html


def test_a_report_without_images_is_small() -> None:
    assert len(HtmlReport("T", ["s"]).html()) < 2_000
