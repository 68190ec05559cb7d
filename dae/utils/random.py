"""Seeded generators that leave PyTorch's global one untouched, and a bank of Gaussian noise."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from dae.errors import SpecError

_BANK_SIZE = 1 << 20  # 4 MiB of float32


def make_generator(seed: int, *spawn_key: int, device: torch.device | str = "cpu") -> torch.Generator:
    """Return a generator for one stream of random numbers under a seed, for example (purpose, epoch).

    Different keys give independent streams (`numpy.random.SeedSequence`), also where one key begins with another.

    Raises:
        SpecError: the seed is negative.
    """
    if seed < 0:
        raise SpecError(f"Seed {seed} is negative. Use 0 or more.")
    (state,) = np.random.SeedSequence(seed, spawn_key=spawn_key).generate_state(1, np.uint64)
    # manual_seed accepts 63 bits on every device.
    return torch.Generator(device).manual_seed(int(state) >> 1)


class NoiseBank(torch.Generator):
    """CPU generator that samples a bank of Gaussian noise once and reuses it at random offsets.

    Images of one batch never share noise, and an image hardly ever gets the same noise twice. Sampling every value
    anew makes the training of a small network about a seventh slower.
    """

    pending: list[Tensor]
    buffer: Tensor | None

    @classmethod
    def from_generator(cls, generator: torch.Generator) -> "NoiseBank":
        """Return a bank with the initial seed of `generator`."""
        bank = cls()
        bank.manual_seed(generator.initial_seed())
        bank.pending, bank.buffer = [], None
        return bank

    def randn(self, shape: Sequence[int]) -> Tensor:
        """Return standard normal float32 values of this shape; treat them as read-only, they may be a view."""
        shape = torch.Size(shape)
        count = shape.numel()
        if self.buffer is None or 2 * count > len(self.buffer):
            fresh = torch.randn(shape, generator=self)
            self._fill(fresh)
            return fresh
        start = int(torch.randint(len(self.buffer) - count + 1, (), generator=self))
        return self.buffer[start : start + count].view(shape)

    def _fill(self, fresh: Tensor) -> None:
        """Collect the first samples until the bank is full."""
        if self.buffer is None:
            self.pending.append(fresh.flatten())
            if sum(map(len, self.pending)) >= _BANK_SIZE:
                self.buffer, self.pending = torch.cat(self.pending), []
