"""Convolutional network: small detectors that slide over the image.

Idea     The same few weights look at every place, so a stroke learned in one corner is known in all of them.
Source   LeCun et al. 1998, section II; the default is the learners' conv32-pool-conv64-pool-fc128-fc64.
Differs  From LeNet-5: ReLU, max pooling, padded 3x3 kernels, cross-entropy.
Shapes   (N, 1, 28, 28) -> block (N, C1, 14, 14) -> block (N, C2, 7, 7) ... -> flatten -> dense (N, D) -> logits (N, 10)
Teaches  Compare it with an MLP of as many weights on 1,000 images; then shift the test digits by two pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated

from pydantic import BeforeValidator, Field
from torch import Tensor, nn

from core.fields import Config, setting, split_numbers
from core.models import Architecture
from core.models.layers import (
    Activation,
    Widths,
    activation,
    activation_setting,
    batch_norm_setting,
    dense,
    dense_activations,
    dense_multiply_adds,
    dense_params,
    dropout_setting,
    pooled,
    pooled_activations,
)

# Each block halves the side: 28, 14, 7, 3, 1. A fifth would leave nothing.
Channel = Annotated[int, Field(ge=1, le=512)]
Channels = Annotated[tuple[Channel, ...], BeforeValidator(split_numbers), Field(min_length=1, max_length=4)]


class CnnConfig(Config):
    """Convolution blocks, then dense layers."""

    channels: Channels = setting(
        (32, 64), "Convolution blocks", "Detectors per block; after each block the image is half as wide.",
        unit="channels", basic=True,
    )  # fmt: skip
    kernel: int = setting(
        3, "Kernel", "Side of the square window that a detector looks through.", low=1, high=7, step=1, unit="pixels"
    )
    widths: Widths = setting(
        (128, 64), "Dense layers", "Units per layer between the last block and the answer.", unit="units", basic=True
    )
    activation: Activation = activation_setting()
    dropout: float = dropout_setting()
    batch_norm: bool = batch_norm_setting()


def _block(n_in: int, n_out: int, config: CnnConfig) -> list[nn.Module]:
    layers: list[nn.Module] = [nn.Conv2d(n_in, n_out, config.kernel, padding="same")]
    if config.batch_norm:
        layers.append(nn.BatchNorm2d(n_out))
    return pooled([*layers, activation(config.activation)], config.activation, nn.MaxPool2d(2))


class Cnn(nn.Module):
    def __init__(self, config: CnnConfig) -> None:
        super().__init__()
        channels = (1, *config.channels)
        blocks: list[nn.Module] = []
        for n_in, n_out in pairwise(channels):
            blocks += _block(n_in, n_out, config)
        sizes = (features(config), *config.widths)
        layers: list[nn.Module] = []
        for n_in, n_out in pairwise(sizes):
            layers += dense(n_in, n_out, config.activation, config.dropout, config.batch_norm)
        self.blocks = nn.Sequential(*blocks)
        self.hidden = nn.Sequential(*layers)
        self.head = nn.Linear(sizes[-1], 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(x)  # (N, C, H, W)
        x = x.flatten(1)  # (N, C * H * W)
        x = self.hidden(x)  # (N, D)
        logits: Tensor = self.head(x)  # (N, 10)
        return logits


def features(config: CnnConfig) -> int:
    side = 28 >> len(config.channels)
    return config.channels[-1] * side * side


def _n_params(config: CnnConfig) -> int:
    channels = (1, *config.channels)
    per_channel = 1 + 2 * config.batch_norm
    blocks = sum((a * config.kernel**2 + per_channel) * b for a, b in pairwise(channels))
    return blocks + dense_params(config.widths, features(config), config.batch_norm)


def _multiply_adds(config: CnnConfig) -> int:
    """Each window is looked at once per place: the block's side squared."""
    channels = (1, *config.channels)
    blocks = sum(a * b * config.kernel**2 * (28 >> depth) ** 2 for depth, (a, b) in enumerate(pairwise(channels)))
    return blocks + dense_multiply_adds(config.widths, features(config))


def _activations(config: CnnConfig) -> int:
    blocks = (
        pooled_activations(n, 28 >> depth, config.activation, config.batch_norm)
        for depth, n in enumerate(config.channels)
    )
    return sum(blocks) + dense_activations(config.widths, config.batch_norm, config.dropout)


ARCHITECTURES: Mapping[str, Architecture] = {
    "cnn": Architecture(
        "cnn", CnnConfig, Cnn,
        tiny={"channels": (4, 4), "widths": (8,), "dropout": 0.2},
        sizes=("channels", "widths"),
        needs_batch_statistics=lambda config: config.batch_norm,
        n_params_formula=_n_params, multiply_adds_formula=_multiply_adds,
        activations_formula=_activations,
    )
}  # fmt: skip
