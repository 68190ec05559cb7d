"""The tour on the pages: its bar, its notes, and its error."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.apps import opened, shown


def _html(app: AppTest) -> str:
    return " ".join(element.proto.body for element in app.get("html"))


def test_the_bar_shows_the_stop_and_the_way_back(trained: Path) -> None:
    assert "Start the tour" in _html(opened("dashboard.py"))
    app = opened("pages/train.py", tour="3")
    assert "Stop 3 of 10" in _html(app) and "Speaker:" in _html(app)
    app = app.switch_page("dashboard.py").run()
    assert "Back to stop 3" in _html(app) and app.query_params["tour"] == "3"


def test_the_links_of_the_bar_keep_the_presentation_mode(trained: Path) -> None:
    assert "tour=4&amp;large=true" in _html(opened("pages/train.py", tour="3", large="true"))
    assert "large=true" not in _html(opened("pages/train.py", tour="3"))


@pytest.mark.parametrize("number", ["end", "0", "11", "-1", "x", "²"])
def test_an_end_or_an_invalid_number_shows_no_bar(trained: Path, number: str) -> None:
    app = opened("dashboard.py", tour=number)
    assert "Start the tour" in _html(app) and "<nav" not in _html(app)


def test_the_audience_sees_no_note(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAE_PRESENTER_KEY", "secret")
    html = _html(opened("pages/train.py", tour="3"))
    assert "Watch a model learn" in html and "Speaker:" not in html


def test_a_faulty_tour_is_an_error_on_the_start_page(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "talk.toml").write_text("stop = ")
    monkeypatch.setenv("DAE_TOUR", str(tmp_path / "talk.toml"))
    assert "not valid TOML" in shown(opened("dashboard.py", tour="3"))
