"""One training on several processes: torchrun starts them, PyTorch's DistributedDataParallel joins their gradients.

    torchrun --nproc-per-node=2 -m dae train --recipe mnist-conv

Every process runs the same `fit` on its share of every batch, and all make the same step. Rank 0 alone writes the run,
and what whoever iterates its reports decides, all do. Controls travel as CPU tensors through gloo, gradients through
NCCL where they are on graphics cards.
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

from dae.errors import DaeError, OutOfMemory, ProcessLost, SpecError

T = TypeVar("T")
_ENVIRONMENT = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")  # what torchrun gives each process


class Crew:
    """The processes that train together, as one of them sees it; one process alone needs no others and no messages.

    Args:
        rank: of this process, from 0.
        size: how many there are.
    """

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size
        self._steps = 1  # from one report to the next

    def device(self, name: str) -> str:
        """The device of this process where the training's is `name`: a graphics card each, or the CPU.

        Raises:
            SpecError: `name` is a single device, or there are too few cards.
        """
        if self.size == 1 or name == "cpu":
            return name
        if name not in ("auto", "cuda"):
            raise SpecError(f"Device {name!r} cannot be shared by {self.size} processes; write auto, cuda or cpu.")
        place, cards = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
        if place >= cards > 0:
            raise SpecError(
                f"There are more processes here than graphics cards, {cards}; start one a card, or use cpu."
            )
        return f"cuda:{place}" if cards else "cpu" if name == "auto" else name

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
        foretold = torch.tensor(max(1, min(2 * steps, int(steps * every_s / max(seconds, 1e-9)))))
        dist.broadcast(foretold, 0)
        self._steps = int(foretold)
        return True

    def told(self, content: bytes = b"", source: int = 0) -> bytes:
        """What `source` says, to all; what the others hand in is not looked at."""
        if self.size == 1:
            return content
        size = torch.tensor(len(content))
        dist.broadcast(size, source)
        if not size:
            return b""
        letters = torch.frombuffer(bytearray(content if self.rank == source else bytes(int(size))), dtype=torch.uint8)
        dist.broadcast(letters, source)
        return letters.numpy().tobytes()

    def agreed(self, problem: str) -> str:
        """The problem of the first process that has one, to all; empty where nobody has."""
        problems = [self.told(problem.encode(), rank).decode() for rank in range(self.size)]
        return next(filter(None, problems), "")

    def together(self, reports: Iterable[T]) -> Generator[T, None, None]:
        """The reports; after each all processes go on or all stop, as whoever iterates rank 0's decides.

        Raises:
            ProcessLost: another process has ended.
        """
        with self.losses_told():
            for report in reports:
                try:
                    yield report
                except BaseException:
                    with suppress(RuntimeError):  # they may be gone
                        self.told(b"")
                    raise
                if not self.told(b"go on"):
                    return

    @contextmanager
    def losses_told(self) -> Iterator[None]:
        """Turn what PyTorch raises when a peer is gone into ProcessLost."""
        try:
            yield
        except RuntimeError as error:
            if self.size == 1 or not (isinstance(error, dist.DistError) or "gloo" in str(error).lower()):
                raise
            self.lost()

    def lost(self, *_: object) -> NoReturn:
        """Raise ProcessLost, once: the launcher's signal may follow, and the run is to be left well."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise ProcessLost(self.size) from None


ALONE = Crew()


def leads() -> bool:
    """Whether this process tells the user what all processes of its crew meet with."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def joined() -> Iterator[Crew]:
    """The crew of torchrun's environment, or of this process alone where there is none.

    In rank 0 the launcher's SIGTERM becomes ProcessLost, so that the run can be left well. The other ranks end without
    a word where rank 0 tells why.
    """
    size = int(os.environ["WORLD_SIZE"]) if all(name in os.environ for name in _ENVIRONMENT) else 1
    if size == 1:
        yield ALONE
        return
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    crew = Crew(dist.get_rank(), size)
    if crew.rank == 0:
        signal.signal(signal.SIGTERM, crew.lost)
    try:
        with crew.losses_told():
            yield crew
    except OutOfMemory:
        raise  # of this process alone, perhaps
    except (DaeError, KeyboardInterrupt) as error:
        if crew.rank == 0:
            raise
        raise SystemExit(2 if isinstance(error, DaeError) else 130) from error
    dist.destroy_process_group()  # not after an error: it could wait for those who are gone
