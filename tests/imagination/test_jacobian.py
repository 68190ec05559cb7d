"""The Jacobian: rows and diagonal against the full matrix, and the predicted error against the true one."""

import pytest
import torch

from dae.errors import SpecError
from dae.imagination import jacobian_diagonal, jacobian_row
from dae.utils.random import make_generator
from tests.helpers import untrained_checkpoint
from tests.imagination.toy_priors import mixture


def full_jacobian(model: torch.nn.Module, image: torch.Tensor) -> torch.Tensor:
    """Return the Jacobian of one image (C, H, W), (C * H * W, C * H * W)."""
    jacobian: torch.Tensor = torch.autograd.functional.jacobian(lambda pixels: model(pixels[None]).flatten(), image)
    return jacobian.flatten(1)


def test_rows_and_diagonal_equal_those_of_the_full_matrix() -> None:
    model = untrained_checkpoint("unet", (1, 12, 12)).model
    noisy = torch.rand(2, 1, 12, 12, generator=make_generator(0))
    expected = torch.stack([full_jacobian(model, image) for image in noisy])
    row = jacobian_row(model, noisy, 3, 8)
    torch.testing.assert_close(row.flatten(1), expected[:, 3 * 12 + 8])
    # With a stride of the image, nothing disturbs an entry.
    *_, exact = jacobian_diagonal(model, noisy, make_generator(1), stride=12)
    diagonal = expected.diagonal(dim1=1, dim2=2)
    torch.testing.assert_close(exact.flatten(1), diagonal)
    estimates = list(jacobian_diagonal(model, noisy, make_generator(1), stride=4))
    assert len(estimates) == 16
    assert (estimates[-1].flatten(1) - diagonal).abs().mean() < 0.2 * diagonal.abs().mean()


def test_the_diagonal_predicts_the_squared_error() -> None:
    generator, level = make_generator(2), 0.6
    images = torch.rand(2, 1, 5, 5, generator=generator)
    prior = mixture(images, torch.tensor([0.5, 0.5]))
    clean = images[torch.randint(0, 2, (4_000,), generator=generator)]
    noisy = clean + level * torch.randn(clean.shape, generator=generator)
    *_, diagonal = jacobian_diagonal(lambda pixels: prior(pixels, level), noisy, generator)
    predicted, actual = level**2 * diagonal, (prior(noisy, level) - clean).square()
    torch.testing.assert_close(predicted.mean(0), actual.mean(0), rtol=0.15, atol=0.002)
    # Images predicted to be hard are hard.
    is_hard = predicted.mean((1, 2, 3)) > predicted.mean()
    assert actual[is_hard].mean() > 2 * actual[~is_hard].mean()


def test_a_pixel_outside_the_image_is_refused() -> None:
    model = untrained_checkpoint("linear-32").model
    with pytest.raises(SpecError, match=r"Pixel \(28, 0\) is outside an image of 28 x 28"):
        jacobian_row(model, torch.zeros(1, 1, 28, 28), 28, 0)
