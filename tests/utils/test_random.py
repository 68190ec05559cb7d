"""Seeded generators, and the noise bank that reuses samples."""

import pytest
import torch
from torch import Tensor

from dae.errors import SpecError
from dae.noise import NoiseSpec, corrupt
from dae.utils import random
from dae.utils.random import NoiseBank, make_generator

SHAPE = torch.Size((4, 1, 6, 5))


@pytest.fixture
def small_bank(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(random, "_BANK_SIZE", 1_000)
    return 1_000


def sample(times: int, seed: int = 0, shape: torch.Size = SHAPE) -> list[Tensor]:
    bank = NoiseBank.from_generator(make_generator(seed))
    return [bank.randn(shape) for _ in range(times)]


def test_streams_of_a_seed_are_reproducible_and_distinct() -> None:
    first, again, other = (torch.rand(3, generator=make_generator(7, stream)) for stream in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    with pytest.raises(SpecError, match="Seed -1 is negative"):
        make_generator(-1)


def test_reused_samples_are_slices_of_the_bank_at_random_offsets(small_bank: int) -> None:
    """Nine batches of 120 samples fill the bank with 1,080; later batches are slices of it."""
    batches = sample(60)
    buffer = torch.cat([batch.flatten() for batch in batches[:9]])
    windows = buffer.unfold(0, SHAPE.numel(), 1)
    offsets = [windows.eq(batch.flatten()).all(1).nonzero().flatten() for batch in batches[9:]]
    assert all(len(offset) == 1 for offset in offsets) and len({int(offset) for offset in offsets}) > 40
    assert len({batch.flatten()[0].item() for batch in batches[:9]}) == 9


def test_bank_is_deterministic_and_starts_like_any_generator(small_bank: int) -> None:
    assert all(map(torch.equal, sample(30), sample(30)))
    assert not any(map(torch.equal, sample(30), sample(30, seed=1)))
    assert torch.equal(sample(1)[0], torch.randn(SHAPE, generator=make_generator(0)))


def test_batches_larger_than_half_the_bank_are_always_sampled(small_bank: int) -> None:
    bank = NoiseBank.from_generator(make_generator(0))
    for _ in range(10):
        bank.randn(SHAPE)
    assert bank.buffer is not None
    large = [bank.randn(torch.Size((601,))) for _ in range(3)]
    assert len({batch[0].item() for batch in large}) == 3 and not torch.isin(large[0], bank.buffer).all()


@pytest.mark.parametrize("kind", ["gaussian", "speckle", "masking", "gaussian:0-1+masking:0-1"])
def test_noise_from_the_bank_has_the_same_moments(kind: str) -> None:
    spec = NoiseSpec.parse(f"{kind}:0.5" if "+" not in kind else kind)
    clean = torch.full((64, 1, 28, 28), 0.5)
    bank = NoiseBank.from_generator(make_generator(0))
    reused = torch.stack([corrupt(clean, spec, bank) for _ in range(60)])
    generator = make_generator(1)
    sampled = torch.stack([corrupt(clean, spec, generator) for _ in range(60)])
    assert bank.buffer is not None or "+" in kind or kind == "masking"
    assert float(reused.mean()) == pytest.approx(float(sampled.mean()), abs=0.01)
    assert float(reused.std()) == pytest.approx(float(sampled.std()), abs=0.01)
