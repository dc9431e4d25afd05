"""Temporal convolutional network: reading the image row by row with windows that never look ahead.

Idea     Rows are time steps. A window sees a few earlier rows, and from block to block the rows it sees lie further apart:
         a few layers see the whole image, and all rows are computed at once, without a memory.
Source   Bai, Kolter and Koltun 2018, arXiv 1803.01271, section 3: causal and dilated convolutions, blocks of two with a way
         around them, weight norm (Salimans and Kingma 2016), whole channels dropped (Tompson et al. 2015).
Differs  Rows instead of pixels (28 steps, not 784), so three blocks with a window of 3 instead of eight with one of 7; torch's
         starting weights.
Shapes   (N, 1, 28, 28) -> rows or columns as channels (N, 28, T=28) -> blocks (N, W, T) -> last step (N, W) -> logits (N, 10);
         the last step sees 1 + 2 (k - 1) (2^B - 1) rows through B blocks with a window of k: 29 at default
Teaches  Compare it with a GRU: which learns faster, which takes longer for an epoch? Then take blocks away until it no longer
         sees the first rows.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from core.fields import Config, setting
from core.models import Architecture
from core.models.layers import Direction, direction_setting, dropout_setting


class TcnConfig(Config):
    """Blocks of two causal convolutions; from block to block, the rows that a window sees lie twice as far apart."""

    width: int = setting(
        64, "Width", "Detectors in each layer: numbers that describe each row together with those before it.",
        low=4, high=512, step=4, scale="log", unit="channels", basic=True,
    )  # fmt: skip
    blocks: int = setting(
        3, "Blocks", "Each new block doubles the distance between the rows that a detector compares.",
        low=1, high=5, step=1, basic=True,
    )  # fmt: skip
    kernel: int = setting(
        3, "Kernel", "Rows or columns that a detector compares: this one and earlier ones.", low=2, high=7, step=1,
        unit="steps",
    )  # fmt: skip
    direction: Direction = direction_setting()
    dropout: float = dropout_setting()


class CausalConv1d(nn.Conv1d):
    """Looks at this step and earlier ones only: (N, n_in, T) -> (N, n_out, T)."""

    def forward(self, input: Tensor) -> Tensor:
        before = (self.kernel_size[0] - 1) * self.dilation[0]  # steps of zeros
        return super().forward(F.pad(input, (before, 0)))


class Block(nn.Module):
    """Two causal convolutions, and the way past them: (N, n_in, T) -> (N, n_out, T)."""

    def __init__(self, n_in: int, n_out: int, dilation: int, config: TcnConfig) -> None:
        super().__init__()
        self.first = weight_norm(CausalConv1d(n_in, n_out, config.kernel, dilation=dilation))
        self.second = weight_norm(CausalConv1d(n_out, n_out, config.kernel, dilation=dilation))
        self.shortcut = nn.Conv1d(n_in, n_out, 1) if n_in != n_out else nn.Identity()
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout1d(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        y = self.dropout(self.relu(self.first(x)))  # (N, n_out, T)
        y = self.dropout(self.relu(self.second(y)))  # (N, n_out, T)
        result: Tensor = self.relu(y + self.shortcut(x))  # (N, n_out, T)
        return result


class Tcn(nn.Module):
    def __init__(self, config: TcnConfig) -> None:
        super().__init__()
        self.by_columns = config.direction == "columns"
        self.blocks = nn.Sequential(
            *(Block(28 if i == 0 else config.width, config.width, 2**i, config) for i in range(config.blocks))
        )
        self.head = nn.Linear(config.width, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1, 2)  # (N, 28, 28): rows, columns
        if not self.by_columns:
            x = x.transpose(1, 2)  # (N, 28, T): the numbers of a row are channels
        x = self.blocks(x)  # (N, W, T)
        logits: Tensor = self.head(x[:, :, -1])  # (N, 10)
        return logits


def _n_params(config: TcnConfig) -> int:
    """Weight norm keeps a length beside the direction of each detector's window."""
    width, count = config.width, 0
    for n_in in (28, *[width] * (config.blocks - 1)):
        count += (n_in * config.kernel + 2) * width + (width * config.kernel + 2) * width
        count += (n_in + 1) * width if n_in != width else 0
    return count + (width + 1) * 10


def _activations(config: TcnConfig) -> int:
    """Per block: twice convolution, ReLU and dropout, then the way past them and a ReLU."""
    return config.blocks * 8 * config.width * 28 + 10


ARCHITECTURES: Mapping[str, Architecture] = {
    "tcn": Architecture(
        "tcn", TcnConfig, Tcn,
        tiny={"width": 12, "dropout": 0.1},
        sizes=("width",),
        n_params_formula=_n_params, activations_formula=_activations,
    )
}  # fmt: skip
