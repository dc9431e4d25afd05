"""The network that a run begins with."""

from __future__ import annotations

from torch import nn

from core import models
from core.config import RunConfig
from core.engine.seeds import generator
from core.models.init import initialise
from core.models.pixel_order import in_pixel_order


def untrained_network(config: RunConfig) -> nn.Module:
    """Images (N, 1, 28, 28) -> logits (N, 10), on the CPU, with weights drawn from torch's global generator; where the config
    says how they begin, from one of the run's own."""
    module = in_pixel_order(models.get(config.architecture).build(config.model), config.data.pixel_order)
    return initialise(module, config.training.init, generator(config.training.seed, "init"))
