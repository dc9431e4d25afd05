"""Small networks of every architecture with weights that nobody trained, an image for them, and what must stay as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core import models
from core.config import run_config
from core.inspect.copies import redrawn
from core.machine.precision import with_private_init
from core.models.pixels import pixels

NAMES = list(models.TABLE)
MEAN, STD = 0.13, 0.31
TINY: dict[str, dict[str, Any]] = {
    "vit": {"patch": 7}, "tcn": {"blocks": 2}, "gru": {"layers": 2}, "lstm": {"bidirectional": True},
    "resnet": {"stem_stride": 2},
}  # fmt: skip


@cache
def network(name: str) -> nn.Module:
    """Statistics of norms are not those of a fresh network, so that nothing passes through them unchanged."""
    values = {key: value for key, value in models.get(name).tiny.items() if key != "lr"}
    module = with_private_init(name, run_config(name, {**values, **TINY.get(name, {})}).model).eval()
    weights = module.state_dict()
    plain = {key: tensor for key, tensor in redrawn(module, seed=1).state_dict().items() if "bias" not in key}
    mixed = {key: weights[key] * 0.3 if key not in plain else plain[key] + 0.2 * ("var" in key) for key in weights}
    module.load_state_dict(mixed)
    return module


def digit(number: int = 0) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A stroke and noise, different for each number."""
    rng = np.random.default_rng(number)
    image = rng.integers(0, 40, (28, 28), dtype=np.uint8)
    image[4:24, 8 + number % 12 : 11 + number % 12] = 230
    return image


def taken(image: np.ndarray[Any, Any]) -> Tensor:
    return pixels(torch.from_numpy(image[None].copy()), MEAN, STD)


@contextmanager
def nothing_changed(module: nn.Module) -> Iterator[None]:
    """Neither weights, gradients, hooks, mode nor torch's global random numbers."""
    weights = {key: tensor.clone() for key, tensor in module.state_dict().items()}
    random_state, mode = torch.random.get_rng_state(), module.training
    yield
    assert torch.equal(torch.random.get_rng_state(), random_state)
    assert module.training == mode
    after = module.state_dict()
    assert all(torch.equal(after[key], tensor) for key, tensor in weights.items())
    assert all(weight.grad is None for weight in module.parameters())
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())


every_architecture = pytest.mark.parametrize("name", NAMES)
