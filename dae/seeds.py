"""Generators derived from a seed, so that nothing touches PyTorch's global one."""

import numpy as np
import torch


def generator(seed: int, *stream: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator of its own for each `stream` of numbers under one seed, for example (epoch, purpose)."""
    state = np.random.SeedSequence((seed, *stream)).generate_state(1, np.uint64)[0]
    return torch.Generator(device).manual_seed(int(state) >> 1)  # manual_seed takes 63 bits on every device
