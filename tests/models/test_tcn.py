"""The temporal convolutional network looks back as far as its file says, and never ahead."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from core import models
from core.config import run_config
from core.models.counting import count_activations
from core.models.tcn import Tcn


def build(**values: Any) -> Tcn:
    torch.manual_seed(0)
    return Tcn(run_config("tcn", {"width": 8, **values}).model).double().eval()


def test_no_step_looks_ahead() -> None:
    blocks = build().blocks
    steps = torch.randn(1, 28, 28, dtype=torch.float64)
    changed = steps.clone()
    changed[:, :, 10:] += 1
    with torch.no_grad():
        before, after = blocks(steps), blocks(changed)
    assert torch.equal(before[:, :, :10], after[:, :, :10])
    assert (before[:, :, 10:] != after[:, :, 10:]).any(1).all()


@pytest.mark.parametrize(("blocks", "kernel"), [(3, 3), (2, 3), (1, 3), (2, 2), (1, 7)])
@pytest.mark.parametrize("direction", ["rows", "columns"])
def test_the_answer_hears_of_as_many_rows_or_columns_as_the_formula_says(
    blocks: int, kernel: int, direction: str
) -> None:
    image = torch.randn(1, 1, 28, 28, dtype=torch.float64, requires_grad=True)
    build(blocks=blocks, kernel=kernel, direction=direction)(image).square().sum().backward()
    assert image.grad is not None
    heard = image.grad[0, 0].abs().sum(1 if direction == "rows" else 0) > 0
    seen = min(1 + 2 * (kernel - 1) * (2**blocks - 1), 28)
    assert heard.tolist() == [False] * (28 - seen) + [True] * seen


def test_its_memory_counts_what_layers_hand_on_and_not_what_weight_norm_computes() -> None:
    layers_of_a_block = 2 * 3 + 2  # twice convolution, ReLU and dropout; shortcut; ReLU
    tcn, config = models.get("tcn"), run_config("tcn", {}).model
    assert count_activations(tcn.build, config) == tcn.activations(config) == 3 * layers_of_a_block * 64 * 28 + 10
