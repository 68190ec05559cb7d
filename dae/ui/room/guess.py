"""The rounds of Guess: questions, one answer per phone and round, and the share right at each noise level."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

NUM_DIGITS = 10
Phase = Literal["answering", "revealed", "finished"]


@dataclass(frozen=True)
class Reading:
    """Output of a model for the digit of a question.

    Attributes:
        label: display name of the model.
        color: CSS color of the model.
        text: digit that the denoised image reads as.
        image: PNG of the denoised image.
    """

    label: str
    color: str
    text: str
    image: bytes


@dataclass(frozen=True)
class Question:
    """A noisy digit.

    Attributes:
        level: noise level.
        digit: right answer, 0 to 9.
        noisy: PNG of what phones see.
        clean: PNG that is shown with the answer.
    """

    level: float
    digit: int
    noisy: bytes
    clean: bytes
    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True)
class LevelShare:
    """Number of answers, and of right ones, at a noise level."""

    level: float
    right: int
    answers: int


@dataclass
class Round:
    """A question and its answers.

    Attributes:
        id: unique in a process, so that an answer to an earlier game is recognized.
        answers: first answer of each phone.
    """

    id: int
    question: Question
    answers: dict[str, int] = field(default_factory=dict)

    def counts(self) -> tuple[int, ...]:
        """Return how many phones answered 0, 1, ... 9."""
        counted = Counter(self.answers.values())
        return tuple(counted[digit] for digit in range(NUM_DIGITS))

    def num_right(self) -> int:
        """Return how many answers are right."""
        return self.counts()[self.question.digit]


@dataclass
class Game:
    """The rounds of one game. `Room` guards it with its lock.

    Attributes:
        index: of the current round.
        phase: of the current round; "finished" after the last one.
    """

    rounds: Sequence[Round]
    index: int = 0
    phase: Phase = "answering"

    @property
    def current(self) -> Round:
        """Return the current round."""
        return self.rounds[self.index]

    def advance(self) -> None:
        """Reveal the answer; after that show the next question, or finish."""
        if self.phase == "answering":
            self.phase = "revealed"
        elif self.phase == "revealed" and self.index + 1 < len(self.rounds):
            self.index, self.phase = self.index + 1, "answering"
        else:
            self.phase = "finished"

    def revealed_rounds(self) -> Sequence[Round]:
        """Return the rounds whose answer is public."""
        return self.rounds[: self.index + (self.phase != "answering")]

    def shares(self) -> list[LevelShare]:
        """Return the right answers at each noise level whose answer is public, the lowest level first."""
        right: Counter[float] = Counter()
        answers: Counter[float] = Counter()
        for entry in self.revealed_rounds():
            right[entry.question.level] += entry.num_right()
            answers[entry.question.level] += len(entry.answers)
        return [LevelShare(level, right[level], answers[level]) for level in sorted(answers)]

    def phone_state(self, phone: str) -> dict[str, Any]:
        """Return what a phone shows, ready for JSON: the answer only once it is public."""
        current = self.current
        own = [
            entry.answers[phone] == entry.question.digit for entry in self.revealed_rounds() if phone in entry.answers
        ]
        state: dict[str, Any] = {
            "phase": self.phase,
            "round": current.id,
            "number": self.index + 1,
            "rounds": len(self.rounds),
            "yours": current.answers.get(phone),
            "score": sum(own),
            "answered": len(own),
        }
        if self.phase != "answering":
            state |= {"answer": current.question.digit, "right": current.num_right(), "answers": len(current.answers)}
        return state
