"""Tiled denoising equals denoising of the whole image; self-ensemble commutes with flips and rotations."""

import pytest
import torch
from torch import Tensor

from dae.errors import SpecError
from dae.models import MODELS, build_model, denoise, denoise_tiled, self_ensemble
from dae.models.inference import MARGIN, VIEWS
from dae.utils.random import make_generator

ANY_SIZE = [name for name, info in MODELS.items() if info.any_size]
NOISY = torch.rand(2, 3, 6, 9, generator=make_generator(0))


@pytest.mark.parametrize("name", ANY_SIZE)
@pytest.mark.parametrize("size", [(1, 1), (24, 210), (210, 24), (50, 70), (64, 64)])
def test_tiled_result_equals_the_result_for_the_whole_image(name: str, size: tuple[int, int]) -> None:
    model = build_model(name, (3, 32, 32), make_generator(0))
    noisy = torch.rand(2 if max(size) < 100 else 1, 3, *size, generator=make_generator(1))
    # Small enough for several tiles. In the long images, the margins of a tile end before both ends of the image.
    torch.testing.assert_close(denoise_tiled(model, noisy, tile=32), denoise(model, noisy), rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", ANY_SIZE)
def test_tiles_without_margin_differ_from_the_whole_image(name: str) -> None:
    # In double precision, since distant pixels have little influence in untrained models.
    model = build_model(name, (1, 28, 28), make_generator(0)).double()
    noisy = torch.rand(1, 1, 64, 32, generator=make_generator(1), dtype=torch.float64)
    assert (denoise_tiled(model, noisy, tile=32, margin=0) - denoise(model, noisy)).abs().max() > 1e-9
    assert (denoise_tiled(model, noisy, tile=32) - denoise(model, noisy)).abs().max() < 1e-12


@pytest.mark.parametrize("name", ANY_SIZE)
def test_margin_covers_the_receptive_field(name: str) -> None:
    model = build_model(name, (1, 28, 28), make_generator(0)).double().eval()
    # Narrow, as models treat rows and columns alike.
    noisy = torch.rand(1, 1, 160, 32, generator=make_generator(1)).double().requires_grad_()
    context = {key: value.detach() for key, value in model.global_context(noisy).items()}
    denoised = model(noisy, **context)
    # The receptive field depends on the position within a cell of the coarsest scale.
    for row in range(76, 84) if "unet" in name else [80]:
        (gradient,) = torch.autograd.grad(denoised[0, 0, row, 16], noisy, retain_graph=True)
        rows = gradient[0, 0].nonzero()[:, 0]
        assert row - rows.min() <= MARGIN and rows.max() - row <= MARGIN


def average_with_left_neighbor(noisy: Tensor) -> Tensor:
    """Denoise in a way that does not commute with flips."""
    return (noisy + noisy.roll(1, 3)) / 2


def test_self_ensemble_leaves_pixelwise_denoisers_unchanged() -> None:
    torch.testing.assert_close(self_ensemble(lambda noisy: noisy**2, NOISY), NOISY**2)


def test_self_ensemble_denoises_eight_different_views() -> None:
    seen: list[Tensor] = []
    self_ensemble(lambda noisy: seen.append(noisy) or noisy, NOISY)
    assert len(seen) == VIEWS and [tuple(view.shape[2:]) for view in seen].count((9, 6)) == 4
    assert len({tuple(view.flatten().tolist()) for view in seen}) == VIEWS


@pytest.mark.parametrize("flipped_dims", [[], [3]])
@pytest.mark.parametrize("turns", range(4))
def test_self_ensemble_commutes_with_flips_and_rotations(turns: int, flipped_dims: list[int]) -> None:
    moved = NOISY.rot90(turns, (2, 3)).flip(flipped_dims)
    expected = self_ensemble(average_with_left_neighbor, NOISY).rot90(turns, (2, 3)).flip(flipped_dims)
    torch.testing.assert_close(self_ensemble(average_with_left_neighbor, moved), expected)
    assert not torch.allclose(average_with_left_neighbor(NOISY), self_ensemble(average_with_left_neighbor, NOISY))


def test_self_ensemble_has_a_lower_error_than_a_single_view() -> None:
    clean = torch.rand(1, 1, 8, 8, generator=make_generator(1))

    def mse(denoised: Tensor) -> float:
        return float((denoised - clean).square().mean())

    assert mse(self_ensemble(average_with_left_neighbor, clean)) < mse(average_with_left_neighbor(clean))


def test_images_in_double_precision_are_denoised_and_integers_refused() -> None:
    model = build_model("conv-7x7", (1, 28, 28), make_generator(0))
    images = torch.rand(2, 1, 28, 28, generator=make_generator(1))
    denoised = denoise(model, images.double())
    assert denoised.dtype == torch.float64
    torch.testing.assert_close(denoised.float(), denoise(model, images), rtol=0, atol=1e-6)
    with pytest.raises(SpecError, match="must be floats"):
        denoise(model, (images * 255).byte())
