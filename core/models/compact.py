"""Compact CNN: what is usual today, in a size for a laptop.

Idea     Shrink early, then spend the weights on small windows over a small image; normalise after every convolution.
Source   No single paper. Batch norm after every convolution: Ioffe and Szegedy 2015. Stacked 3x3 windows: Simonyan and
         Zisserman 2015. One figure of each map instead of dense layers: Lin, Chen and Yan 2014.
Differs  From the CNN here: a first step of two pixels, convolutions in pairs, batch norm always, no dense layer but the last.
         The strongest place of each map by default, where Lin, Chen and Yan take the mean.
         The running figures of the norm follow faster than usual (momentum 0.3). On demand, no padding in the first layer.
Shapes   (N, 1, 28, 28) -> stem (N, W, 14, 14) -> stage (N, 2W, 14, 14) -> pool (N, 2W, 7, 7) -> stage (N, 4W, 7, 7)
         -> head: mean or maximum (N, 4W), or pool and flatten (N, 36W) -> logits (N, 10)
         Without padding in the first layer 12 in place of 14 and 6 in place of 7.
Teaches  Let it race against the older CNN with the same images. Then compare the three heads on shifted digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from torch import Tensor, nn

from core.fields import Config, setting
from core.models import Architecture
from core.models.layers import conv_norm, conv_norm_params, dropout_setting


class CompactConfig(Config):
    """One width for the whole network: each stage has twice the channels of what is before it."""

    width: int = setting(
        24, "Width", "Detectors in the first layer; the two stages after it have twice and four times as many.",
        low=4, high=128, step=4, unit="channels", basic=True,
    )  # fmt: skip
    convs: int = setting(
        2, "Convolutions per stage", "Convolution layers on top of each other, in each of the two stages.",
        low=1, high=3, step=1,
    )  # fmt: skip
    head: Literal["average", "max", "flatten"] = setting(
        "max", "Head", "What the answer is made of: how much of each pattern, how clearly at best, or also where it is.",
        basic=True,
        labels={"average": "average over all places", "max": "strongest place (max)", "flatten": "all places (flatten)"},
    )  # fmt: skip
    padding: Literal["same", "valid"] = setting(
        "same", "Padding of the first layer", "Zeros around the image, so that windows stand over its border as well. Without "
        "them the first layer hands on 12 × 12 places instead of 14 × 14, and a step takes up to a fifth less time.",
        labels={"same": "zeros (same)", "valid": "none (valid)"},
    )  # fmt: skip
    dropout: float = dropout_setting()

    @property
    def sides(self) -> tuple[int, int]:
        """Of the maps before and after the pooling."""
        side = 14 if self.padding == "same" else 12
        return side, side // 2


def _stage(n_in: int, n_out: int, convs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for depth in range(convs):
        layers += [*conv_norm(n_out if depth else n_in, n_out, 3), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class Compact(nn.Module):
    def __init__(self, config: CompactConfig) -> None:
        super().__init__()
        width = config.width
        heads = {"average": nn.AdaptiveAvgPool2d(1), "max": nn.AdaptiveMaxPool2d(1), "flatten": nn.MaxPool2d(2)}
        self.stem = nn.Sequential(*conv_norm(1, width, 5, stride=2, padding=config.padding), nn.ReLU(inplace=True))
        self.first = _stage(width, 2 * width, config.convs)
        self.pool = nn.MaxPool2d(2)
        self.second = _stage(2 * width, 4 * width, config.convs)
        self.gather = heads[config.head]
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(_features(config), 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # (N, W, 14, 14)
        x = self.first(x)  # (N, 2W, 14, 14)
        x = self.pool(x)  # (N, 2W, 7, 7)
        x = self.second(x)  # (N, 4W, 7, 7)
        x = self.gather(x)  # (N, 4W, 1, 1) or (N, 4W, 3, 3)
        x = self.dropout(x.flatten(1))  # (N, 4W) or (N, 36W)
        logits: Tensor = self.head(x)  # (N, 10)
        return logits


def _features(config: CompactConfig) -> int:
    return 4 * config.width * (9 if config.head == "flatten" else 1)


def _n_params(config: CompactConfig) -> int:
    width = config.width
    stages = sum(
        conv_norm_params(n, 2 * n, 3) + (config.convs - 1) * conv_norm_params(2 * n, 2 * n, 3)
        for n in (width, 2 * width)
    )
    return conv_norm_params(1, width, 5) + stages + (_features(config) + 1) * 10


def _multiply_adds(config: CompactConfig) -> int:
    """Each window is looked at once per place."""
    width, (side, half) = config.width, config.sides
    stages = sum(
        (2 * n * n + (config.convs - 1) * 4 * n * n) * 3**2 * places**2
        for n, places in ((width, side), (2 * width, half))
    )
    return width * 5**2 * side**2 + stages + _features(config) * 10


def _activations(config: CompactConfig) -> int:
    """Each convolution, norm and ReLU hands on as much as the other two."""
    width, convs, (side, half) = config.width, config.convs, config.sides
    stages = (width + 2 * width * convs) * side**2 + 4 * width * convs * half**2
    return 3 * stages + 2 * width * half**2 + 2 * _features(config) + 10


ARCHITECTURES: Mapping[str, Architecture] = {
    "compact": Architecture(
        "compact", CompactConfig, Compact,
        tiny={"width": 4, "convs": 1, "dropout": 0.2, "lr": 0.003},
        sizes=("width",),
        needs_batch_statistics=lambda _: True,
        n_params_formula=_n_params, multiply_adds_formula=_multiply_adds,
        activations_formula=_activations,
    )
}  # fmt: skip
