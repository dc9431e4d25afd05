"""Keras layers as torch modules, so that the one training loop can also train a network that is written in Keras.

Keras 3 computes with torch's tensors but does not keep torch's customs: torch's training mode reaches none of its layers,
its channels stand last, its weights are named by how many layers the process has made before, its statistics pass as
parameters, its tensors go to a GPU whenever there is one, and its seeds come from Python's random numbers. All of that ends
here. Importing this file takes seconds, so architectures do it when they build.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.errors import ConfigError
from core.models.layers import Activation

_REFUSAL = (
    "the networks in Keras need Keras to compute with torch (KERAS_BACKEND=torch), but this process has chosen {}; "
    "start it without that choice"
)

if os.environ.setdefault("KERAS_BACKEND", "torch") != "torch":
    raise ConfigError(_REFUSAL.format(os.environ["KERAS_BACKEND"]), ("architecture",))

import keras  # noqa: E402 - it reads the variable above once, while it is imported

if keras.backend.backend() != "torch":
    raise ConfigError(_REFUSAL.format(keras.backend.backend()), ("architecture",))

# Streamlit calls this after every script run of every visitor once Keras is loaded. It would collect all memory, an eighth of
# a second each time, and forget names while another thread may be building a network; nothing here is kept in a session.
keras.backend.clear_session = lambda free_memory=True: None

# Keras' policy of number formats belongs to each thread, so each layer is told its own.
FLOAT: Mapping[str, str] = {"dtype": "float32"}


class Dropout(keras.layers.Layer):  # type: ignore[misc]
    """What Keras' own dropout computes on torch, from torch's random numbers, without the seed it keeps beside them."""

    def __init__(self, share: float) -> None:
        super().__init__(**FLOAT)
        self.share = share

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        return F.dropout(inputs, self.share, training)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape


def conv(channels: int, kernel: int) -> keras.layers.Layer:
    """A padded convolution, (N, H, W, C) -> (N, H, W, channels)."""
    return keras.layers.Conv2D(channels, kernel, padding="same", kernel_initializer=_glorot(), **FLOAT)


def pool() -> keras.layers.Layer:
    """The largest of each two by two places, (N, H, W, C) -> (N, H // 2, W // 2, C)."""
    return keras.layers.MaxPooling2D(2, **FLOAT)


def flatten() -> keras.layers.Layer:
    """(N, ...) -> (N, D)"""
    return keras.layers.Flatten(**FLOAT)


def dense(units: int) -> keras.layers.Layer:
    """(N, D) -> (N, units)"""
    return keras.layers.Dense(units, kernel_initializer=_glorot(), **FLOAT)


def norm_and_activation(activation: Activation, batch_norm: bool) -> list[keras.layers.Layer]:
    """Batch norm, if asked for, and the activation: what follows a convolution or a dense layer."""
    norm = [keras.layers.BatchNormalization(**FLOAT)] if batch_norm else []
    name = "linear" if activation == "none" else activation.replace("-", "_")
    return [*norm, keras.layers.Activation(name, **FLOAT)]


def dense_layers(
    widths: Iterable[int], activation: Activation, dropout: float, batch_norm: bool
) -> list[keras.layers.Layer]:
    """The chain of hidden layers that ``core.models.layers.dense`` makes in torch: (N, D) -> (N, last width)."""
    chain: list[keras.layers.Layer] = []
    for width in widths:
        chain += [dense(width), *norm_and_activation(activation, batch_norm), *([Dropout(dropout)] if dropout else [])]
    return chain


def _glorot() -> keras.initializers.Initializer:
    """Keras' default for weights, decided by torch's global generator; on the device without memory nothing is drawn."""
    seed = 0 if _device_type() == "meta" else int(torch.randint(2**31, (), device="cpu"))
    return keras.initializers.GlorotUniform(seed)


def _device_type() -> str:
    """Where weights are made: in memory, or nowhere at all under ``with torch.device("meta")``."""
    return "meta" if torch.get_default_device().type == "meta" else "cpu"


class KerasLayer(nn.Module):
    """One built Keras layer. Its weights are the parameters of this module and its statistics are buffers.

    Keras' call without side effects is handed them each time, so they can be moved, loaded and replaced like torch's own.
    """

    def __init__(self, layer: keras.layers.Layer) -> None:
        super().__init__()
        self._kept = (layer,)  # torch would register the layer itself as a part, under names of Keras' making
        self._weights = [weight.name for weight in layer.trainable_variables]
        self._statistics = [statistic.name for statistic in layer.non_trainable_variables]
        for weight in layer.trainable_variables:
            self.register_parameter(weight.name, weight.value)
        for statistic in layer.non_trainable_variables:
            self.register_buffer(statistic.name, statistic.value.detach())
        self._knows_mode = "training" in layer.call_signature_parameters

    @property
    def keras_layer(self) -> keras.layers.Layer:
        """What this module stands for."""
        return self._kept[0]

    def forward(self, x: Tensor) -> Tensor:
        weights = [self.get_parameter(name) for name in self._weights]
        statistics = [self.get_buffer(name) for name in self._statistics]
        mode = {"training": self.training} if self._knows_mode else {}
        # Under its plain name Keras would leave the device without memory: it pools there with invented numbers on the CPU.
        with keras.device("meta:0" if x.is_meta else str(x.device)):
            output, new = self.keras_layer.stateless_call(weights, statistics, x, **mode)
        if self.training:
            for statistic, value in zip(statistics, new, strict=True):
                statistic.copy_(value.detach())
        result: Tensor = output
        return result


class KerasNetwork(nn.Module):
    """A ``keras.Sequential`` of these layers, built at once: images (N, 1, 28, 28) -> logits (N, 10)."""

    def __init__(self, *layers: keras.layers.Layer) -> None:
        super().__init__()
        with keras.device(_device_type()):
            model = keras.Sequential([keras.Input((28, 28, 1), **FLOAT), *layers])
        self.layers = nn.Sequential(*(KerasLayer(layer) for layer in model.layers))

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1)  # (N, 28, 28, 1)
        logits: Tensor = self.layers(x)  # (N, 10)
        return logits
