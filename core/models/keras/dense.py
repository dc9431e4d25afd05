"""Dense network in Keras: the multilayer perceptron a second time, from another workshop.

Idea     The same layers, written in Keras and computed by torch: what differs is what the makers chose for you.
Source   Keras 3 (Chollet and others 2015, with several backends since 2023), here with torch as its backend.
Differs  From the MLP in torch: weights start as Glorot and Bengio 2010 (uniform within the root of 6 / (inputs + outputs))
         and biases at zero, while torch draws both within 1 / the root of the inputs. Batch norm keeps 99 % of its running
         mean and variance at each step (torch 90 %), adds 0.001 to the variance (torch 0.00001), and remembers the plain
         variance of a batch (torch the corrected one). The leaky ReLU lets a fifth through (torch a hundredth).
         From Keras' own fit: our loop, our optimizers, no compile.
Shapes   (N, 1, 28, 28) -> channels last (N, 28, 28, 1) -> flatten (N, 784) -> hidden (N, D) ... -> logits (N, 10)
Teaches  Train it beside the MLP with three seeds each: is the difference larger than chance? Then with batch norm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module

from torch import nn

from core.models import Architecture, mlp
from core.models.mlp import MlpConfig


def _build(config: MlpConfig) -> nn.Module:
    from core.models.keras.adapter import KerasNetwork, dense, dense_layers, flatten  # takes seconds the first time

    hidden = dense_layers(config.widths, config.activation, config.dropout, config.batch_norm)
    return KerasNetwork(flatten(), *hidden, dense(10))


def _activations(config: MlpConfig) -> int:
    """What flattens the image is a layer here. Raises ConfigError where Keras can not be used."""
    import_module(
        "core.models.keras.adapter"
    )  # takes seconds the first time, and people are to hear of it before a run exists
    return 784 + mlp.ARCHITECTURES["mlp"].activations(config)


ARCHITECTURES: Mapping[str, Architecture] = {
    "keras-dense": replace(
        mlp.ARCHITECTURES["mlp"], id="keras-dense", build=_build, counterpart="mlp", activations_formula=_activations
    )
}
