"""LeNet-5: the network that read the cheques.

Idea     Convolve, shrink, convolve, shrink, decide: the plan that convolutional networks have followed ever since.
Source   LeCun, Bottou, Bengio and Haffner 1998, "Gradient-based learning applied to document recognition", section II.B.
Differs  In the usual modern form: padding of 2 instead of an input of 32x32; pooling without trainable weights, by maximum
         or by average; every map of the second convolution sees all six before it, not a chosen few; ten linear outputs
         with softmax and cross-entropy instead of distances to drawn templates (RBF); ReLU by default instead of a scaled
         tanh. Dropout and batch norm can be added.
Shapes   (N, 1, 28, 28) -> conv (N, 6, 28, 28) -> pool (N, 6, 14, 14) -> conv (N, 16, 10, 10) -> pool (N, 16, 5, 5)
         -> flatten (N, 400) -> dense (N, 120) -> dense (N, 84) -> logits (N, 10)
Teaches  Take tanh and average pooling, nearly the network of 1998, and see what ReLU and max pooling change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

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
    dense,
    dense_activations,
    dense_multiply_adds,
    dense_params,
    dropout_setting,
    pooled,
    pooled_activations,
)

WIDTHS = (120, 84)  # the layers C5 and F6 of the paper


class LenetConfig(Config):
    """The sizes are those of the paper; what lies between the layers can be chosen."""

    pooling: Literal["max", "average"] = setting(
        "max", "Pooling", "What is kept of each square of two by two: the strongest report, or the average of the four.",
        basic=True, labels={"max": "strongest (max)", "average": "average"},
    )  # fmt: skip
    activation: Activation = activation_setting()
    dropout: float = dropout_setting()
    batch_norm: bool = batch_norm_setting()


def _with_pooling(layers: list[nn.Module], config: LenetConfig) -> nn.Sequential:
    if config.pooling == "average":
        return nn.Sequential(*layers, nn.AvgPool2d(2))
    return nn.Sequential(*pooled(layers, config.activation, nn.MaxPool2d(2)))


class Lenet(nn.Module):
    def __init__(self, config: LenetConfig) -> None:
        super().__init__()
        act, dropout, norm = config.activation, config.dropout, config.batch_norm
        self.first = _with_pooling(convolution(1, 6, 5, act, norm), config)
        self.second = _with_pooling(convolution(6, 16, 5, act, norm, "valid"), config)
        c5, f6 = WIDTHS
        self.hidden = nn.Sequential(*dense(400, c5, act, dropout, norm), *dense(c5, f6, act, dropout, norm))
        self.head = nn.Linear(f6, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)  # (N, 6, 14, 14)
        x = self.second(x)  # (N, 16, 5, 5)
        x = x.flatten(1)  # (N, 400)
        x = self.hidden(x)  # (N, 84)
        logits: Tensor = self.head(x)  # (N, 10)
        return logits


def _n_params(config: LenetConfig) -> int:
    norm = config.batch_norm
    blocks = convolution_params(1, 6, 5, norm) + convolution_params(6, 16, 5, norm)
    return blocks + dense_params(WIDTHS, 400, norm)


def _multiply_adds(_: LenetConfig) -> int:
    """Each window is looked at once per place: 28 x 28 places, then 10 x 10."""
    return 6 * 5**2 * 28**2 + 6 * 16 * 5**2 * 10**2 + dense_multiply_adds(WIDTHS, 400)


def _activations(config: LenetConfig) -> int:
    norm, blocks = config.batch_norm, 0
    for n_out, side in ((6, 28), (16, 10)):
        if config.pooling == "average":
            blocks += convolution_activations(n_out, side, norm) + n_out * (side // 2) ** 2
        else:
            blocks += pooled_activations(n_out, side, config.activation, norm)
    return blocks + dense_activations(WIDTHS, norm, config.dropout)


ARCHITECTURES: Mapping[str, Architecture] = {
    "lenet": Architecture(
        "lenet", LenetConfig, Lenet,
        tiny={"dropout": 0.2},
        needs_batch_statistics=lambda config: config.batch_norm,
        n_params_formula=_n_params, multiply_adds_formula=_multiply_adds,
        activations_formula=_activations,
    )
}  # fmt: skip
