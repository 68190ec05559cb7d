"""seeds.csv: what the training of a run gives with one seed and another."""

import csv
from pathlib import Path
from typing import Any

_TEXTS = ("run", "noise", "dataset")
_NUMBERS = ("n", "seeds", "psnr_db", "psnr_db_sd", "ssim", "ssim_sd", "mse", "mse_sd")


def read(path: Path) -> list[dict[str, Any]]:
    """What `dae evaluate RUNS --over-seeds --csv` printed.

    Returns:
        Rows of `dae.evaluation.over_seeds`, not all of their values; none where there is no such file or it is damaged.
    """
    try:
        with path.open(newline="") as file:
            return [
                {name: row[name] for name in _TEXTS} | {name: float(row[name]) for name in _NUMBERS}
                for row in csv.DictReader(file)
            ]
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return []
