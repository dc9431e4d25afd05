"""Residual network: each block only adds a correction to what it was given.

Idea     A shortcut carries every block's input past it, so a block that knows nothing better can leave things as they are.
Source   He, Zhang, Ren and Sun 2016, "Deep residual learning for image recognition", section 4.2: 6n + 2 layers.
Differs  28x28 grey images instead of 32x32 in colour; n of 1 to 3 instead of 3 and more; the running figures of the norm
         follow faster (momentum 0.3); torch's starting weights. The shortcuts are those of the paper there, option A:
         nothing in them is learned, a step of two pixels and channels of zeros make them fit.
Shapes   (N, 1, 28, 28) -> stem (N, W, 28, 28) -> stage (N, W, 28, 28) -> stage (N, 2W, 14, 14) -> stage (N, 4W, 7, 7)
         -> mean of each map (N, 4W) -> logits (N, 10); with a stem stride of 2: 14, 14, 7, 4 instead of 28, 28, 14, 7
Teaches  Switch the shortcuts off: not a weight less, but is it as easy to train? Look at the training curves.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from core.fields import Config, setting
from core.models import Architecture
from core.models.layers import conv_norm, conv_norm_params


class ResnetConfig(Config):
    """Three stages of equally many blocks, two convolutions each."""

    blocks: int = setting(
        1, "Blocks per stage", "One, two or three make a network of 8, 14 or 20 layers.",
        low=1, high=3, step=1, basic=True,
    )  # fmt: skip
    width: int = setting(
        16, "Width", "Detectors in the first stage; the second has twice and the third four times as many.",
        low=4, high=64, step=4, unit="channels",
    )  # fmt: skip
    shortcuts: bool = setting(
        True, "Shortcuts", "Adds what came into a block to its result; without them it is a plain network.", basic=True
    )
    stem_stride: int = setting(
        1, "First step", "At 2 the first layer looks at every second place: about a quarter of the work, a coarser image.",
        low=1, high=2, step=1, unit="pixels",
    )  # fmt: skip


class Block(nn.Module):
    """Two convolutions, and the way past them: (N, n_in, H, W) -> (N, n_out, ceil(H / stride), ceil(W / stride))."""

    def __init__(self, n_in: int, n_out: int, stride: int, shortcut: bool) -> None:
        super().__init__()
        self.first = nn.Sequential(*conv_norm(n_in, n_out, 3, stride), nn.ReLU(inplace=True))
        self.second = nn.Sequential(*conv_norm(n_out, n_out, 3))
        self.relu = nn.ReLU(inplace=True)
        self.stride, self.missing, self.shortcut = stride, n_out - n_in, shortcut

    def forward(self, x: Tensor) -> Tensor:
        change: Tensor = self.second(self.first(x))  # (N, n_out, H', W')
        if self.shortcut:
            if self.missing:  # every second place, and maps of zeros behind those that there are
                x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.missing))
            change = change + x  # (N, n_out, H', W')
        result: Tensor = self.relu(change)
        return result


def _stage(n_in: int, n_out: int, stride: int, config: ResnetConfig) -> nn.Sequential:
    widths = (n_in, *[n_out] * config.blocks)
    return nn.Sequential(
        *(Block(a, b, 1 if depth else stride, config.shortcuts) for depth, (a, b) in enumerate(pairwise(widths)))
    )


class Resnet(nn.Module):
    def __init__(self, config: ResnetConfig) -> None:
        super().__init__()
        width = config.width
        self.stem = nn.Sequential(*conv_norm(1, width, 3, config.stem_stride), nn.ReLU(inplace=True))
        self.first = _stage(width, width, 1, config)
        self.second = _stage(width, 2 * width, 2, config)
        self.third = _stage(2 * width, 4 * width, 2, config)
        self.gather = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(4 * width, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # (N, W, 28, 28)
        x = self.first(x)  # (N, W, 28, 28)
        x = self.second(x)  # (N, 2W, 14, 14)
        x = self.third(x)  # (N, 4W, 7, 7)
        x = self.gather(x).flatten(1)  # (N, 4W)
        logits: Tensor = self.head(x)  # (N, 10)
        return logits


def _convolutions(config: ResnetConfig) -> list[tuple[int, int, int]]:
    """Channels in, channels out and side of the result, of every convolution."""
    width, more = config.width, 2 * config.blocks - 1
    full, half, quarter = (28, 14, 7) if config.stem_stride == 1 else (14, 7, 4)
    return [
        (1, width, full), *[(width, width, full)] * (more + 1),
        (width, 2 * width, half), *[(2 * width, 2 * width, half)] * more,
        (2 * width, 4 * width, quarter), *[(4 * width, 4 * width, quarter)] * more,
    ]  # fmt: skip


def _n_params(config: ResnetConfig) -> int:
    return sum(conv_norm_params(a, b, 3) for a, b, _ in _convolutions(config)) + (4 * config.width + 1) * 10


def _multiply_adds(config: ResnetConfig) -> int:
    """Each window is looked at once per place."""
    return sum(a * b * 3**2 * side**2 for a, b, side in _convolutions(config)) + 4 * config.width * 10


def _activations(config: ResnetConfig) -> int:
    """Each convolution, norm and ReLU hands on as much as the other two."""
    return 3 * sum(n_out * side**2 for _, n_out, side in _convolutions(config)) + 4 * config.width + 10


ARCHITECTURES: Mapping[str, Architecture] = {
    "resnet": Architecture(
        "resnet", ResnetConfig, Resnet,
        tiny={"width": 4, "stem_stride": 2, "lr": 0.01},
        sizes=("width",),
        needs_batch_statistics=lambda _: True,
        n_params_formula=_n_params, multiply_adds_formula=_multiply_adds,
        activations_formula=_activations,
    )
}  # fmt: skip
