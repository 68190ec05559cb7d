"""Generators derived from a seed, so that nothing touches PyTorch's global one."""

import numpy as np
import torch

from dae.errors import SpecError


def generator(seed: int, *stream: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator of its own for each `stream` of numbers under one seed, for example (epoch, purpose).

    Raises:
        SpecError: the seed is negative.
    """
    if seed < 0:
        raise SpecError(f"Seed {seed} is negative; use 0 or more.")
    state = np.random.SeedSequence((seed, *stream)).generate_state(1, np.uint64)[0]
    return torch.Generator(device).manual_seed(int(state) >> 1)  # manual_seed takes 63 bits on every device
