"""Generators derived from a seed, and the one that gives out numbers again."""

import pytest
import torch
from torch import Tensor

from dae import seeds
from dae.errors import SpecError
from dae.noise import NoiseSpec, corrupt
from dae.seeds import Recycling, generator

SHAPE = torch.Size((4, 1, 6, 5))


@pytest.fixture
def small_bank(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(seeds, "_BANK", 1_000)
    return 1_000


def _drawn(times: int, seed: int = 0, shape: torch.Size = SHAPE) -> list[Tensor]:
    recycling = Recycling.of(generator(seed))
    return [recycling.normal(shape) for _ in range(times)]


def test_streams_of_a_seed_differ_and_come_again() -> None:
    first, again, other = (torch.rand(3, generator=generator(7, stream)) for stream in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    with pytest.raises(SpecError, match="Seed -1 is negative"):
        generator(-1)


def test_what_is_recycled_was_drawn_and_lies_elsewhere(small_bank: int) -> None:
    """120 numbers at a time: nine draws make the bank of 1,080, and all later ones are parts of it."""
    drawn = _drawn(60)
    bank = torch.cat([batch.flatten() for batch in drawn[:9]])
    places = [bank.unfold(0, SHAPE.numel(), 1).eq(batch.flatten()).all(1).nonzero().flatten() for batch in drawn[9:]]
    assert all(len(place) == 1 for place in places) and len({int(place) for place in places}) > 40
    assert len({batch.flatten()[0].item() for batch in drawn[:9]}) == 9


def test_the_seed_decides_and_what_is_drawn_first_is_what_any_generator_draws(small_bank: int) -> None:
    assert all(map(torch.equal, _drawn(30), _drawn(30)))
    assert not any(map(torch.equal, _drawn(30), _drawn(30, seed=1)))
    assert torch.equal(_drawn(1)[0], torch.randn(SHAPE, generator=generator(0)))


def test_a_batch_too_large_for_the_bank_is_always_drawn(small_bank: int) -> None:
    recycling = Recycling.of(generator(0))
    for _ in range(10):
        recycling.normal(SHAPE)
    assert recycling.bank is not None
    large = [recycling.normal(torch.Size((601,))) for _ in range(3)]
    assert len({batch[0].item() for batch in large}) == 3 and not torch.isin(large[0], recycling.bank).all()


@pytest.mark.parametrize("kind", ["gaussian", "speckle", "masking", "gaussian:0-1+masking:0-1"])
def test_noise_from_it_has_the_moments_it_should(kind: str) -> None:
    spec = NoiseSpec.parse(f"{kind}:0.5" if "+" not in kind else kind)
    clean = torch.full((64, 1, 28, 28), 0.5)
    recycling = Recycling.of(generator(0))
    ours = torch.stack([corrupt(clean, spec, recycling) for _ in range(60)])
    usual = generator(1)
    theirs = torch.stack([corrupt(clean, spec, usual) for _ in range(60)])
    assert recycling.bank is not None or "+" in kind or kind == "masking"
    assert float(ours.mean()) == pytest.approx(float(theirs.mean()), abs=0.01)
    assert float(ours.std()) == pytest.approx(float(theirs.std()), abs=0.01)
