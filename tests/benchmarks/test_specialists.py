"""The comparison of one model for any noise with specialists, on a few images."""

from dataclasses import replace
from pathlib import Path

import pytest

from dae.data import DATASETS
from tests.benchmarks import specialists
from tests.small_digits import SMALL_DIGITS


def test_a_row_has_the_difference_of_the_two_models(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], own_cache: Path
) -> None:
    monkeypatch.setitem(DATASETS, "mnist", SMALL_DIGITS)
    monkeypatch.setattr(specialists, "BLIND", replace(specialists.BLIND, precision="float32"))
    monkeypatch.setattr(
        "sys.argv", ["specialists", "--kinds", "masking", "--levels", "0.3", "--epochs", "1", "--limit", "60"]
    )
    specialists.main()
    *_, row = capsys.readouterr().out.splitlines()
    noise, noisy, specialist, blind, difference = (cell.strip() for cell in row.strip("|").split("|"))
    assert noise == "`masking:0.3`" and float(noisy) < float(blind)
    assert float(difference) == pytest.approx(float(blind) - float(specialist), abs=0.011)
