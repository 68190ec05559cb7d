"""The state of the game: phones, the current activity, answers and drawings. In memory only, without Streamlit."""

import itertools
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from dae.errors import DaeError
from dae.ui.room import presence
from dae.ui.room.guess import NUM_DIGITS, Game, Phase, Question, Round
from dae.ui.room.presence import Presence
from dae.ui.room.snapshot import Activity, Snapshot
from dae.ui.room.wall import Drawing, Wall, WallImage
from dae.ui.singletons import process_singleton


class RoomError(DaeError):
    """The room does not accept what a phone sent."""


class UnknownPhoneError(RoomError):
    """The token is not one of this room; the phone joins again."""


class Room:
    """A room that is closed until the presenter opens it. All methods can be called from any thread.

    Args:
        clock: monotonic time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._activity: Activity = "closed"
        self._phones = Presence(clock)
        self._game: Game | None = None
        self._wall = Wall()

    # The presenter.

    def open(self) -> None:
        """Let phones in, if the room is closed."""
        with self._lock:
            if self._activity == "closed":
                self._activity = "waiting"

    def close(self) -> None:
        """Forget phones, answers and drawings, and let no phone in."""
        with self._lock:
            self._activity, self._game, self._wall = "closed", None, Wall()
            self._phones.clear()

    def end_activity(self) -> None:
        """End the current activity; phones stay."""
        with self._lock:
            if self._activity != "closed":
                self._activity, self._game, self._wall = "waiting", None, Wall()

    def start_guess(self, questions: Sequence[Question]) -> None:
        """Start a game with a round per question.

        Raises:
            RoomError: the room is closed.
        """
        with self._lock:
            self._check_open()
            self._game = Game([Round(next(self._ids), question) for question in questions])
            self._activity = "guess"

    def advance(self, number: int, phase: Phase | None) -> None:
        """Go one step on: answer, next question, end. Do nothing if round or phase have changed meanwhile."""
        with self._lock:
            if self._game and (self._game.index + 1, self._game.phase) == (number, phase):
                self._game.advance()

    def finish_guess(self) -> None:
        """Show the results without the remaining rounds."""
        with self._lock:
            if self._game:
                if self._game.phase == "answering":
                    # Nobody has seen the answer of this round, and not all phones have answered.
                    self._game.current.answers.clear()
                self._game.phase = "finished"

    def start_draw(self, is_reviewed: bool = False) -> None:
        """Start with an empty wall.

        Args:
            is_reviewed: whether each drawing waits until the presenter shows or dismisses it.

        Raises:
            RoomError: the room is closed.
        """
        with self._lock:
            self._check_open()
            self._activity, self._game, self._wall = "draw", None, Wall(is_reviewed)

    def pending_drawings(self, limit: int) -> list[Drawing]:
        """Return the first drawings that wait for a result."""
        with self._lock:
            return self._wall.pending()[:limit]

    def finish_drawings(self, results: Mapping[int, WallImage]) -> None:
        """Store results by the ids of their drawings."""
        with self._lock:
            self._wall.finish(results)

    def show_drawings(self, drawing_ids: Iterable[int]) -> None:
        """Put drawings that wait on the wall."""
        with self._lock:
            for drawing_id in drawing_ids:
                self._wall.show(drawing_id)

    def dismiss_drawing(self, drawing_id: int) -> None:
        """Remove a drawing that waits."""
        with self._lock:
            self._wall.dismiss(drawing_id)

    def take_down(self, drawing_id: int) -> None:
        """Remove a drawing from the wall, and accept no more from its phone."""
        with self._lock:
            self._wall.take_down(drawing_id)

    def snapshot(self) -> Snapshot:
        """Return what the projector shows."""
        with self._lock:
            present = self._phones.count()
            if self._activity == "guess" and (game := self._game):
                return Snapshot(
                    "guess",
                    present,
                    game.phase,
                    game.index + 1,
                    len(game.rounds),
                    game.current.question,
                    game.current.counts(),
                    tuple(game.shares()),
                )
            wall = self._wall
            drawings, waiting = tuple(wall.newest()), tuple(wall.waiting())
            return Snapshot(self._activity, present, drawings=drawings, waiting=waiting)

    # The phones.

    def join(self, token: str = "") -> str:
        """Return the token of a phone: its own if this room knows it, else a new one.

        Raises:
            RoomError: the room is closed or full.
        """
        with self._lock:
            self._check_open()
            if token not in self._phones:
                if not self._phones.has_place():
                    raise RoomError(f"The room is full, with {presence.MAX_PHONES} phones. Watch the projector.")
                token = secrets.token_urlsafe(16)
            self._phones.note(token)
            return token

    def is_newcomer(self, token: str) -> bool:
        """Return whether a phone with this token would get a new one.

        Raises:
            RoomError: the room is closed.
        """
        with self._lock:
            self._check_open()
            return token not in self._phones

    def check_phone(self, token: str) -> None:
        """Note that a phone is present.

        Raises:
            UnknownPhoneError: the token is unknown, or the room is closed.
        """
        with self._lock:
            self._check_phone(token)

    def phone_state(self, token: str) -> dict[str, Any]:
        """Return what a phone shows, ready for JSON.

        Raises:
            UnknownPhoneError: the token is unknown, or the room is closed.
        """
        with self._lock:
            self._check_phone(token)
            state: dict[str, Any] = {"activity": self._activity}
            if self._activity == "guess" and self._game:
                state |= self._game.phone_state(token)
            elif self._activity == "draw":
                state |= self._wall.phone_state(token)
            return state

    def answer(self, token: str, round_id: int, digit: int) -> None:
        """Count the answer of a phone. Its first answer to a round stays.

        Raises:
            UnknownPhoneError: the token is unknown, or the room is closed.
            RoomError: there is no such digit, or the round does not take answers.
        """
        with self._lock:
            self._check_phone(token)
            if not 0 <= digit < NUM_DIGITS:
                raise RoomError(f"There is no digit {digit}. Choose 0 to 9.")
            game = self._game
            if not game or game.current.id != round_id or game.phase != "answering":
                raise RoomError("This round is over.")
            game.current.answers.setdefault(token, digit)

    def draw(self, token: str, pixels: bytes) -> None:
        """Add the drawing of a phone.

        Raises:
            UnknownPhoneError: the token is unknown, or the room is closed.
            DaeError: the room does not draw, or does not accept this drawing.
        """
        with self._lock:
            self._check_phone(token)
            if self._activity != "draw":
                raise RoomError("The wall is closed.")
            self._wall.add(token, Drawing(next(self._ids), pixels), self._clock())

    def noisy_image(self, round_id: int) -> bytes | None:
        """Return the PNG of the current round, None for another one."""
        with self._lock:
            current = self._game.current if self._game else None
            return current.question.noisy if current and current.id == round_id else None

    def _check_open(self) -> None:
        if self._activity == "closed":
            raise RoomError("The room is closed. Wait for the presenter to open it.")

    def _check_phone(self, token: str) -> None:
        if token not in self._phones:
            raise UnknownPhoneError("This phone has not joined. Reload the page.")
        self._phones.note(token)


@process_singleton
def room() -> Room:
    """Return the room of this server."""
    return Room()
