"""The projector's view of the game: the code to scan, Guess or Draw, and the presenter's controls."""

import secrets
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import streamlit as st

from dae.ui.room.projector import address, guess, review, wall
from dae.ui.room.projector.address import HOW_TO_OPEN, PhoneAddress
from dae.ui.room.projector.contestants import prepare_questions, prepare_shares
from dae.ui.room.room import Room, room
from dae.ui.room.snapshot import Snapshot
from dae.ui.shell import auth, messages, page
from dae.ui.shell.actions import page_state, presenter_callback
from dae.utils import text

# Query parameter of the Start page.
PARAM = "room"
TITLE, LEAD = "Play with the room", "People against models: who reads a digit that drowns in noise?"
_POLL_S = 1.0
_SHOWN_KEY = "room_shown"
_DOWN, _UP = "Less and less noise", "More and more noise"


@dataclass
class RoomState:
    """Settings of the room in one session; callbacks change them.

    Attributes:
        is_rehearsing: whether the presenter plays without an open server.
        has_opened: whether the session has opened the room. It stays closed if it is closed later.
        seed: of the next game, which is prepared while phones join.
        starts_when_prepared: whether the next game starts as soon as it is prepared.
        is_rising: whether the noise level rises in that game.
    """

    is_rehearsing: bool = False
    has_opened: bool = False
    seed: int = field(default_factory=lambda: secrets.randbelow(2**31))
    starts_when_prepared: bool = False
    is_rising: bool = False


def is_room_shown() -> bool:
    """Return whether the address asks for the room."""
    is_shown = PARAM in st.query_params
    if st.session_state.get(_SHOWN_KEY) and not is_shown:
        # The link of the header to the page that is already open leaves the address in the browser as it was.
        st.query_params[PARAM] = ""
        del st.query_params[PARAM]
    st.session_state[_SHOWN_KEY] = is_shown
    return is_shown


def render_open_button() -> None:
    """Draw the button of the Start page that shows the room."""
    st.button(
        "**Play with the room**",
        key="open_room",
        icon=":material/qr_code_2:",
        type="tertiary",
        on_click=lambda: st.query_params.update({PARAM: "true"}),
    )


def render_room() -> None:
    """Draw the page below its header."""
    st.html(Path(__file__).parent / "assets" / "room.css")
    if not auth.is_presenter():
        st.info("Only a presenter can open the room. Enter the presenter key above.", icon=":material/lock:")
        return
    if st.query_params[PARAM] == review.VALUE:
        review.render_review(room())
        return
    state: RoomState = st.session_state.setdefault("room_state", RoomState())
    phones = address.find_phone_address()
    if phones.problem and not state.is_rehearsing:
        _render_how_to_open(phones, state)
        return
    if not state.has_opened:
        room().open()
        state.has_opened = True
    _render_stage(phones, state, page_state().problem)


def _render_how_to_open(phones: PhoneAddress, state: RoomState) -> None:
    st.info(f"{phones.problem}:", icon=":material/qr_code_2:")
    st.code(HOW_TO_OPEN, language="bash")
    if phones.can_rehearse:
        st.button(
            "Rehearse on this computer", key="room_rehearse", on_click=presenter_callback(_rehearse), args=(state,)
        )


def _rehearse(state: RoomState) -> None:
    state.is_rehearsing = True


@st.fragment(run_every=_POLL_S)
def _render_stage(phones: PhoneAddress, state: RoomState, shown_problem: str) -> None:
    """Draw the room, once a second.

    Args:
        shown_problem: the error that the header of the page shows.
    """
    game = room()
    if (problem := page_state().problem) and problem != shown_problem:
        messages.show_error(problem)
    with page.show_errors():
        _start_when_prepared(game, state)
    shown = game.snapshot()
    if shown.activity in ("waiting", "closed"):
        _render_lobby(phones, state, game, shown)
        return
    side, stage = st.columns([1, 5], gap="medium")
    with side:
        _render_code(phones, shown)
        if shown.waiting:
            st.html(review.link_html(PARAM, len(shown.waiting)))
        if shown.shares and shown.phase != "finished":
            st.button("Results now", key="room_results", on_click=presenter_callback(game.finish_guess))
        st.button("End", key="room_end", icon=":material/stop:", on_click=presenter_callback(game.end_activity))
    with stage, page.show_errors():
        if shown.activity == "draw":
            wall.render_wall(game, shown)
        else:
            guess.render_guess(game, shown)


def _start_when_prepared(game: Room, state: RoomState) -> None:
    """Prepare the next game while the room waits; start it if it is wanted."""
    if game.snapshot().activity != "waiting":
        # Another presenter has started a game.
        state.starts_when_prepared = False
        return
    questions = prepare_questions(state.seed)
    if questions:
        # Measured before the results are wanted.
        prepare_shares()
    if questions and state.starts_when_prepared:
        game.start_guess(sorted(questions, key=lambda question: question.level, reverse=not state.is_rising))
        state.starts_when_prepared, state.seed = False, secrets.randbelow(2**31)


def _render_lobby(phones: PhoneAddress, state: RoomState, game: Room, shown: Snapshot) -> None:
    """Draw the large code, and the buttons that start a game."""
    code, controls = st.columns([2, 3], gap="large", vertical_alignment="center")
    with code:
        _render_code(phones, shown)
    with controls:
        if shown.activity == "closed":
            st.markdown("The room is closed.")
            st.button("Open the room", key="room_open", type="primary", on_click=presenter_callback(game.open))
            return
        invitation = "Open this link in another tab to rehearse" if phones.can_rehearse else "Scan the code to play"
        st.html(
            f"<div class='room-invitation'><h2>{invitation}</h2>"
            f"<p><a href='{escape(phones.url)}' target='_blank'>{escape(phones.url)}</a></p></div>"
        )
        if state.starts_when_prepared:
            st.markdown("Preparing the digits …")
            return
        order = st.segmented_control(
            "Round by round",
            [_DOWN, _UP],
            default=_DOWN,
            required=True,
            key="room_order",
            persist_state="session",
            width="content",
        )
        is_reviewed = st.toggle(
            "Review drawings before they are shown",
            value=True,
            key="room_review",
            persist_state="session",
            help="A drawing waits until you show or dismiss it, in a second window or on a device of your own.",
        )
        with st.container(horizontal=True):
            st.button(
                "Guess",
                key="room_guess",
                icon=":material/quiz:",
                type="primary",
                help="Everybody reads a noisy digit, then the models do.",
                on_click=presenter_callback(_start_guess),
                args=(state, order == _UP),
            )
            st.button(
                "Draw",
                key="room_draw",
                icon=":material/draw:",
                help="Everybody draws a digit. It appears here, noisy, denoised and read by a model.",
                on_click=presenter_callback(game.start_draw),
                args=(is_reviewed,),
            )
            st.button("Close the room", key="room_close", type="tertiary", on_click=presenter_callback(game.close))
        network = "" if phones.can_rehearse else "Phones must be on the same network as this computer. "
        st.caption(f"{network}Closing the room forgets all phones and answers.")


def _start_guess(state: RoomState, rising: bool) -> None:
    state.starts_when_prepared, state.is_rising = True, rising


def _render_code(phones: PhoneAddress, shown: Snapshot) -> None:
    """Draw the code of the address, and how many phones are there."""
    st.html(
        f"<figure class='room-code'><img src='{address.qr_code(phones.url)}' alt='QR code of {escape(phones.url)}'>"
        f"<figcaption>{text.counted(shown.present, 'phone')} in the room</figcaption></figure>"
    )
