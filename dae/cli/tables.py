"""Print rows of results as an aligned table, JSON or CSV."""

import argparse
import csv
import json
import math
import sys
from collections.abc import Mapping, Sequence
from textwrap import indent
from typing import Any

from tabulate import tabulate

Row = Mapping[str, Any]

# Suffixes of the columns that a table prints after "±", beside the mean.
_SPREADS = ("_sd", "_95")


def add_format_options(parser: argparse.ArgumentParser) -> None:
    """Add `--json` and `--csv`, which set the `form` of `print_metrics`."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", dest="form", action="store_const", const="json", default="", help="print JSON")
    form.add_argument("--csv", dest="form", action="store_const", const="csv", help="print CSV")


def print_metrics(rows: Sequence[Row], form: str) -> None:
    """Print rows of measurements.

    Args:
        form: "json", "csv", or "" for a table that prints each mean with its spread (`_95` or `_sd`).
    """
    if form == "json":
        # JSON has no infinity: the PSNR of identical images becomes null.
        print(json.dumps([{key: _finite(value) for key, value in row.items()} for row in rows], indent=1))
    elif form == "csv":
        writer = csv.DictWriter(sys.stdout, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    else:
        print_table([{key: _cell(row, key) for key in row if not key.endswith(_SPREADS)} for row in rows])


def print_table(rows: Sequence[Mapping[str, str]]) -> None:
    """Print aligned columns under the keys of the rows."""
    print(indent(tabulate(rows, headers="keys", tablefmt="plain", disable_numparse=True), "  "))


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _cell(row: Row, key: str) -> str:
    value = row[key]
    spread = next((row[key + suffix] for suffix in _SPREADS if key + suffix in row), 0.0)
    text = f"{value:.5g}" if isinstance(value, float) else str(value)
    return f"{text} ±{spread:.1g}" if spread > 0 else text
