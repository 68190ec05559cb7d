"""A comparison as one HTML file that needs nothing else: for a mail, or for the archive."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import pandas as pd
import plotly.graph_objects as go

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 96rem; padding: 0 1rem; }
body { color: #1b1f24; background: #fff; }
h1 { font-size: 1.8rem; } h2 { font-size: 1.25rem; margin-top: 2.5rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.9rem; }
th, td { border: 0; border-bottom: 1px solid #d7dbe0; padding: 0.35rem 0.7rem; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } thead th { border-bottom: 2px solid #7a818c; }
.row { display: flex; gap: 1rem; align-items: center; margin: 0.3rem 0; } .row span { flex: 0 0 14rem; }
.row img { image-rendering: pixelated; flex: 1; min-width: 0; } .note { color: #59626e; }
"""


@dataclass(frozen=True)
class HtmlReport:
    """What stands in the file, in this order.

    Attributes:
        sentences: the conclusion, one paragraph each.
        pictures: rows of a heading and a PNG.
        tables: a heading and a table as text, each.
        figures: a heading and a Plotly figure, each.
        note: how it was measured.
    """

    title: str
    sentences: Sequence[str]
    pictures: Sequence[tuple[str, bytes]] = ()
    tables: Sequence[tuple[str, pd.DataFrame]] = ()
    figures: Sequence[tuple[str, go.Figure]] = ()
    note: str = ""

    def html(self) -> str:
        """The file's text; plotly.js is in it (4.8 MB) where there is a figure."""
        parts = [f"<h1>{escape(self.title)}</h1>", *(f"<p>{escape(sentence)}</p>" for sentence in self.sentences)]
        for heading, table in self.tables:
            body = table.to_html(index=False, border=0, escape=True)
            parts.append(f'<h2>{escape(heading)}</h2><div class="scroll">{body}</div>')
        for heading, figure in self.figures:
            drawn = go.Figure(figure).update_layout(template="plotly_white", height=480)
            parts.append(f"<h2>{escape(heading)}</h2>")
            parts.append(drawn.to_html(full_html=False, include_plotlyjs=True, config={"displaylogo": False}))
        if self.pictures:
            parts.append("<h2>The same pictures through every model</h2>")
        for heading, png in self.pictures:
            source = base64.b64encode(png).decode()
            alt = escape(heading, quote=True)
            image = f'<img src="data:image/png;base64,{source}" alt="{alt}">'
            parts.append(f'<div class="row"><span>{escape(heading)}</span>{image}</div>')
        parts.append(f'<p class="note">{escape(self.note)}</p>')
        head = f'<meta charset="utf-8"><title>{escape(self.title)}</title><style>{_STYLE}</style>'
        return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>'
