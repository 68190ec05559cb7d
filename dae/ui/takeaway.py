"""What Compare has found, to take away: the table as CSV, Markdown and LaTeX, the chart, a report to mail."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dae.comparison import readable
from dae.report import HtmlReport
from dae.ui.evidence import IMAGES


def offer(
    measured: pd.DataFrame,
    sentences: Sequence[str],
    strips: Sequence[tuple[str, bytes]],
    figure: go.Figure,
    gains: pd.DataFrame,
    note: str,
    name: str,
) -> None:
    """Draw a button for each, which make their files when they are pressed.

    Args:
        gains: of every kind of noise, as text; empty where they are not measured.
    """
    every = [] if gains.empty else [(f"Gain in dB at every kind of noise, on the first {IMAGES} pictures", gains)]
    flat = measured.drop(columns="curve")

    def html() -> str:
        return HtmlReport(
            "Denoising autoencoders compared",
            sentences,
            strips,
            [("Measured", readable(measured)), *every],
            [(f"PSNR against the strength of the noise, on the first {IMAGES} pictures", figure)],
            note,
        ).html()

    files = {
        "Report": (
            html,
            "html",
            "text/html",
            "Sentences, table, curves and pictures in one file, to be mailed.",
        ),
        "CSV": (lambda: flat.to_csv(index=False), "csv", "text/csv", "The table in full precision."),
        "Markdown": (lambda: readable(measured).to_markdown(index=False), "md", "text/markdown", "The table as text."),
        "LaTeX": (lambda: _latex(measured), "tex", "application/x-tex", "The table for a paper; needs booktabs."),
        "Chart": (
            lambda: figure.to_html(include_plotlyjs=True, config={"displaylogo": False}),
            "chart.html",
            "text/html",
            "The curves, as a page of their own; its camera makes a PNG.",
        ),
    }
    st.header("Take it away", anchor=False)
    with st.container(horizontal=True):
        for label, (make, ending, mime, help) in files.items():
            st.download_button(
                label,
                make,
                f"{name}.{ending}",
                mime,
                icon=":material/download:",
                on_click="ignore",
                help=help,
                key=f"take_{label.lower()}",
            )


def _latex(measured: pd.DataFrame) -> str:
    text = readable(measured).to_latex(index=False, escape=True)
    return text.replace("±", r"$\pm$").replace("–", "--")
