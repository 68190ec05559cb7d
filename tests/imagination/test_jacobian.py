"""The Jacobian: rows and diagonal against the full matrix."""

import pytest
import torch

from dae.errors import SpecError
from dae.imagination import jacobian_diagonal, jacobian_row
from dae.utils.random import make_generator
from tests.helpers import untrained_checkpoint


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


def test_a_pixel_outside_the_image_is_refused() -> None:
    model = untrained_checkpoint("linear-32").model
    with pytest.raises(SpecError, match=r"Pixel \(28, 0\) is outside an image of 28 x 28"):
        jacobian_row(model, torch.zeros(1, 1, 28, 28), 28, 0)
