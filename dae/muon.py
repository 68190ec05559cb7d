"""Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon): momentum whose matrices are orthogonalised."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

_MOMENTUM = 0.95
_VECTOR_RATE = 0.1  # of the learning rate, for what Adam updates
_QUINTIC = (3.4445, -4.7750, 2.0315)  # the author's, which brings singular values near 1 in five rounds
_ROUNDS = 5


class Muon(torch.optim.Optimizer):
    """Matrices take steps of the same length in all directions; biases and other vectors take those of AdamW.

    The weights of a convolution count as a matrix with a row for each of its first dimension. PyTorch's own Muon takes
    matrices alone, and computes with them in bfloat16.

    Args:
        lr: of the matrices; about 0.02 suits most. Vectors take a tenth of it.
        betas: how long the vectors' moments remember.
        weight_decay: decoupled, as AdamW's.
        fused: taken as the other optimisers take it, and of no use here.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
        fused: bool = False,
    ) -> None:
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                if parameter.ndim > 1:
                    update = self._direction(parameter)
                    parameter.add_(update, alpha=-group["lr"])
                else:
                    update = self._adam(parameter, *group["betas"])
                    parameter.add_(update, alpha=-group["lr"] * _VECTOR_RATE)

    def _direction(self, matrix: Tensor) -> Tensor:
        """Nesterov's momentum, orthogonalised; tall matrices go farther, so that outputs change alike."""
        gradient = _own(matrix)
        momentum = self._moment(matrix, "momentum_buffer").lerp_(gradient, 1 - _MOMENTUM)
        rows = gradient.lerp(momentum, _MOMENTUM).flatten(1)
        scale = max(1.0, rows.shape[0] / rows.shape[1]) ** 0.5
        update: Tensor = orthogonalised(rows).view_as(matrix) * scale
        return update

    def _adam(self, vector: Tensor, beta1: float, beta2: float) -> Tensor:
        gradient = _own(vector)
        first = self._moment(vector, "exp_avg").lerp_(gradient, 1 - beta1)
        second = self._moment(vector, "exp_avg_sq").lerp_(gradient.square(), 1 - beta2)
        step = self.state[vector].setdefault("step", torch.zeros((), device=vector.device))
        step += 1
        update: Tensor = first / (1 - beta1**step) / (second / (1 - beta2**step)).sqrt_().add_(1e-8)
        return update

    def _moment(self, parameter: Tensor, name: str) -> Tensor:
        state: dict[str, Any] = self.state[parameter]
        if name not in state:
            state[name] = torch.zeros_like(parameter)
        moment: Tensor = state[name]
        return moment


def _own(parameter: Tensor) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad


def orthogonalised(matrix: Tensor) -> Tensor:
    """The matrix (M, N) with its singular values near 1 and its singular vectors as they are (Newton and Schulz)."""
    a, b, c = _QUINTIC
    tall = matrix.shape[0] > matrix.shape[1]
    x: Tensor = matrix.T if tall else matrix
    x = x / x.norm().clamp(min=1e-12)
    for _ in range(_ROUNDS):
        square = x @ x.T
        x = torch.addmm(x, torch.addmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x
