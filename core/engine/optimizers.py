"""From the settings to torch's optimizers, and the learning rate of every step."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from core import models
from core.config import RunConfig, Schedule, TrainingConfig
from core.data.dataset import N_CLASSES
from core.fields import Config
from core.models.counting import on_meta


def build_optimizer(config: TrainingConfig, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """The optimizer of a run. Fused kernels where torch has them: one call a step instead of several a weight tensor."""
    weights = list(parameters)
    lr, decay, momentum = config.lr, config.weight_decay, config.momentum
    fused = all(has_fused_kernels(device) for device in {weight.device.type for weight in weights})
    match config.optimizer:
        case "adam":
            return Adam(weights, lr, betas=(momentum, 0.999), weight_decay=decay, fused=fused)
        case "adamw":
            return AdamW(weights, lr, betas=(momentum, 0.999), weight_decay=decay, fused=fused)
        case "muon":
            return Muon(weights, lr, momentum, decay, fused)
        case "rmsprop":
            return torch.optim.RMSprop(weights, lr, weight_decay=decay, foreach=fused)
        case "sgd":
            return SGD(weights, lr, weight_decay=decay, fused=fused)
        case "momentum" | "nesterov" as rule:
            nesterov = rule == "nesterov" and momentum > 0
            return SGD(weights, lr, momentum, weight_decay=decay, nesterov=nesterov, fused=fused)


@cache
def has_fused_kernels(device: str) -> bool:
    """Whether torch has the kernels that move all weights in one call on a device ("cpu", "cuda", "mps"). Each is called once,
    on one number: nothing announces beforehand which processors have them."""

    def number() -> list[Tensor]:
        return [torch.ones(1, device=device)]

    shared: dict[str, Any] = {"weight_decay": 0.0, "lr": 0.0, "maximize": False}
    betas: dict[str, Any] = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "amsgrad": False}
    try:
        for kernel in (torch._fused_adam_, torch._fused_adamw_):
            kernel(number(), number(), number(), number(), [], number(), **shared, **betas)
        torch._fused_sgd_(
            number(), number(), number(), **shared, momentum=0.9, dampening=0.0, nesterov=True, is_first_step=False
        )
        torch._foreach_add_(number(), 1)
    except (RuntimeError, AttributeError):  # no kernel there, or no such call in this torch
        return False
    return True


# The classes below are torch's own with the same state, kernels and bits. Around each call of a kernel torch checks and
# notes so much that a small network waits longer for that than for the kernel: without it, a whole training step of the MLP
# takes a tenth less time with Adam, a twentieth with SGD (540 instead of 590 µs, 500 instead of 525; 784-128-64-10, 64 images,
# one thread of an AMD EPYC, torch 2.15). A step that has a state to make is left to torch, and so is every step where there
# are no such kernels.


class Adam(torch.optim.Adam):
    """Adam (Kingma and Ba 2015)."""

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update of every weight that has a gradient."""
        (group,) = self.param_groups
        weights = [weight for weight in group["params"] if weight.grad is not None]
        if not group["fused"] or not all(weight in self.state for weight in weights):
            super().step()
            return
        kept = [self.state[weight] for weight in weights]
        steps = [one["step"] for one in kept]
        kernel = torch._fused_adamw_ if group["decoupled_weight_decay"] else torch._fused_adam_
        beta1, beta2 = group["betas"]
        torch._foreach_add_(steps, 1)
        kernel(
            weights, [weight.grad for weight in weights], [one["exp_avg"] for one in kept],
            [one["exp_avg_sq"] for one in kept], [], steps, lr=group["lr"], beta1=beta1, beta2=beta2,
            weight_decay=group["weight_decay"], eps=group["eps"], amsgrad=False, maximize=False,
        )  # fmt: skip

    step.hooked = True  # type: ignore[attr-defined] # torch would wrap it, to note each call for a profiler


class AdamW(Adam):
    """The same with a decay that is kept out of the moments (Loshchilov and Hutter 2019)."""

    def __init__(self, weights: list[nn.Parameter], lr: float, **how: Any) -> None:
        super().__init__(weights, lr, decoupled_weight_decay=True, **how)


class SGD(torch.optim.SGD):
    """Gradient descent, with momentum (Polyak 1964) or Nesterov's (1983) if asked for."""

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update of every weight that has a gradient."""
        (group,) = self.param_groups
        weights = [weight for weight in group["params"] if weight.grad is not None]
        momentum = group["momentum"]
        is_first = momentum and not all("momentum_buffer" in self.state[weight] for weight in weights)
        if not group["fused"] or is_first:
            super().step()
            return
        past = [self.state[weight]["momentum_buffer"] for weight in weights] if momentum else []
        torch._fused_sgd_(
            weights, [weight.grad for weight in weights], past, weight_decay=group["weight_decay"], momentum=momentum,
            lr=group["lr"], dampening=0.0, nesterov=group["nesterov"], maximize=False, is_first_step=False,
        )  # fmt: skip

    step.hooked = True  # type: ignore[attr-defined]


class Muon(AdamW):
    """Momentum whose matrix is made orthogonal before it is applied (Jordan et al. 2024), with the step length of Liu et
    al. 2025, so that one learning rate serves all; AdamW for vectors and for matrices with few rows, such as the head.

    torch's own takes matrices only; here a convolution counts as a matrix of its detectors: (C_out, C_in * kH * kW).
    ``muon_matrices`` tells which they are: a small network may have none. Jordan et al. take a momentum of 0.95; the setting,
    0.9 at default, is for the matrices alone. They leave embeddings to AdamW; here the position table of a Vision Transformer
    is a matrix like any other, and its queries, keys and values are one.
    """

    BETAS = (0.9, 0.99)  # of AdamW, for the weights that are left to it

    def __init__(
        self, weights: list[nn.Parameter], lr: float, momentum: float, weight_decay: float, fused: bool
    ) -> None:
        super().__init__(weights, lr, betas=self.BETAS, weight_decay=weight_decay, fused=fused)
        self._momentum = momentum
        self._matrices = [weight for weight in weights if _moves_with_muon(weight)]

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


def _moves_with_muon(weight: Tensor) -> bool:
    return weight.ndim > 1 and min(weight.flatten(1).shape) > N_CLASSES


@lru_cache(maxsize=256)
def muon_matrices(architecture: str, model: Config) -> Mapping[str, int]:
    """Which weights of a network Muon moves itself: name -> how many numbers it holds. AdamW moves all others."""
    weights = on_meta(models.get(architecture).build, model).named_parameters()
    return MappingProxyType(
        {name: weight.numel() for name, weight in weights if weight.requires_grad and _moves_with_muon(weight)}
    )


def muon_sentence(config: RunConfig) -> str:
    """What Muon moves in a network, and what is left to AdamW; "" with any other optimizer."""
    if config.training.optimizer != "muon":
        return ""
    title = models.title(config.architecture)
    matrices = muon_matrices(config.architecture, config.model)
    if not matrices:
        beta1, beta2 = Muon.BETAS
        return (
            f"Muon moves no weight of {title}: each is a vector, or a matrix with {N_CLASSES} rows or columns at most. AdamW "
            f"moves them all, with betas {beta1:g} and {beta2:g}, and the momentum of Muon does nothing."
        )
    n_params = models.get(config.architecture).n_params(config.model)
    which = "1 matrix" if len(matrices) == 1 else f"{len(matrices)} matrices"
    return f"Muon moves {which} of {title} ({sum(matrices.values()):,} of {n_params:,} weights), AdamW the others."


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

    One-cycle: Smith and Topin 2018, with a linear rise over the first quarter and a cosine fall to 0; their second cycle, of
    the momentum, is left out.
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
