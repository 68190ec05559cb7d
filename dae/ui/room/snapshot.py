"""Snapshot of the room at one moment, for the projector."""

from dataclasses import dataclass
from typing import Literal

from dae.ui.room.guess import NUM_DIGITS, LevelShare, Phase, Question
from dae.ui.room.wall import Drawing

Activity = Literal["closed", "waiting", "guess", "draw"]


@dataclass(frozen=True)
class Snapshot:
    """State that the projector shows.

    Attributes:
        present: number of phones that are in the room now.
        number: of the current round, from 1; 0 if there is no game.
        counts: answers of the current round for 0, 1, ... 9.
        shares: right answers by noise level of the rounds whose answer is public.
        drawings: those with a result, the newest first.
        waiting: drawings that wait for the presenter, the oldest first.
    """

    activity: Activity
    present: int
    phase: Phase | None = None
    number: int = 0
    num_rounds: int = 0
    question: Question | None = None
    counts: tuple[int, ...] = (0,) * NUM_DIGITS
    shares: tuple[LevelShare, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    waiting: tuple[Drawing, ...] = ()

    @property
    def num_answers(self) -> int:
        """Return the number of answers of the current round."""
        return sum(self.counts)
