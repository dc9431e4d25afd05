"""Recurrent networks: reading the image row by row, or column by column, with a memory.

Idea     28 rows are 28 time steps; after the last one, the memory says which digit it was.
Source   RNN: Elman 1990. LSTM: Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000.
         GRU: Cho et al. 2014. Both directions: Schuster and Paliwal 1997.
         Rows as time steps: the "sequential MNIST" of Le, Jaitly and Hinton 2015, there by pixel.
Differs  Rows instead of pixels unless asked for (28 steps, not 784); 14x14 and 7x7 are means of squares. torch's fused
         kernels keep two bias vectors per gate, and their GRU applies the reset gate to what the matrix made of the memory,
         where Cho et al. apply it to the memory before.
Shapes   (N, 1, 28, 28) -> rows or columns (N, T=28, 28), or pixels (N, T=784, 196 or 49, 1) -> memory (N, T, D)
         -> last memory (N, D) -> logits (N, 10); a second memory, which reads backwards, makes D twice as long
Teaches  Train the plain RNN at learning rate 0.01 and watch training itself fall: that is instability, not over-fitting.
         Then clip the gradient, or take the gated ones. Rows or columns: in which does a digit tell more?
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.fields import Config, setting
from core.models import Architecture
from core.models.layers import Direction, direction_setting, dropout_setting

_CELLS: Mapping[str, tuple[Callable[..., nn.Module], int]] = {
    "rnn": (nn.RNN, 1),
    "gru": (nn.GRU, 3),
    "lstm": (nn.LSTM, 4),
}
_TINY: Mapping[str, Mapping[str, Any]] = {
    "rnn": {"hidden": 12, "dropout": 0.2},
    "gru": {"hidden": 12, "layers": 2, "dropout": 0.2},
    "lstm": {"hidden": 12},
}


class RecurrentConfig(Config):
    """One memory, or several on top of each other."""

    hidden: int = setting(
        128, "Memory", "Numbers that are carried from one row or column to the next.",
        low=1, high=1024, step=1, scale="log", unit="units", basic=True,
    )  # fmt: skip
    layers: int = setting(
        1, "Layers", "Memories on top of each other; each reads what the one below remembers.",
        low=1, high=4, step=1, basic=True,
    )  # fmt: skip
    direction: Direction = direction_setting()
    reads: Literal["lines", "pixels-28", "pixels-14", "pixels-7"] = setting(
        "lines", "Step", "What is read at each step: a whole row or column, or one pixel, also of a smaller image of "
        "means over squares. Every step takes its time: 784 of them take long. Shuffled pixels are shuffled before.",
        labels={"lines": "a row or column (28 steps)", "pixels-28": "a pixel of 28 × 28 (784 steps)",
                "pixels-14": "a pixel of 14 × 14 (196 steps)", "pixels-7": "a pixel of 7 × 7 (49 steps)"},
    )  # fmt: skip
    bidirectional: bool = setting(
        False, "Both directions", "A second memory reads backwards; the answer comes from what both know at their end."
    )
    dropout: float = dropout_setting()


class Recurrent(nn.Module):
    def __init__(self, cell: Literal["rnn", "gru", "lstm"], config: RecurrentConfig) -> None:
        super().__init__()
        between = config.dropout if config.layers > 1 else 0.0
        self.width, self.by_columns = config.hidden, config.direction == "columns"
        self.reads = config.reads
        self.memory = _CELLS[cell][0](
            _sequence(config)[1],
            config.hidden,
            config.layers,
            batch_first=True,
            dropout=between,
            bidirectional=config.bidirectional,
        )
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(_width_out(config), 10)

    def forward(self, x: Tensor) -> Tensor:
        if self.reads in ("pixels-14", "pixels-7"):
            x = F.avg_pool2d(x, 28 // int(self.reads.removeprefix("pixels-")))  # (N, 1, 14, 14) or (N, 1, 7, 7)
        x = x.flatten(1, 2)  # (N, T, 28), or (N, side, side)
        if self.by_columns:
            x = x.transpose(1, 2)  # (N, T, 28), or (N, side, side)
        if self.reads != "lines":
            x = x.flatten(1).unsqueeze(2)  # (N, T, 1)
        x, _ = self.memory(x)  # (N, T, D), or (N, T, 2 D) in both directions
        # Who reads backwards has read everything at the first step; without them, that half is empty.
        x = torch.cat([x[:, -1, : self.width], x[:, 0, self.width :]], 1)  # (N, D) or (N, 2 D)
        logits: Tensor = self.head(self.dropout(x))  # (N, 10)
        return logits


def _sequence(config: RecurrentConfig) -> tuple[int, int]:
    """Steps, and the numbers that are read at each of them."""
    return (28, 28) if config.reads == "lines" else (int(config.reads.removeprefix("pixels-")) ** 2, 1)


def _width_out(config: RecurrentConfig) -> int:
    """Numbers that a layer hands on at each step: one memory's, or two memories'."""
    return config.hidden * (1 + config.bidirectional)


def _n_params(gates: int) -> Callable[[RecurrentConfig], int]:
    def count(config: RecurrentConfig) -> int:
        width, out = config.hidden, _width_out(config)
        inputs = [_sequence(config)[1], *[out] * (config.layers - 1)]
        return sum(gates * out * (n_in + width + 2) for n_in in inputs) + (out + 1) * 10

    return count


def _multiply_adds(gates: int) -> Callable[[RecurrentConfig], int]:
    def count(config: RecurrentConfig) -> int:
        width, out = config.hidden, _width_out(config)
        n_steps, n_read = _sequence(config)
        inputs = [n_read, *[out] * (config.layers - 1)]
        return n_steps * sum(gates * out * (n_in + width) for n_in in inputs) + out * 10

    return count


def _activations(config: RecurrentConfig) -> int:
    """What the last layer says at each step, what every layer remembers at the end, then dropout and the answer."""
    out = _width_out(config)
    return (_sequence(config)[0] + config.layers + 1) * out + 10


def _architecture(cell: Literal["rnn", "gru", "lstm"]) -> Architecture:
    gates = _CELLS[cell][1]
    return Architecture(
        cell, RecurrentConfig, lambda config: Recurrent(cell, config),
        tiny=_TINY[cell],
        sizes=("hidden",),
        n_params_formula=_n_params(gates), multiply_adds_formula=_multiply_adds(gates),
        activations_formula=_activations,
    )  # fmt: skip


ARCHITECTURES: Mapping[str, Architecture] = {cell: _architecture(cell) for cell in ("rnn", "gru", "lstm")}
