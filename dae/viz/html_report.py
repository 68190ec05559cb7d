"""A comparison as one self-contained HTML file without scripts."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import pandas as pd

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
body { color: #1b1f24; background: #fff; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.25rem; margin-top: 2.2rem; break-after: avoid; }
.lead { font-size: 1.25rem; font-weight: 600; } .note { color: #59626e; font-size: 0.9rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100%; }
th, td { border-bottom: 1px solid #d7dbe0; padding: 0.35rem 0.7rem; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; white-space: normal; } thead th { border-bottom: 2px solid #7a818c; }
figure { margin: 0 0 0.8rem; break-inside: avoid; }
figcaption { display: flex; justify-content: space-between; gap: 1rem; }
figure img { image-rendering: pixelated; width: 100%; display: block; }
"""


@dataclass(frozen=True)
class ReportTable:
    """A table of texts under a heading.

    Attributes:
        best: cells to print in bold, of the same shape; None for none.
    """

    heading: str
    texts: pd.DataFrame
    best: pd.DataFrame | None = None

    def html(self) -> str:
        """Return heading and table."""
        head = "".join(f"<th>{escape(str(column))}</th>" for column in self.texts)
        rows = []
        for index, row in enumerate(self.texts.itertuples(index=False)):
            cells = []
            for column, text in enumerate(row):
                content = escape(str(text))
                is_best = self.best is not None and bool(self.best.iloc[index, column])
                cells.append(f"<td>{f'<b>{content}</b>' if is_best else content}</td>")
            rows.append(f"<tr>{''.join(cells)}</tr>")
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        return f'<h2>{escape(self.heading)}</h2><div class="scroll">{table}</div>'


@dataclass(frozen=True)
class ReportImage:
    """A PNG with its title and a caption, such as the PSNR of the images in it."""

    title: str
    png: bytes
    caption: str = ""

    def html(self) -> str:
        """Return the image with its caption above it."""
        source = base64.b64encode(self.png).decode()
        caption = f"<figcaption><b>{escape(self.title)}</b><span>{escape(self.caption)}</span></figcaption>"
        alt = escape(self.title, quote=True)
        return f'<figure>{caption}<img src="data:image/png;base64,{source}" alt="{alt}"></figure>'


@dataclass(frozen=True)
class HtmlReport:
    """The content of a report, in order.

    Attributes:
        sentences: the conclusions, headline first.
        images: the rows under "Side by side", the same images by every method.
        note: how the results were measured.
    """

    title: str
    sentences: Sequence[str]
    tables: Sequence[ReportTable] = ()
    images: Sequence[ReportImage] = ()
    note: str = ""

    def html(self) -> str:
        """Return the HTML document."""
        headline, *others = self.sentences
        parts = [
            f"<h1>{escape(self.title)}</h1>",
            f'<p class="lead">{escape(headline)}</p>',
            *(f"<p>{escape(sentence)}</p>" for sentence in others),
            *(table.html() for table in self.tables),
        ]
        if self.images:
            parts.append("<h2>Side by side</h2>")
        parts += [image.html() for image in self.images]
        parts.append(f'<p class="note">{escape(self.note)}</p>')
        head = (
            '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{escape(self.title)}</title><style>{_STYLE}</style>"
        )
        return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>'
