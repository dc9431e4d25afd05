"""From the settings to torch's optimisers, and the learning rate of every step."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from core.config import Schedule, TrainingConfig
from core.data.dataset import N_CLASSES


def build_optimiser(config: TrainingConfig, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """The optimiser of a run. Fused kernels where torch has them: one call a step instead of several a weight tensor."""
    weights = list(parameters)
    lr, decay, momentum = config.lr, config.weight_decay, config.momentum
    match config.optimiser:
        case "adam":
            return torch.optim.Adam(weights, lr, betas=(momentum, 0.999), weight_decay=decay, fused=True)
        case "adamw":
            return torch.optim.AdamW(weights, lr, betas=(momentum, 0.999), weight_decay=decay, fused=True)
        case "muon":
            return Muon(weights, lr, momentum, decay)
        case "rmsprop":
            return torch.optim.RMSprop(weights, lr, weight_decay=decay, foreach=True)
        case "sgd":
            return torch.optim.SGD(weights, lr, weight_decay=decay, fused=True)
        case "momentum" | "nesterov" as rule:
            nesterov = rule == "nesterov" and momentum > 0
            return torch.optim.SGD(weights, lr, momentum, weight_decay=decay, nesterov=nesterov, fused=True)


class Muon(torch.optim.AdamW):
    """Momentum whose matrix is made orthogonal before it is applied (Jordan et al. 2024), with the step length of Liu et
    al. 2025, so that one learning rate serves all; AdamW for vectors and for matrices with few rows, such as the head.

    torch's own takes matrices only; here a convolution counts as a matrix of its detectors: (C_out, C_in * kH * kW).
    """

    def __init__(self, weights: list[nn.Parameter], lr: float, momentum: float, weight_decay: float) -> None:
        super().__init__(weights, lr, betas=(0.9, 0.99), weight_decay=weight_decay, fused=True)
        self._momentum = momentum
        self._matrices = [weight for weight in weights if weight.ndim > 1 and min(weight.flatten(1).shape) > N_CLASSES]

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        gradients = [weight.grad for weight in self._matrices]
        for weight in self._matrices:
            weight.grad = None
        super().step()  # everything that still has a gradient
        group = self.param_groups[0]
        lr, decay = group["lr"], group["weight_decay"]
        for weight, gradient in zip(self._matrices, gradients, strict=True):
            weight.grad = gradient
            if gradient is None:
                continue
            if weight not in self.state:
                # AdamW asks every weight for a step count when a checkpoint is loaded.
                self.state[weight] = {"step": torch.zeros(()), "momentum_buffer": torch.zeros_like(weight)}
            past = self.state[weight]["momentum_buffer"].mul_(self._momentum).add_(gradient)
            direction = _orthogonal(gradient.add(past, alpha=self._momentum).flatten(1))
            weight.mul_(1 - lr * decay)
            weight.sub_(direction.view_as(weight), alpha=lr * 0.2 * math.sqrt(max(direction.shape)))


def _orthogonal(matrix: Tensor) -> Tensor:
    """Nearly the nearest matrix (m, n) with orthogonal rows or columns: five Newton-Schulz steps with Jordan's numbers."""
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        square = x @ x.T
        x = torch.addmm(x, torch.addmm(square, square, square, beta=-4.7750, alpha=2.0315), x, beta=3.4445)
    return x.T if tall else x


def schedule_factor(schedule: Schedule, done: float) -> float:
    """What the learning rate is multiplied with after ``done`` (a share in [0, 1]) of the planned steps.

    One-cycle: Smith and Topin 2018, with a linear rise over the first quarter and a cosine fall to 0.
    """
    match schedule:
        case "constant":
            return 1.0
        case "step":
            return 1.0 if done < 0.5 else 0.1 if done < 0.75 else 0.01
        case "cosine":
            return 0.5 * (1 + math.cos(math.pi * done))
        case "one-cycle":
            return 0.1 + 0.9 * done / 0.25 if done < 0.25 else 0.5 * (1 + math.cos(math.pi * (done - 0.25) / 0.75))
        case "warm-up":
            return min(1.0, 0.1 + 0.9 * done / 0.1)
