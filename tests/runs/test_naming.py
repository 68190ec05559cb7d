"""Names of runs from what users enter."""

import pytest

from dae.errors import RunError
from dae.runs import to_run_name
from dae.runs.naming import check_name


@pytest.mark.parametrize(
    ("entered", "name"),
    [
        ("Too Fast!", "too-fast"),
        ("../new", "new"),
        ("a b  c", "a-b-c"),
        ("v1.2_b", "v1.2_b"),
        ("Änderung", "nderung"),
        ("x" * 63 + "!!yz", "x" * 63),
    ],
)
def test_what_is_entered_becomes_a_valid_name(entered: str, name: str) -> None:
    assert to_run_name(entered) == name
    check_name(name)


@pytest.mark.parametrize("entered", ["!!!", "../..", "é"])
def test_what_has_no_usable_character_stays_as_entered(entered: str) -> None:
    assert to_run_name(entered) == entered
    with pytest.raises(RunError, match="cannot name a run"):
        check_name(to_run_name(entered))
