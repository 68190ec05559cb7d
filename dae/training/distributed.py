"""Data-parallel training in several processes: started by torchrun, synchronized by DistributedDataParallel.

    torchrun --nproc-per-node=2 -m dae train --recipe mnist-conv

Every process runs the same `fit` on its shard of each batch, and all ranks take the same step. Rank 0 alone writes the
run; when its caller stops iterating, all ranks stop. Control messages use gloo, gradients use NCCL on GPUs.
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

from dae.errors import ProcessLostError, SpecError

T = TypeVar("T")


class DistributedContext:
    """Process group seen from one rank. With a world size of 1 nothing is communicated.

    Args:
        rank: index of this process, from 0.
        world_size: number of processes.
    """

    def __init__(self, rank: int = 0, world_size: int = 1) -> None:
        self.rank, self.world_size = rank, world_size
        self._steps_per_report = torch.ones((), dtype=torch.int64)

    def device(self, name: str) -> str:
        """Return the device of this rank for a training on `name`: one GPU per rank, or the CPU.

        Raises:
            SpecError: `name` is a single device.
        """
        if self.world_size == 1 or name == "cpu":
            return name
        if name not in ("auto", "cuda"):
            raise SpecError(f"Device {name!r} cannot be shared by {self.world_size} processes. Use auto, cuda or cpu.")
        return "cpu" if name == "auto" and not torch.cuda.is_available() else f"cuda:{os.environ['LOCAL_RANK']}"

    def wrap_model(self, model: nn.Module) -> nn.Module:
        """Return the module to train with; gradients are averaged over all ranks."""
        return model if self.world_size == 1 else DistributedDataParallel(model)

    def shard(self, batch: Tensor) -> tuple[Tensor, float]:
        """Return this rank's part of a batch of indices, and the weight of its mean loss in the mean over ranks.

        The last batch may have fewer samples than ranks; ranks without a sample process one with weight 0.
        """
        shard = batch[self.rank :: self.world_size]
        return (shard, len(shard) * self.world_size / len(batch)) if len(shard) else (batch[:1], 0.0)

    def mean(self, value: Tensor) -> float:
        """Return the mean of a scalar over all ranks; waits for all."""
        if self.world_size > 1:
            dist.all_reduce(value)
        return float(value) / self.world_size

    def should_report(self, steps: int, seconds: float, interval_s: float) -> bool:
        """Return True if a report is due, `steps` and `seconds` after the last one.

        With several ranks, rank 0 broadcasts at each report how many steps remain until the next one.
        """
        if self.world_size == 1:
            return seconds > interval_s
        if steps < self._steps_per_report:
            return False
        next_report = max(1, min(2 * steps, int(steps * interval_s / max(seconds, 1e-9))))
        dist.broadcast(self._steps_per_report.fill_(next_report), 0)
        return True

    def synchronize(self, reports: Iterable[T]) -> Generator[T, None, None]:
        """Yield the reports until they end or the caller of rank 0 stops.

        Raises:
            ProcessLostError: another process has ended.
        """
        if self.world_size == 1:
            yield from reports
            return
        running = torch.ones(())
        try:
            for report in reports:
                try:
                    yield report
                except GeneratorExit:
                    with suppress(RuntimeError):  # the other ranks may have ended
                        dist.broadcast(running.zero_(), 0)
                    raise
                dist.broadcast(running, 0)
                if not running:
                    return
        except RuntimeError as error:
            if not isinstance(error, dist.DistError) and "gloo" not in str(error).lower():
                raise
            self.raise_process_lost()

    def raise_process_lost(self, *_: object) -> NoReturn:
        """Raise ProcessLostError and ignore the launcher's SIGTERM that may follow, so that the run can be saved."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise ProcessLostError(self.world_size) from None


SINGLE_PROCESS = DistributedContext()


@contextmanager
def init_distributed() -> Iterator[DistributedContext]:
    """Join the processes that torchrun started; without torchrun, yield `SINGLE_PROCESS`.

    In rank 0, SIGTERM from the launcher raises ProcessLostError. The other ranks exit silently if a process is lost.
    """
    if not dist.is_torchelastic_launched():
        yield SINGLE_PROCESS
        return
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    group = DistributedContext(dist.get_rank(), dist.get_world_size())
    # CPUs process denormal floats many times slower.
    torch.set_flush_denormal(True)
    if group.rank == 0:
        signal.signal(signal.SIGTERM, group.raise_process_lost)
    try:
        yield group
    except ProcessLostError:
        if group.rank == 0:
            raise
        raise SystemExit(2) from None
    # Not after an error: it could wait for processes that have ended.
    dist.destroy_process_group()
