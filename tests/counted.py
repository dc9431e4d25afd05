"""What torch itself counts of a network: the oracle of every other count."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from core import models
from core.config import RunConfig


def built_on_meta(config: RunConfig) -> nn.Module:
    with torch.device("meta"):
        return models.get(config.architecture).build(config.model)


def count_parameters(config: RunConfig) -> int:
    return sum(weight.numel() for weight in built_on_meta(config).parameters() if weight.requires_grad)


def count_multiply_adds(config: RunConfig) -> int:
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        built_on_meta(config).eval()(torch.empty(1, 1, 28, 28, device="meta"))
    return int(counter.get_total_flops()) // 2
