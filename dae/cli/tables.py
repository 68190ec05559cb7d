"""How the command line prints rows: aligned for people, JSON or CSV for programs."""

import argparse
import csv
import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]

_ASIDE = ("_95", "_sd")  # of columns that stand beside the one they are named after


def add_forms(parser: argparse.ArgumentParser) -> None:
    """The options that choose the `form` of `print_measured`."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", dest="form", action="store_const", const="json", default="")
    form.add_argument("--csv", dest="form", action="store_const", const="csv")


def print_measured(rows: Sequence[Row], form: str) -> None:
    """Print rows of `dae.evaluate` or `over_seeds`.

    Args:
        form: "json", "csv", or "" for a table in which each mean stands with half its 95 % interval, or its spread.
    """
    if form == "json":
        finite = [{key: _finite(value) for key, value in row.items()} for row in rows]
        print(json.dumps(finite, indent=1))  # JSON knows no infinity: the PSNR of identical pictures is null
    elif form == "csv":
        writer = csv.DictWriter(sys.stdout, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    else:
        print_table([{key: _cell(row, key) for key in row if not key.endswith(_ASIDE)} for row in rows])


def print_table(rows: Sequence[Row]) -> None:
    """Print columns as wide as their widest cell."""
    if not rows:
        return
    widths = [max(len(str(text)) for text in (key, *(row[key] for row in rows))) for key in rows[0]]
    for cells in [list(rows[0]), *(list(row.values()) for row in rows)]:
        print("  " + "  ".join(str(cell).ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _cell(row: Row, key: str) -> str:
    value, aside = row[key], max(row.get(key + suffix, 0.0) for suffix in _ASIDE)
    text = f"{value:.5g}" if isinstance(value, float) else str(value)
    return f"{text} ±{aside:.1g}" if aside > 0 else text
