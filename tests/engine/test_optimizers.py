"""The optimizers: torch's own steps, without what torch does around them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from core.config import TrainingConfig
from core.engine.optimizers import build_optimizer


def weights() -> list[nn.Parameter]:
    private = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(shape, generator=private)) for shape in ((7, 5), (7,), (3, 7))]


def descend(optimizer: torch.optim.Optimizer, parameters: list[nn.Parameter], steps: int) -> None:
    """Towards zero by known gradients; with Adam, the last weight has one only from the third step on."""
    private = torch.Generator().manual_seed(1)
    for step in range(steps):
        for index, weight in enumerate(parameters):
            late = isinstance(optimizer, torch.optim.Adam) and index == len(parameters) - 1 and step < 2
            weight.grad = None if late else weight.detach() * torch.rand(weight.shape, generator=private)
        optimizer.step()


OWN: list[tuple[dict[str, Any], type[torch.optim.Optimizer], dict[str, Any]]] = [
    ({"optimizer": "adam"}, torch.optim.Adam, {"betas": (0.9, 0.999)}),
    ({"optimizer": "adam", "momentum": 0.5}, torch.optim.Adam, {"betas": (0.5, 0.999)}),
    ({"optimizer": "adamw"}, torch.optim.AdamW, {"betas": (0.9, 0.999)}),
    ({"optimizer": "sgd"}, torch.optim.SGD, {}),
    ({"optimizer": "momentum"}, torch.optim.SGD, {"momentum": 0.9}),
    ({"optimizer": "nesterov"}, torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
]


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize(("asked", "torchs", "how"), OWN)
def test_the_bits_are_those_of_torch(
    asked: dict[str, Any], torchs: type[torch.optim.Optimizer], how: dict[str, Any], decay: float
) -> None:
    config = TrainingConfig(lr=0.05, weight_decay=decay, **asked)
    ours, theirs = weights(), weights()
    optimizer = build_optimizer(config, ours)
    other = torchs(theirs, lr=0.05, weight_decay=decay, fused=True, **how)
    descend(optimizer, ours, 12)
    descend(other, theirs, 12)
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
    assert optimizer.state_dict()["state"].keys() == other.state_dict()["state"].keys()
    for index, state in other.state_dict()["state"].items():
        for name, value in state.items():
            assert value is None or torch.equal(optimizer.state_dict()["state"][index][name], value)


def test_a_changed_learning_rate_counts_from_the_next_step_on() -> None:
    parameters = weights()
    optimizer = build_optimizer(TrainingConfig(optimizer="adam", lr=0.1), parameters)
    descend(optimizer, parameters, 5)
    before = [weight.detach().clone() for weight in parameters]
    optimizer.param_groups[0]["lr"] = 0.0
    descend(optimizer, parameters, 1)
    assert all(torch.equal(a, b) for a, b in zip(before[:2], parameters[:2], strict=True))
