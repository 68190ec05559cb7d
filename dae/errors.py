"""Exceptions that the package raises on purpose.

    DaeError
    ├── SpecError               an invalid noise, configuration or other setting
    │   └── UnknownNameError    a name that is missing from its registry
    ├── DataError               missing or unreadable images, or images of the wrong shape
    ├── CheckpointError         truncated or foreign weights, or weights of another architecture
    ├── RunError                a run directory that cannot be created, written or locked
    └── TrainingError           a training that cannot continue
        ├── DivergedError       the loss became NaN or infinite
        ├── OutOfMemoryError    the batch exceeds the memory of the device
        └── ProcessLostError    a process of a distributed training ended early

Pages and the command line print the message unchanged: what failed, the value and a fix, in one or two sentences.
"""

import difflib
from collections.abc import Iterable


class DaeError(Exception):
    """Base class of all errors that the package raises on purpose."""


class SpecError(DaeError):
    """A setting is invalid."""


class UnknownNameError(SpecError):
    """A name is missing from its registry.

    Attributes:
        noun: the kind of entry, "model" for example.
        value: the unknown name.
        choices: the names in the registry.
        closest: the most similar choice, or None.
    """

    def __init__(self, noun: str, value: str, choices: Iterable[str]) -> None:
        self.noun, self.value, self.choices = noun, value, tuple(choices)
        self.closest = next(iter(difflib.get_close_matches(value, self.choices, n=1)), None)
        hint = f" Did you mean {self.closest!r}?" if self.closest else ""
        super().__init__(f"There is no {noun} {value!r}.{hint} Choose from: {', '.join(self.choices)}.")


class DataError(DaeError):
    """Images are missing, unreadable or of the wrong shape."""


class CheckpointError(DaeError):
    """Weights are truncated, foreign or of another architecture."""


class RunError(DaeError):
    """A run directory cannot be created, written or locked."""


class TrainingError(DaeError):
    """A training cannot continue."""


class DivergedError(TrainingError):
    """The loss became NaN or infinite.

    Attributes:
        epoch: the epoch in which it happened, counted from 1.
        loss: the value of the loss.
    """

    def __init__(self, epoch: int, loss: float) -> None:
        self.epoch, self.loss = epoch, loss
        super().__init__(
            f"Training diverged in epoch {epoch}: the loss became {loss}. Lower the learning rate; the weights of the "
            "last full epoch are saved."
        )


class OutOfMemoryError(TrainingError):
    """The batch exceeds the memory of the device."""

    def __init__(self, device: str, batch_size: int) -> None:
        self.device, self.batch_size = device, batch_size
        fix = "Lower the batch size." if device == "cpu" else "Lower the batch size or train on the CPU."
        super().__init__(f"{device} ran out of memory with a batch size of {batch_size}. {fix}")


class ProcessLostError(TrainingError):
    """A process of a distributed training ended early, or the launcher is stopping all of them."""

    def __init__(self, size: int) -> None:
        self.size = size
        super().__init__(
            f"Training ended because one of its {size} processes was lost or the launcher was stopped. Resume the run "
            "with any number of processes; the last full epoch is saved."
        )
