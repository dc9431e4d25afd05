"""The product's networks in Keras' own layers, as one would write them there, for ``bench.peers`` to compare with.

Same layers, sizes and numbers of weights as in ``core/models``, at default settings. Two things are Keras' own: where a window
moves by two pixels, "same" pads only at the far side, and an LSTM has one vector of biases where torch has two.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from keras import Input, Model, Sequential, layers, ops

from core import models

TORCH_ONLY_BIASES: Mapping[str, int] = {"lstm": 4 * 128}  # a second vector of them, which adds nothing to the first


def image_shape(model: str) -> tuple[int, ...]:
    """Of one image: recurrent networks read rows, all others want the channel last."""
    return (28, 28) if model in ("lstm", "gru") else (28, 28, 1)


def network(model: str) -> Any:
    """Images (N, *image_shape) -> logits (N, 10). Raises ValueError where it has other weights than the product's."""
    module = _NETWORKS[model]()
    n_params = sum(math.prod(weight.shape) for weight in module.trainable_weights)
    expected = models.get(model).n_params(models.get(model).config()) - TORCH_ONLY_BIASES.get(model, 0)
    if n_params != expected:
        raise ValueError(f"{model} has {n_params:,} weights in Keras, expected {expected:,}")
    return module


def _dense() -> list[Any]:
    return [layers.Dense(128, "relu"), layers.Dense(64, "relu"), layers.Dense(10)]


def _mlp() -> Any:
    return Sequential([Input((28, 28, 1)), layers.Flatten(), *_dense()])


def _cnn() -> Any:
    blocks = [
        layers.Conv2D(32, 3, padding="same", activation="relu"), layers.MaxPooling2D(),
        layers.Conv2D(64, 3, padding="same", activation="relu"), layers.MaxPooling2D(), layers.Flatten(),
    ]  # fmt: skip
    return Sequential([Input((28, 28, 1)), *blocks, *_dense()])


def _conv_norm(channels: int, kernel: int = 3, strides: int = 1) -> list[Any]:
    """Keras counts the momentum of the norm from the other end: 0.7 here is torch's 0.3."""
    convolution = layers.Conv2D(channels, kernel, strides, padding="same", use_bias=False)
    return [convolution, layers.BatchNormalization(momentum=0.7, epsilon=1e-5)]


def _compact() -> Any:
    stages = [
        [*_conv_norm(24, 5, 2), layers.ReLU()],
        *([*_conv_norm(48), layers.ReLU()] for _ in range(2)), [layers.MaxPooling2D()],
        *([*_conv_norm(96), layers.ReLU()] for _ in range(2)), [layers.GlobalMaxPooling2D(), layers.Dense(10)],
    ]  # fmt: skip
    return Sequential([Input((28, 28, 1)), *(layer for stage in stages for layer in stage)])


def _through(x: Any, *chain: Any) -> Any:
    for layer in chain:
        x = layer(x)
    return x


def _resnet() -> Any:
    images = Input((28, 28, 1))
    x = _through(images, *_conv_norm(16), layers.ReLU())  # (N, 28, 28, 16)
    for channels, strides in ((16, 1), (32, 2), (64, 2)):
        change = _through(x, *_conv_norm(channels, 3, strides), layers.ReLU(), *_conv_norm(channels))
        if strides > 1:  # every second place, and maps of zeros behind those that there are
            x = ops.pad(x[:, ::2, ::2, :], ((0, 0), (0, 0), (0, 0), (0, channels // 2)))
        x = layers.ReLU()(layers.Add()([change, x]))
    return Model(images, _through(x, layers.GlobalAveragePooling2D(), layers.Dense(10)))


class _Position(layers.Layer):  # type: ignore[misc]
    """Adds a learned table (T, D) to tokens (N, T, D)."""

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.table = self.add_weight(shape=shape[1:], initializer="random_normal", name="table")

    def call(self, tokens: Any) -> Any:
        return tokens + self.table


def _tokens(images: Any) -> Any:
    """(N, 28, 28, 1) -> one token for each of 4 x 4 patches (N, 16, 64)."""
    cut = [layers.Reshape((4, 7, 4, 7)), layers.Permute((1, 3, 2, 4)), layers.Reshape((16, 49))]
    return _through(images, *cut, layers.Dense(64))


def _norm() -> Any:
    return layers.LayerNormalization(epsilon=1e-5)


def _answer(images: Any, tokens: Any) -> Any:
    return Model(images, _through(tokens, _norm(), layers.GlobalAveragePooling1D(), layers.Dense(10)))


def _vit() -> Any:
    images = Input((28, 28, 1))
    x = _Position()(_tokens(images))  # (N, 16, 64)
    for _ in range(4):
        y = _norm()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(4, 16)(y, y)])
        x = layers.Add()([x, _through(x, _norm(), layers.Dense(128, "gelu"), layers.Dense(64))])
    return _answer(images, x)


def _mixer() -> Any:
    images = Input((28, 28, 1))
    x = _tokens(images)  # (N, 16, 64)
    turned = layers.Permute((2, 1))
    for _ in range(4):
        over_places = [layers.Dense(32, "gelu"), layers.Dense(16, use_bias=False)]
        x = layers.Add()([x, _through(x, _norm(), turned, *over_places, turned)])
        x = layers.Add()([x, _through(x, _norm(), layers.Dense(128, "gelu"), layers.Dense(64))])
    return _answer(images, x)


def _recurrent(cell: Callable[[int], Any]) -> Any:
    return Sequential([Input((28, 28)), cell(128), layers.Dense(10)])


_NETWORKS: Mapping[str, Callable[[], Any]] = {
    "mlp": _mlp,
    "cnn": _cnn,
    "compact": _compact,
    "resnet": _resnet,
    "vit": _vit,
    "mixer": _mixer,
    "lstm": lambda: _recurrent(layers.LSTM),
    "gru": lambda: _recurrent(layers.GRU),
}
