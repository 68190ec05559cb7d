"""seeds.csv: what the training of a run gives with one seed and another."""

import csv
from pathlib import Path
from typing import Any

_TEXTS = ("run", "noise", "dataset")
_NUMBERS = ("n", "seeds", "psnr_db", "psnr_db_sd", "ssim", "ssim_sd", "mse", "mse_sd")


def read(path: Path, name: str) -> list[dict[str, Any]]:
    """The rows of a run that `dae evaluate RUN OTHERS --over-seeds --csv` printed.

    Returns:
        Those of `dae.evaluation.over_seeds`, not all of their values, with two seeds or more; none where there is no
        such file or it is damaged.
    """
    try:
        with path.open(newline="") as file:
            rows: list[dict[str, Any]] = [
                {text: row[text] for text in _TEXTS} | {number: float(row[number]) for number in _NUMBERS}
                for row in csv.DictReader(file)
            ]
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return []
    return [row for row in rows if row["run"] == name and row["seeds"] > 1]
