"""Muon: SGD momentum whose matrix updates are orthogonalized (Jordan et al. 2024).

Source: https://kellerjordan.github.io/posts/muon
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from dae.utils.threads import parallel_map

_MOMENTUM = 0.95
# Vectors take Adam steps at this fraction of the learning rate.
_ADAM_LR_SCALE = 0.1
# The author's coefficients bring all singular values near 1 in five steps.
_NS_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_NS_STEPS = 5


class Muon(torch.optim.Optimizer):
    """Update matrices by orthogonalized momentum, and biases and other vectors by AdamW.

    The weight of a convolution counts as a matrix with one row per entry of its first dimension. PyTorch's own Muon
    accepts matrices only and computes in bfloat16.

    Args:
        lr: learning rate of the matrices, typically 0.02; vectors use a tenth of it.
        betas: Adam's decay rates, for vectors.
        weight_decay: decoupled weight decay, as in AdamW.
        fused: accepted for compatibility with the other optimizers and ignored.
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
        """Update every parameter that has a gradient; on the CPU, several parameters at a time."""
        updates = [(parameter, group) for group in self.param_groups for parameter in group["params"]]
        updates = [update for update in updates if update[0].grad is not None]
        if all(parameter.device.type == "cpu" for parameter, _ in updates):
            parallel_map(self._update, updates)
        else:
            for update in updates:
                self._update(update)

    @torch.no_grad()
    def _update(self, item: tuple[Tensor, dict[str, Any]]) -> None:
        parameter, group = item
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        if parameter.ndim > 1:
            parameter.add_(self._orthogonalized_momentum(parameter), alpha=-group["lr"])
        else:
            parameter.add_(self._adam(parameter, *group["betas"]), alpha=-group["lr"] * _ADAM_LR_SCALE)

    def _orthogonalized_momentum(self, matrix: Tensor) -> Tensor:
        """Return Nesterov momentum with its singular values near 1; tall matrices are scaled up (see the source)."""
        gradient = _grad(matrix)
        momentum = self._moment(matrix, "momentum_buffer").lerp_(gradient, 1 - _MOMENTUM)
        rows = gradient.lerp(momentum, _MOMENTUM).flatten(1)
        scale = max(1.0, rows.shape[0] / rows.shape[1]) ** 0.5
        update: Tensor = newton_schulz(rows).view_as(matrix) * scale
        return update

    def _adam(self, vector: Tensor, beta1: float, beta2: float) -> Tensor:
        gradient = _grad(vector)
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


def _grad(parameter: Tensor) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad


def newton_schulz(matrix: Tensor) -> Tensor:
    """Return the matrix (M, N) with the same singular vectors and all singular values near 1."""
    a, b, c = _NS_COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x: Tensor = matrix.T if tall else matrix
    x = x / x.norm().clamp(min=1e-12)
    for _ in range(_NS_STEPS):
        square = x @ x.T
        x = torch.addmm(x, torch.addmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x
