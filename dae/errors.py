"""Every error that the package raises on purpose.

    DaeError
    ├── SpecError             a noise, a configuration or another setting breaks its rule
    │   └── UnknownName       a name that no registry has
    ├── DataError             images that are missing, unreadable or of the wrong shape
    ├── CheckpointError       weights that are truncated, foreign or do not fit their model
    ├── RunError              a run directory that cannot be made, written or taken
    └── TrainingError         training cannot go on
        ├── Diverged          the loss became NaN or infinite
        ├── OutOfMemory       the device has too little memory for the batch
        └── ProcessLost       one of several processes that train together has ended

A message is one sentence or two: the value, the rule, the way out. It is written for the person at
the keyboard; pages and the command line print it as it is.
"""

import difflib
from collections.abc import Iterable


class DaeError(Exception):
    """Base of all errors that the package raises on purpose."""


class SpecError(DaeError):
    """A setting breaks its rule."""


class UnknownName(SpecError):
    """A name that is in no registry; carries the choices and the closest match.

    Attributes:
        noun: what was looked up, "model" for example.
        value: the name as given.
        choices: the names that exist.
        closest: the most similar choice, or None.
    """

    def __init__(self, noun: str, value: str, choices: Iterable[str]) -> None:
        self.noun, self.value, self.choices = noun, value, tuple(choices)
        self.closest = next(iter(difflib.get_close_matches(value, self.choices, n=1)), None)
        hint = f" Did you mean {self.closest!r}?" if self.closest else ""
        super().__init__(f"There is no {noun} {value!r}.{hint} Choose from: {', '.join(self.choices)}.")


class DataError(DaeError):
    """Images that are missing, unreadable or of the wrong shape."""


class CheckpointError(DaeError):
    """Weights that are truncated, foreign or do not fit their model."""


class RunError(DaeError):
    """A run directory that cannot be made, written or taken."""


class TrainingError(DaeError):
    """Training cannot go on."""


class Diverged(TrainingError):
    """The loss became NaN or infinite.

    Attributes:
        epoch: the epoch in which it happened, counted from 1.
    """

    def __init__(self, epoch: int, loss: float) -> None:
        self.epoch, self.loss = epoch, loss
        super().__init__(
            f"Training diverged in epoch {epoch}: the loss became {loss}. The weights of the last whole epoch "
            "are kept; try a lower learning rate."
        )


class OutOfMemory(TrainingError):
    """The device has too little memory for the batch."""

    def __init__(self, device: str, batch_size: int) -> None:
        self.device, self.batch_size = device, batch_size
        super().__init__(
            f"{device} ran out of memory with a batch of {batch_size}. Lower the batch size, or train on the CPU."
        )


class ProcessLost(TrainingError):
    """One of several processes that train together has ended, or their launcher ends them all."""

    def __init__(self, size: int) -> None:
        self.size = size
        super().__init__(
            f"The training ended because one of its {size} processes was lost or their launcher was stopped. The last "
            "whole epoch is kept: resume the run, with as many processes as you like."
        )
