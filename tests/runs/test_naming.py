"""Run names from user input."""

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
def test_user_input_becomes_a_valid_run_name(entered: str, name: str) -> None:
    assert to_run_name(entered) == name
    check_name(name)


@pytest.mark.parametrize("entered", ["!!!", "../..", "é"])
def test_input_without_a_valid_character_is_unchanged_and_refused_as_a_name(entered: str) -> None:
    assert to_run_name(entered) == entered
    with pytest.raises(RunError, match="cannot name a run"):
        check_name(to_run_name(entered))
