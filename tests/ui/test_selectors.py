"""Query parameters as values of widgets: whatever is in the URL, a widget gets a valid value."""

from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from dae.ui.selectors import parse_names, parse_whole_number
from tests.helpers import PATIENCE_S

VALUES = st.lists(st.text() | st.integers().map(str) | st.floats().map(str) | st.sampled_from(["a", "b", "c"]))


@given(VALUES)
def test_a_number_in_the_url_is_a_whole_number_or_the_default(values: list[str]) -> None:
    number = parse_whole_number(values, -1)
    assert number == -1 or (str(number) == values[-1].lstrip("0") or number == 0)
    assert 0 <= number < 10**9 or number == -1


@given(VALUES)
def test_names_in_the_url_are_distinct_options_in_their_order(values: list[str]) -> None:
    names = parse_names(values, {"a", "b", "c"}, 2)
    assert len(names) == len(set(names)) <= 2 and set(names) <= set(values) & {"a", "b", "c"}
    assert names == sorted(names, key=values.index)


def test_the_last_number_and_the_first_known_names_in_the_url_are_used() -> None:
    assert parse_whole_number(["7"], 0) == 7 and parse_whole_number(["1", "007"], 0) == 7
    assert parse_whole_number([], 3) == parse_whole_number(["9" * 10], 3) == parse_whole_number(["\u0663"], 3) == 3
    assert parse_names(["b", "x", "b", "a", "c"], ["a", "b", "c"], 2) == ["b", "a"]


def test_the_selected_models_are_kept_while_no_data_set_is_selected() -> None:
    def page() -> None:
        import streamlit

        from dae.ui.selectors import url_multiselect

        url_multiselect(
            "Models",
            ["a", "b", "c"],
            ["a"],
            key="models",
            help="",
            max_selections=2,
            depends_on=streamlit.session_state["dataset"],
            format_func=str,
        )

    app = AppTest.from_function(page, default_timeout=PATIENCE_S)
    app.session_state["dataset"] = "digits"
    app.run().multiselect(key="models").set_value(["b", "c"]).run()
    for dataset, selected in [(None, ["b", "c"]), ("digits", ["b", "c"]), ("mnist", ["a"]), (None, ["a"])]:
        app.session_state["dataset"] = dataset
        assert app.run().multiselect(key="models").value == selected
