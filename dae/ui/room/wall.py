"""The wall of Draw: the latest drawing of each phone, from the presenter's consent until it is taken down."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from dae.errors import DaeError

# A drawing is gray, one byte per pixel, row by row; SIDE in components/assets/sketch_board.js.
SIDE = 84
NUM_BYTES = SIDE * SIDE
# Seconds between two drawings of one phone.
MIN_INTERVAL_S = 2.0
# A brightest pixel below this is no ink.
_MIN_INK = 32


class DrawingError(DaeError):
    """A drawing is not accepted."""


@dataclass(frozen=True)
class WallImage:
    """Output of a model for a drawing: PNGs of the noisy and the denoised digit, and the reading of the latter."""

    noisy: bytes
    denoised: bytes
    reading: str


@dataclass(frozen=True)
class Drawing:
    """A drawing of a phone.

    Attributes:
        id: unique in a process.
        pixels: NUM_BYTES gray values.
        result: None until it is computed.
    """

    id: int
    pixels: bytes
    result: WallImage | None = None


class Wall:
    """The drawings on the wall, and those that wait for it, one of each per phone. `Room` guards it with its lock.

    Args:
        is_reviewed: whether a drawing waits until the presenter shows or dismisses it.
    """

    def __init__(self, is_reviewed: bool = False) -> None:
        self._is_reviewed = is_reviewed
        self._drawings: dict[str, Drawing] = {}
        self._waiting: dict[str, Drawing] = {}
        self._dismissed: set[str] = set()
        self._added_s: dict[str, float] = {}
        self._senders: dict[int, str] = {}  # phones by the ids of their drawings
        self._blocked: set[str] = set()

    def add(self, phone: str, drawing: Drawing, now_s: float) -> None:
        """Show a drawing in place of the earlier one of this phone, or let it wait in place of that.

        Raises:
            DrawingError: it has the wrong size or no ink, comes too soon, or the phone lost the right to draw.
        """
        if phone in self._blocked:
            raise DrawingError("The presenter has taken your drawing down.")
        if len(drawing.pixels) != NUM_BYTES:
            raise DrawingError("The drawing could not be read. Please draw it again.")
        if max(drawing.pixels) < _MIN_INK:
            raise DrawingError("The board is empty. Draw a digit first.")
        latest = self._waiting.get(phone) or self._drawings.get(phone)
        if latest and latest.pixels == drawing.pixels:
            # Sent again, because the answer was lost on the way.
            return
        if now_s - self._added_s.get(phone, -MIN_INTERVAL_S) < MIN_INTERVAL_S:
            raise DrawingError("Too fast. Wait two seconds, then send it again.")
        self._added_s[phone], self._senders[drawing.id] = now_s, phone
        self._dismissed.discard(phone)
        drawings = self._waiting if self._is_reviewed else self._drawings
        drawings.pop(phone, None)
        drawings[phone] = drawing

    def phone_state(self, phone: str) -> dict[str, Any]:
        """Return what a phone shows, ready for JSON."""
        drawing = self._waiting.get(phone) or self._drawings.get(phone)
        return {
            "drawing": drawing.id if drawing else 0,
            "reading": drawing.result.reading if drawing and drawing.result else "",
            "waiting": phone in self._waiting,
            "dismissed": phone in self._dismissed,
            "blocked": phone in self._blocked,
        }

    def newest(self) -> list[Drawing]:
        """Return the drawings that have a result, the newest first."""
        return [drawing for drawing in reversed(self._drawings.values()) if drawing.result]

    def pending(self) -> list[Drawing]:
        """Return the drawings on the wall without a result, the oldest first."""
        return [drawing for drawing in self._drawings.values() if not drawing.result]

    def waiting(self) -> list[Drawing]:
        """Return the drawings that wait for the presenter, the oldest first."""
        return list(self._waiting.values())

    def show(self, drawing_id: int) -> None:
        """Put a drawing that waits on the wall, unless its phone has replaced it meanwhile."""
        for phone, drawing in list(self._waiting.items()):
            if drawing.id == drawing_id:
                self._drawings.pop(phone, None)
                self._drawings[phone] = self._waiting.pop(phone)

    def dismiss(self, drawing_id: int) -> None:
        """Remove a drawing that waits; its phone may send another one."""
        for phone, drawing in list(self._waiting.items()):
            if drawing.id == drawing_id:
                del self._waiting[phone]
                self._dismissed.add(phone)

    def finish(self, results: Mapping[int, WallImage]) -> None:
        """Store the results of drawings, by id; those that were replaced or taken down meanwhile are dropped."""
        for phone, drawing in self._drawings.items():
            if drawing.id in results:
                self._drawings[phone] = replace(drawing, result=results[drawing.id])

    def take_down(self, drawing_id: int) -> None:
        """Remove what the phone of a drawing has sent, and accept no more from it."""
        if phone := self._senders.get(drawing_id):
            self._drawings.pop(phone, None)
            self._waiting.pop(phone, None)
            self._blocked.add(phone)
