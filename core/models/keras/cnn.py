"""CNN in Keras: the convolutional network a second time, from another workshop.

Idea     The same layers, written in Keras and computed by torch: same size, same work, another way through memory.
Source   Keras 3 (Chollet and others 2015, with several backends since 2023), here with torch as its backend.
Differs  From the CNN in torch: channels stand last, so the flattened numbers come in another order, and each pooling layer
         first copies its input back into torch's order. Weights start as Glorot and Bengio 2010, with windows counted in,
         and biases at zero; torch draws both within 1 / the root of the inputs. Batch norm keeps 99 % of its running mean
         and variance at each step (torch 90 %), adds 0.001 to the variance (torch 0.00001), and remembers the plain
         variance of a batch (torch the corrected one). The leaky ReLU lets a fifth through (torch a hundredth).
Shapes   (N, 1, 28, 28) -> channels last (N, 28, 28, 1) -> block (N, 14, 14, C1) -> block (N, 7, 7, C2) ... -> flatten
         -> dense (N, D) -> logits (N, 10)
Teaches  Equal weights and equal multiplications need not take equal time: compare its images per second with the CNN's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module

from torch import nn

from core.models import Architecture, cnn
from core.models.cnn import CnnConfig
from core.models.layers import pooled


def _build(config: CnnConfig) -> nn.Module:
    # Takes seconds the first time.
    from core.models.keras.adapter import KerasNetwork, conv, dense, dense_layers, flatten, norm_and_activation, pool

    blocks = []
    for channels in config.channels:
        layers = [conv(channels, config.kernel), *norm_and_activation(config.activation, config.batch_norm)]
        blocks += pooled(layers, config.activation, pool())
    hidden = dense_layers(config.widths, config.activation, config.dropout, config.batch_norm)
    return KerasNetwork(*blocks, flatten(), *hidden, dense(10))


def _activations(config: CnnConfig) -> int:
    """What flattens the maps is a layer here. Raises ConfigError where Keras can not be used."""
    import_module(
        "core.models.keras.adapter"
    )  # takes seconds the first time, and people are to hear of it before a run exists
    return cnn.features(config) + cnn.ARCHITECTURES["cnn"].activations(config)


ARCHITECTURES: Mapping[str, Architecture] = {
    "keras-cnn": replace(
        cnn.ARCHITECTURES["cnn"], id="keras-cnn", build=_build, counterpart="cnn", activations_formula=_activations
    )
}
