"""Tiny VGG: the network behind the CNN Explainer.

Idea     Two small windows on top of each other see as far as one large one, with fewer weights and one more activation.
Source   Wang et al. 2020, "CNN Explainer: Learning convolutional neural networks with interactive visualization"; the
         plan of 3x3 windows in blocks is that of VGG, Simonyan and Zisserman 2015.
Differs  From the Explainer's: images of 28x28x1 instead of 64x64x3; a padding of 1, so that only pooling shrinks them; the
         activation, dropout and batch norm can be chosen.
Shapes   (N, 1, 28, 28) -> block (N, C, 14, 14) -> block (N, C, 7, 7) -> flatten (N, 49 C) -> logits (N, 10)
Teaches  It has fewer weights than softmax regression. Compare the two: it matters what weights do, not only how many.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from core.fields import Config, setting
from core.models import Architecture
from core.models.layers import (
    Activation,
    activation_setting,
    batch_norm_setting,
    convolution,
    convolution_activations,
    convolution_params,
    dropout_setting,
    pooled,
    pooled_activations,
)


class TinyVggConfig(Config):
    """Four convolutions, all equally wide."""

    hidden_channels: int = setting(
        10, "Channels", "Detectors in each of the four convolution layers.",
        low=1, high=128, step=1, scale="log", unit="channels", basic=True,
    )  # fmt: skip
    activation: Activation = activation_setting()
    dropout: float = dropout_setting()
    batch_norm: bool = batch_norm_setting()


def _block(n_in: int, n_out: int, config: TinyVggConfig) -> nn.Sequential:
    first = convolution(n_in, n_out, 3, config.activation, config.batch_norm)
    second = convolution(n_out, n_out, 3, config.activation, config.batch_norm)
    return nn.Sequential(*first, *pooled(second, config.activation, nn.MaxPool2d(2)))


class TinyVgg(nn.Module):
    def __init__(self, config: TinyVggConfig) -> None:
        super().__init__()
        channels = config.hidden_channels
        self.first = _block(1, channels, config)
        self.second = _block(channels, channels, config)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(channels * 49, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)  # (N, C, 14, 14)
        x = self.second(x)  # (N, C, 7, 7)
        x = self.dropout(x.flatten(1))  # (N, C * 49)
        logits: Tensor = self.head(x)  # (N, 10)
        return logits


def _n_params(config: TinyVggConfig) -> int:
    channels, norm = config.hidden_channels, config.batch_norm
    first, others = convolution_params(1, channels, 3, norm), 3 * convolution_params(channels, channels, 3, norm)
    return first + others + (channels * 49 + 1) * 10


def _multiply_adds(config: TinyVggConfig) -> int:
    """Each window of 3 x 3 is looked at once per place: 28 x 28 places in the first block, 14 x 14 in the second."""
    channels = config.hidden_channels
    windows = (channels + channels**2) * 28**2 + 2 * channels**2 * 14**2
    return windows * 3**2 + channels * 49 * 10


def _activations(config: TinyVggConfig) -> int:
    channels, norm = config.hidden_channels, config.batch_norm
    blocks = (
        convolution_activations(channels, side, norm) + pooled_activations(channels, side, config.activation, norm)
        for side in (28, 14)
    )
    return sum(blocks) + channels * 49 + 10


ARCHITECTURES: Mapping[str, Architecture] = {
    "tinyvgg": Architecture(
        "tinyvgg", TinyVggConfig, TinyVgg,
        tiny={"hidden_channels": 4, "dropout": 0.2},
        sizes=("hidden_channels",),
        needs_batch_statistics=lambda config: config.batch_norm,
        n_params_formula=_n_params, multiply_adds_formula=_multiply_adds,
        activations_formula=_activations,
    )
}  # fmt: skip
