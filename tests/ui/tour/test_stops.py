"""The file of the tour: the shipped one is valid, and each fault is named."""

from pathlib import Path

import pytest

from dae.ui.tour.stops import DEFAULT_FILE, TourError, load_stops

STOP = '[[stop]]\npage = "train"\nheadline = "h"\ntext = "t"\nnote = "n"\nquestion = "q"\nanswer = "a"\n'


def test_the_shipped_tour_has_ten_stops_with_links_to_pages() -> None:
    stops = load_stops(DEFAULT_FILE)
    assert len(stops) == 10
    assert stops[0].url(1) == "./?level=0.8&tour=1"
    assert stops[5].url(6) == "./explore?view=Imagine&imagine=Dream&tour=6"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "no stop"),
        (b"stop = ", "not valid TOML"),
        (b"\xff\xfe", "not UTF-8"),
        (STOP.replace('note = "n"\n', "").encode(), "Stop 1 .* has no 'note'"),
        (STOP.replace('"train"', '"https://example.org"').encode(), "unknown page 'https://example.org'"),
        (STOP.replace('"h"', "3").encode(), "'headline' is 3"),
        ((STOP + 'color = "red"\n').encode(), "unknown key 'color'"),
        ((STOP + "params = { seed = 3 }\n").encode(), "'params' is"),
        ((STOP + 'params = { tour = "3" }\n').encode(), "sets itself"),
        (b"stop = [3]", "Stop 1 .* is 3"),
        (b"title = 3", "Unknown key 'title'"),
    ],
)
def test_a_fault_in_the_file_is_named(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "talk.toml"
    path.write_bytes(content)
    with pytest.raises(TourError, match=problem):
        load_stops(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TourError, match=r"Cannot read the tour 'talk.toml'"):
        load_stops(tmp_path / "talk.toml")
