"""Export of Compare's results: table (CSV, Markdown, LaTeX), chart, HTML report, and the models as one HTML file."""

from collections.abc import Callable
from datetime import date
from importlib import metadata

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dae.evaluation import FORMATS, HEADINGS, best_value, to_text_table
from dae.ui.compare.comparison import Comparison
from dae.ui.compare.selection import Selection
from dae.ui.compare.side_by_side import image_rows
from dae.ui.compare.sweeps import NUM_SWEEP_IMAGES
from dae.ui.demo_download import render_demo_download
from dae.viz.html_report import HtmlReport, ReportImage, ReportTable

_REPORT_COLUMNS = ("label", "psnr_db", "gain_db", "ssim", "parameters")
_NUM_REPORT_IMAGES = 8


def render_exports(selection: Selection, comparison: Comparison, figure: go.Figure, gains: pd.DataFrame) -> None:
    """Draw a download button per file, in a section that is folded at first.

    Args:
        figure: PSNR against the noise level; empty if not measured.
        gains: in dB, for every kind of noise, as text; empty if not measured.
    """
    table = comparison.table

    def report() -> str:
        return make_report(selection, comparison, gains).html()

    def chart() -> str:
        return str(figure.to_html(include_plotlyjs=True, config={"displaylogo": False}))

    files: list[tuple[str, Callable[[], str], str, str, str]] = [
        ("Report", report, "html", "text/html", "Sentences, tables and images in one file, to mail or to print."),
        (
            "CSV",
            lambda: table.drop(columns="curve").to_csv(index=False),
            "csv",
            "text/csv",
            "Table as CSV, in full precision.",
        ),
        ("Markdown", lambda: to_markdown(table), "md", "text/markdown", "Table as Markdown."),
        (
            "LaTeX",
            lambda: to_latex(table),
            "tex",
            "application/x-tex",
            "Table as LaTeX, for a paper; needs the package booktabs.",
        ),
    ]
    if figure.data:
        files.append(("Chart", chart, "chart.html", "text/html", "Interactive chart of every noise level (HTML)."))
    with st.expander("Download", icon=":material/download:", key="downloads"), st.container(horizontal=True):
        for label, make, suffix, mime, help_text in files:
            st.download_button(
                label,
                make,
                f"{selection.file_stem}.{suffix}",
                mime,
                icon=":material/download:",
                on_click="ignore",
                help=help_text,
                key=f"take_{label.lower()}",
            )
        render_demo_download(selection.models, selection.images, selection.noise)


def make_report(selection: Selection, comparison: Comparison, gains: pd.DataFrame) -> HtmlReport:
    """Return the report of a comparison; for the arguments see `render_exports`."""
    table = comparison.table
    tables = [ReportTable("Results", report_table(table), best_cells(table))]
    if not gains.empty:
        heading = f"Gain in dB for every kind of noise, first {NUM_SWEEP_IMAGES} images"
        tables.append(ReportTable(heading, transpose(gains, "Noise")))
    indices = tuple(range(min(_NUM_REPORT_IMAGES, len(selection.images))))
    images = [
        ReportImage(row.title, row.sheet, ", ".join(row.numbers[0]) if row.numbers else "")
        for row in image_rows(selection, comparison.shown_scores, selection.options, indices, unit=" dB")
    ]
    made = f"Made on {date.today():%Y-%m-%d} with dae {metadata.version('dae')}."
    title = f"Denoising comparison: {selection.title}"
    return HtmlReport(title, comparison.sentences, tables, images, f"{selection.protocol(comparison.draws)} {made}")


def transpose(texts: pd.DataFrame, heading: str) -> pd.DataFrame:
    """Return a table with the first column as heads of columns, which has many rows where `texts` has many columns.

    Args:
        heading: of the new first column, which holds the former heads.
    """
    models = texts.columns[0]
    return texts.set_index(models).T.rename_axis(index=heading, columns=None).reset_index()


def report_table(table: pd.DataFrame) -> pd.DataFrame:
    """Format the most important columns of a summary table."""
    return to_text_table(table)[[HEADINGS[name] for name in _REPORT_COLUMNS]]


def best_cells(table: pd.DataFrame) -> pd.DataFrame:
    """Return which cells of `report_table` hold the best value of a metric."""
    cells = {
        HEADINGS[name]: table[name] == best_value(table[name]) if name in FORMATS else [False] * len(table)
        for name in _REPORT_COLUMNS
    }
    return pd.DataFrame(cells)


def to_markdown(table: pd.DataFrame) -> str:
    """Format a summary table as Markdown."""
    return str(to_text_table(table).to_markdown(index=False))


def to_latex(table: pd.DataFrame) -> str:
    """Format a summary table as LaTeX."""
    latex = to_text_table(table).to_latex(index=False, escape=True)
    for symbol, command in (("±", r"$\pm$"), ("–", "--"), ("−", "$-$")):
        latex = latex.replace(symbol, command)
    return latex
