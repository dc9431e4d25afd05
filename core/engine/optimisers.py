"""From the settings to torch's optimisers, and the learning rate of every step."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn

from core.config import Schedule, TrainingConfig


def build_optimiser(config: TrainingConfig, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """The optimiser of a run. Fused kernels where torch has them: one call a step instead of several a weight tensor."""
    weights = list(parameters)
    lr, decay, momentum = config.lr, config.weight_decay, config.momentum
    match config.optimiser:
        case "adam":
            return torch.optim.Adam(weights, lr, betas=(momentum, 0.999), weight_decay=decay, fused=True)
        case "adamw":
            return torch.optim.AdamW(weights, lr, betas=(momentum, 0.999), weight_decay=decay, fused=True)
        case "rmsprop":
            return torch.optim.RMSprop(weights, lr, weight_decay=decay, foreach=True)
        case "sgd":
            return torch.optim.SGD(weights, lr, weight_decay=decay, fused=True)
        case "momentum" | "nesterov" as rule:
            nesterov = rule == "nesterov" and momentum > 0
            return torch.optim.SGD(weights, lr, momentum, weight_decay=decay, nesterov=nesterov, fused=True)


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
