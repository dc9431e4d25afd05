"""Pooling before the activation gives the same numbers as after it, and the same gradients."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import nn

from core.models.layers import Activation, activation, pooled


@pytest.mark.parametrize("name", get_args(Activation))
def test_answers_and_gradients_are_those_of_the_usual_order(name: Activation) -> None:
    torch.manual_seed(0)
    results: list[tuple[torch.Tensor, torch.Tensor]] = []
    image, convolve = torch.randn(8, 1, 28, 28), nn.Conv2d(1, 6, 3, padding="same")
    usual = [convolve, activation(name), nn.MaxPool2d(2)]
    for layers in (usual, pooled(usual[:2], name, usual[2])):
        convolve.zero_grad()
        out = nn.Sequential(*layers)(image)
        out.square().sum().backward()
        assert convolve.weight.grad is not None
        results.append((out.detach(), convolve.weight.grad.clone()))
    for before, after in zip(*results, strict=True):
        torch.testing.assert_close(before, after)


def test_only_a_bend_that_never_falls_changes_its_place() -> None:
    assert pooled(["convolution", "activation"], "tanh", "pool") == ["convolution", "pool", "activation"]
    for name in ("gelu", "silu"):
        assert pooled(["convolution", "activation"], name, "pool") == ["convolution", "activation", "pool"]
