"""Tiles: as if the picture had been denoised whole, whatever its size."""

import pytest
import torch

from dae.models import MODELS, build_model
from dae.seeds import generator
from dae.tiling import MARGIN, denoise_tiled
from dae.training import denoise

ANY_SIZE = [name for name, entry in MODELS.items() if entry.any_size]


@pytest.mark.parametrize("model", ANY_SIZE)
@pytest.mark.parametrize("size", [(1, 1), (40, 300), (150, 97), (64, 64), (300, 290)])
def test_tiles_give_what_the_whole_picture_gives(model: str, size: tuple[int, int]) -> None:
    built = build_model(model, (3, 32, 32), generator(0))
    noisy = torch.rand(1 if min(size) > 100 else 2, 3, *size, generator=generator(1))
    tile = 96 if min(size) > 200 else 32  # there are tiles between others even so
    torch.testing.assert_close(denoise_tiled(built, noisy, tile=tile), denoise(built, noisy), rtol=0, atol=1e-4)


@pytest.mark.parametrize("model", ANY_SIZE)
def test_the_margin_is_what_makes_them_equal(model: str) -> None:
    built = build_model(model, (1, 28, 28), generator(0)).double()  # an untrained network hardly looks far
    noisy = torch.rand(1, 1, 64, 64, generator=generator(1), dtype=torch.float64)
    assert (denoise_tiled(built, noisy, tile=32, margin=0) - denoise(built, noisy)).abs().max() > 1e-9
    assert (denoise_tiled(built, noisy, tile=32) - denoise(built, noisy)).abs().max() < 1e-12


def test_a_model_sees_no_farther_than_the_margin() -> None:
    for name in ANY_SIZE:
        built = build_model(name, (1, 28, 28), generator(0)).double().eval()
        noisy = torch.rand(1, 1, 160, 160, generator=generator(1)).double().requires_grad_()
        denoised = built(noisy, **{name: known.detach() for name, known in built.context(noisy).items()})
        for row in range(76, 84) if "unet" in name else [80]:  # every place within the coarsest scale's grid
            (gradient,) = torch.autograd.grad(denoised[0, 0, row, row], noisy, retain_graph=True)
            rows = gradient[0, 0].nonzero()[:, 0]
            assert row - rows.min() <= MARGIN and rows.max() - row <= MARGIN
