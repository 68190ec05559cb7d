"""Muon: orthogonalized updates, step size, weight decay, and the error on an ill-conditioned problem."""

import pytest
import torch
from torch import Tensor

from dae.training import Muon
from dae.training.muon import newton_schulz


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(5, 5), (7, 40), (40, 7), (1, 9), (9, 1)])
@pytest.mark.parametrize("size", [1e-4, 1.0, 1e4])
def test_newton_schulz_brings_singular_values_near_1_and_keeps_singular_vectors(
    shape: tuple[int, int], size: float
) -> None:
    matrix = normal(*shape) * size
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    inner = left.T @ newton_schulz(matrix) @ right.T
    values = inner.diagonal()
    assert values.max() < 1.3 and values.median() > 0.5
    torch.testing.assert_close(inner, torch.diag(values), rtol=0, atol=1e-3)


def test_newton_schulz_of_a_zero_matrix_is_zero() -> None:
    assert not newton_schulz(torch.zeros(3, 4)).any()


def test_parameters_with_missing_or_zero_gradients_are_not_updated() -> None:
    moved, no_gradient, zero = (torch.nn.Parameter(normal(3, 4)) for _ in range(3))
    moved.grad, zero.grad = normal(3, 4, seed=1), torch.zeros(3, 4)
    Muon([moved, no_gradient, zero], lr=0.1).step()
    assert torch.equal(no_gradient, normal(3, 4)) and torch.equal(zero, normal(3, 4))
    assert not torch.equal(moved, no_gradient)


def test_the_size_of_a_step_depends_on_the_learning_rate_and_not_on_the_gradient() -> None:
    for size in (1e-3, 1e3):
        matrix, vector = torch.nn.Parameter(torch.zeros(6, 6)), torch.nn.Parameter(torch.zeros(6))
        matrix.grad, vector.grad = normal(6, 6) * size, normal(6) * size
        Muon([matrix, vector], lr=0.01).step()
        assert 0.005 < torch.linalg.matrix_norm(matrix.detach(), 2) < 0.013
        torch.testing.assert_close(vector.detach().abs(), torch.full((6,), 0.001))


def test_convolution_weights_are_updated_as_matrices_with_a_row_per_output_channel() -> None:
    plain, convolution = torch.nn.Parameter(torch.zeros(4, 18)), torch.nn.Parameter(torch.zeros(4, 2, 3, 3))
    plain.grad = normal(4, 18)
    convolution.grad = plain.grad.view(4, 2, 3, 3)
    Muon([plain, convolution], lr=0.1).step()
    assert torch.equal(plain, convolution.view(4, 18))


def test_weight_decay_pulls_towards_zero() -> None:
    matrix = torch.nn.Parameter(torch.ones(3, 3))
    matrix.grad = torch.zeros(3, 3)
    Muon([matrix], lr=0.1, weight_decay=0.5).step()
    torch.testing.assert_close(matrix.detach(), torch.full((3, 3), 0.95))


def test_muon_has_less_than_half_the_error_of_sgd_on_an_ill_conditioned_problem() -> None:
    """Least squares with features whose scales differ by a factor of up to 100."""
    inputs = normal(200, 8) * torch.logspace(0, -2, 8)
    wanted = inputs @ normal(8, 5, seed=1)

    def left_over(optimizer_of: type[torch.optim.Optimizer], lr: float) -> float:
        weight = torch.nn.Parameter(torch.zeros(8, 5))
        optimizer = optimizer_of([weight], lr=lr)  # type: ignore[call-arg]
        for step in range(200):
            for group in optimizer.param_groups:
                group["lr"] = lr * (1 - step / 200)
            loss = (inputs @ weight - wanted).square().mean()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        return float((weight.detach() - normal(8, 5, seed=1)).square().mean())

    assert left_over(Muon, 0.05) < left_over(torch.optim.SGD, 0.5) / 2
