"""Self-ensemble: a mean over eight views, whatever the picture's sides, that turns with the picture."""

import pytest
import torch
from torch import Tensor

from dae.ensemble import VIEWS, self_ensemble

NOISY = torch.rand(2, 3, 6, 9, generator=torch.Generator().manual_seed(0))


def smeared(noisy: Tensor) -> Tensor:
    """A denoiser that prefers a side: each pixel takes half of its left neighbour."""
    return (noisy + noisy.roll(1, 3)) / 2


def test_what_treats_all_views_alike_is_left_as_it_is() -> None:
    torch.testing.assert_close(self_ensemble(lambda noisy: noisy**2, NOISY), NOISY**2)


def test_it_asks_for_the_eight_different_views() -> None:
    seen: list[Tensor] = []
    self_ensemble(lambda noisy: seen.append(noisy) or noisy, NOISY)
    assert len(seen) == VIEWS and [tuple(view.shape[2:]) for view in seen].count((9, 6)) == 4
    assert len({tuple(view.flatten().tolist()) for view in seen}) == VIEWS


@pytest.mark.parametrize("mirror", [[], [3]])
@pytest.mark.parametrize("turns", range(4))
def test_it_turns_with_the_picture_and_mirrors_with_it(turns: int, mirror: list[int]) -> None:
    moved = NOISY.rot90(turns, (2, 3)).flip(mirror)
    expected = self_ensemble(smeared, NOISY).rot90(turns, (2, 3)).flip(mirror)
    torch.testing.assert_close(self_ensemble(smeared, moved), expected)
    assert not torch.allclose(smeared(NOISY), self_ensemble(smeared, NOISY))


def test_a_mean_over_views_is_no_worse_than_the_views() -> None:
    clean = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(1))

    def error(denoised: Tensor) -> float:
        return float((denoised - clean).square().mean())

    assert error(self_ensemble(smeared, clean)) < error(smeared(clean))
