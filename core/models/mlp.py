"""Multilayer perceptron: layers in which every unit looks at everything before it.

Idea     Hidden units learn parts of digits, later layers combine them; the activation between layers makes that possible.
Source   Rumelhart, Hinton and Williams 1986; on digits: among the networks that LeCun et al. 1998 compare.
Differs  ReLU and cross-entropy instead of sigmoid and squared error; dropout and batch norm can be added.
Shapes   (N, 1, 28, 28) -> flatten (N, 784) -> hidden (N, D) ... -> logits (N, 10)
Teaches  Shuffle the pixels of all images alike and it learns just as well: it does not know what "beside" means.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from types import MappingProxyType

from torch import Tensor, nn

from core.fields import SOME, Conditions, Config, setting
from core.models import Architecture
from core.models.layers import (
    Activation,
    Widths,
    activation_setting,
    batch_norm_setting,
    dense,
    dense_activations,
    dense_multiply_adds,
    dense_params,
    dropout_setting,
)

# Without hidden layers there is nothing that these settings could act on.
BESIDE_HIDDEN: Conditions = MappingProxyType({"widths": SOME})


class MlpConfig(Config):
    """Any number of hidden layers, from none (softmax regression) to eight."""

    widths: Widths = setting(
        (128, 64), "Hidden layers", "Units per hidden layer, from the image to the answer.", unit="units", basic=True
    )
    activation: Activation = activation_setting(BESIDE_HIDDEN)
    dropout: float = dropout_setting(BESIDE_HIDDEN)
    batch_norm: bool = batch_norm_setting(BESIDE_HIDDEN)


class Mlp(nn.Module):
    def __init__(self, config: MlpConfig) -> None:
        super().__init__()
        sizes = (784, *config.widths)
        layers: list[nn.Module] = []
        for n_in, n_out in pairwise(sizes):
            layers += dense(n_in, n_out, config.activation, config.dropout, config.batch_norm)
        self.hidden = nn.Sequential(*layers)
        self.head = nn.Linear(sizes[-1], 10)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)  # (N, 784)
        x = self.hidden(x)  # (N, D)
        logits: Tensor = self.head(x)  # (N, 10)
        return logits


ARCHITECTURES: Mapping[str, Architecture] = {
    "mlp": Architecture(
        "mlp", MlpConfig, Mlp,
        tiny={"widths": (16,), "dropout": 0.2, "batch_norm": True},
        sizes=("widths",),
        needs_batch_statistics=lambda config: config.batch_norm,
        n_params_formula=lambda config: dense_params(config.widths, 784, config.batch_norm),
        multiply_adds_formula=lambda config: dense_multiply_adds(config.widths, 784),
        activations_formula=lambda config: dense_activations(config.widths, config.batch_norm, config.dropout),
    )
}  # fmt: skip
