"""The tour on the pages: its bar, its notes, and its error."""

from pathlib import Path

import pytest

from tests.ui.apps import html, opened, shown


def test_the_bar_shows_the_stop_and_the_way_back(trained: Path) -> None:
    assert "Start the tour" in html(opened("dashboard.py"))
    app = opened("pages/train.py", tour="3")
    assert "Stop 3 of 10" in html(app) and "Speaker:" in html(app)
    app = app.switch_page("dashboard.py").run()
    assert "Back to stop 3" in html(app) and app.query_params["tour"] == "3"


def test_the_links_of_the_bar_keep_the_presentation_mode(trained: Path) -> None:
    assert "tour=4&amp;large=true" in html(opened("pages/train.py", tour="3", large="true"))
    assert "large=true" not in html(opened("pages/train.py", tour="3"))
    assert "tour=1&amp;large=true" in html(opened("dashboard.py", large="true"))


def test_the_help_for_presenters_links_to_every_stop(trained: Path) -> None:
    shown_html = html(opened("pages/train.py"))
    assert all(f"tour={number}&quot;" in shown_html or f'tour={number}"' in shown_html for number in range(1, 11))


@pytest.mark.parametrize("number", ["end", "0", "11", "-1", "x", "²"])
def test_the_end_of_the_tour_or_an_invalid_stop_number_shows_no_bar(trained: Path, number: str) -> None:
    app = opened("dashboard.py", tour=number)
    assert "Start the tour" in html(app) and "<nav" not in html(app)


def test_the_audience_sees_no_note(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAE_PRESENTER_KEY", "secret")
    shown_html = html(opened("pages/train.py", tour="3"))
    assert "Watch a model learn" in shown_html and "Speaker:" not in shown_html


def test_a_faulty_tour_is_an_error_on_the_start_page(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "talk.toml").write_text("stop = ")
    monkeypatch.setenv("DAE_TOUR", str(tmp_path / "talk.toml"))
    assert "not valid TOML" in shown(opened("dashboard.py", tour="3"))
