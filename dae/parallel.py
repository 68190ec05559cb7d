"""One training on several processes: torchrun starts them, PyTorch's DistributedDataParallel joins their gradients.

    torchrun --nproc-per-node=2 -m dae train --recipe mnist-conv

Every process runs the same `fit` on its share of every batch, and all make the same step. Rank 0 alone writes the run,
and when whoever iterates its reports stops, all do. Controls travel through gloo, gradients through NCCL where they are
on graphics cards.
"""

import os
import signal
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from dae.errors import ProcessLost, SpecError

T = TypeVar("T")


class Crew:
    """The processes that train together, as one of them sees it; one process alone needs no messages.

    Args:
        rank: of this process, from 0.
        size: how many there are.
    """

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size
        self._steps = torch.ones((), dtype=torch.int64)  # from one report to the next

    def device(self, name: str) -> str:
        """The device of this process where the training's is `name`: a graphics card each, or the CPU.

        Raises:
            SpecError: `name` is a single device.
        """
        if self.size == 1 or name == "cpu":
            return name
        if name not in ("auto", "cuda"):
            raise SpecError(f"Device {name!r} cannot be shared by {self.size} processes; write auto, cuda or cpu.")
        return "cpu" if name == "auto" and not torch.cuda.is_available() else f"cuda:{os.environ['LOCAL_RANK']}"

    def model(self, model: nn.Module) -> nn.Module:
        """The model to train with: the gradients of its weights become the mean over all processes."""
        return model if self.size == 1 else DistributedDataParallel(model)

    def share(self, batch: Tensor) -> tuple[Tensor, float]:
        """This process's part of a batch of places, and what its mean loss weighs in the mean over the processes."""
        mine = batch[self.rank :: self.size]
        # a last batch may be too small for all: who gets nothing goes along with an image that does not count
        return (mine, len(mine) * self.size / len(batch)) if len(mine) else (batch[:1], 0.0)

    def mean(self, value: Tensor) -> float:
        """The mean of the processes' values, which are scalars; waits for all."""
        if self.size > 1:
            dist.all_reduce(value)
        return float(value) / self.size

    def due(self, steps: int, seconds: float, every_s: float) -> bool:
        """Whether to report, `steps` and `seconds` after the last report.

        Several processes know after how many steps: rank 0 foretells that at each report, from its pace until then.
        """
        if self.size == 1:
            return seconds > every_s
        if steps < self._steps:
            return False
        dist.broadcast(self._steps.fill_(max(1, min(2 * steps, int(steps * every_s / max(seconds, 1e-9))))), 0)
        return True

    def together(self, reports: Iterable[T]) -> Generator[T, None, None]:
        """The reports, until there are no more or whoever iterates rank 0's has stopped.

        Raises:
            ProcessLost: another process has ended.
        """
        if self.size == 1:
            yield from reports
            return
        go_on = torch.ones(())
        try:
            for report in reports:
                try:
                    yield report
                except GeneratorExit:
                    with suppress(RuntimeError):  # the others may be gone
                        dist.broadcast(go_on.zero_(), 0)
                    raise
                dist.broadcast(go_on, 0)
                if not go_on:
                    return
        except RuntimeError as error:
            if not isinstance(error, dist.DistError) and "gloo" not in str(error).lower():
                raise
            self.lost()

    def lost(self, *_: object) -> NoReturn:
        """Raise ProcessLost, once: the launcher's signal may follow, and the run is to be left well."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise ProcessLost(self.size) from None


ALONE = Crew()


@contextmanager
def joined() -> Iterator[Crew]:
    """The processes that torchrun started, or this one alone where it did not.

    In rank 0 the launcher's SIGTERM becomes ProcessLost; the others end without a word where one is lost.
    """
    if not dist.is_torchelastic_launched():
        yield ALONE
        return
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    crew = Crew(dist.get_rank(), dist.get_world_size())
    if crew.rank == 0:
        signal.signal(signal.SIGTERM, crew.lost)
    try:
        yield crew
    except ProcessLost:
        if crew.rank == 0:
            raise
        raise SystemExit(2) from None
    dist.destroy_process_group()  # not after an error: it could wait for those who are gone
