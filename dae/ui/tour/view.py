"""The tour on a page: the text of the stop in place of the title, and the bar at the bottom."""

from collections.abc import Sequence
from html import escape
from pathlib import PurePosixPath

import streamlit as st

from dae.ui import address
from dae.ui.components.base import ASSETS
from dae.ui.tour.stops import PARAM, Stop, TourError, load_stops, tour_file

_END = "end"


def render_tour(path: str, is_presenter: bool, is_large: bool) -> bool:
    """Draw the bar and the current stop if the tour runs; on the Start page else the link that starts it.

    Args:
        path: script of the page, as in `page.PAGES`.
        is_presenter: whether to show the speaker's note.
        is_large: whether presentation mode is on; the stops keep it.

    Returns:
        Whether a stop was drawn, which replaces the title of the page.
    """
    page = "start" if path == "dashboard.py" else PurePosixPath(path).stem
    wanted = _wanted_number()
    if not wanted and page != "start":
        return False
    try:
        stops = load_stops(tour_file())
    except TourError as error:
        if page == "start":
            st.error(str(error), icon=":material/error:")
        return False
    number = _current_number(wanted, len(stops))
    if not number:
        if page == "start":
            url = escape(stops[0].url(1) + _mode(is_large))
            st.html(f'<a class="tour-start" href="{url}" target="_self">Start the tour</a>')
        return False
    st.html(ASSETS / "tour.css")
    stop = stops[number - 1]
    is_here = page == stop.page
    with st.container(key="tour_bar"):
        note = f'<p class="tour-note">Speaker: {escape(stop.note)}</p>' if is_here and is_presenter else ""
        st.html(note + bar_html(stops, number, page, is_large))
    if not is_here:
        return False
    with st.container(key="tour_stop"):
        st.html(
            f"<h1>{escape(stop.headline)}</h1><p>{escape(stop.text)}</p>"
            f"<details><summary>{escape(stop.question)}</summary><p>{escape(stop.answer)}</p></details>"
        )
    return True


def bar_html(stops: Sequence[Stop], number: int, page: str, is_large: bool) -> str:
    """Return the links of the bar at a stop, numbered from 1, as seen on a page, a key of PAGES."""
    mode = _mode(is_large)

    def link(name: str, target: int, label: str, title: str) -> str:
        url = escape(stops[target - 1].url(target) + mode)
        return f'<a class="tour-{name}" href="{url}" target="_self" title="{title}">{label}</a>'

    here = f"Stop {number} of {len(stops)}" if page == stops[number - 1].page else f"Back to stop {number}"
    back = link("back", number - 1, "Back", "Page Up") if number > 1 else ""
    following = link("next", number + 1, "Next", "Page Down") if number < len(stops) else ""
    end = f'<a class="tour-end" href="./?{PARAM}={_END}{escape(mode)}" target="_self">End</a>'
    return f'<nav aria-label="Tour">{back}{link("here", number, here, "Open this stop again")}{following}{end}</nav>'


def _mode(is_large: bool) -> str:
    """Return what links add to an address: each opens a new session, which takes the mode from it."""
    return "&large=true" if is_large else ""


def script_html(is_large: bool) -> str:
    """Return the stops of the tour as a list of links, a script of the talk; empty if the tour cannot be used."""
    try:
        stops = load_stops(tour_file())
    except TourError:
        return ""
    items = (
        f'<li><a href="{escape(stop.url(number) + _mode(is_large))}" target="_self">{escape(stop.headline)}</a></li>'
        for number, stop in enumerate(stops, 1)
    )
    return f"<p>A talk in {len(stops)} stops:</p><ol>{''.join(items)}</ol>"


def _wanted_number() -> str:
    """Return the stop named by the URL, else by the session; empty if no tour runs."""
    wanted = str(st.query_params.get(PARAM) or st.session_state.get(PARAM, ""))
    return "" if wanted == _END else wanted


def _current_number(wanted: str, num_stops: int) -> int:
    """Return the number of the stop, 0 for none, and keep it in the session and in the URL."""
    number = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 4 else 0
    number = number if number <= num_stops else 0
    st.session_state[PARAM] = str(number) if number else ""
    address.write_param(PARAM, [str(number)] if number else [])
    return number
