"""The two networks in Keras: a ``keras.Sequential`` that computes with torch, inside a module of torch."""

from __future__ import annotations

from textwrap import indent
from typing import Any

from core.export.repeat.layers import network_class

DROPOUT = '''\
class Dropout(keras.layers.Layer):
    """Keras' own dropout, but with torch's random numbers instead of a seed of its own."""

    def __init__(self, share):
        super().__init__()
        self.share = share

    def call(self, inputs, training=False):
        return F.dropout(inputs, self.share, training)

    def compute_output_shape(self, input_shape):
        return input_shape
'''
GLOROT = '''\
def glorot():
    """Keras' default for weights (Glorot and Bengio 2010), decided by torch's random numbers."""
    return keras.initializers.GlorotUniform(int(torch.randint(2**31, ())))
'''


def keras_network(built: Any, config: Any, first: list[str]) -> str:
    """built: a ``KerasNetwork`` · first: lines of ``forward`` that come before all others"""
    lines = [_layer(one.keras_layer) for one in built.layers]
    rows = ["keras.Input((28, 28, 1)),", *(f"{line}," for line in lines if line)]
    layers = [
        "with keras.device(DEVICE):", indent("self.layers = keras.Sequential([", " " * 4),
        indent("\n".join(rows), " " * 8), "    ])",
    ]  # fmt: skip
    layers = ["\n".join(layers)]
    forward = [
        *first, "x = x.permute(0, 2, 3, 1)  # (N, 28, 28, 1): in Keras, channels stand last",
        "with keras.device(DEVICE):", "    return self.layers(x, training=self.training)  # (N, 10)",
    ]  # fmt: skip
    parts = [*([DROPOUT] if config.dropout else []), GLOROT]
    doc = "Layers of Keras, computed by torch."
    return "\n\n".join([*parts, network_class(doc, layers, forward)])


def _layer(layer: Any) -> str:
    """The call that makes a layer; "" for one that changes nothing."""
    values, name = layer.get_config(), type(layer).__name__
    match name:
        case "Conv2D":
            size = values["kernel_size"][0]
            return f'keras.layers.Conv2D({values["filters"]}, {size}, padding="same", kernel_initializer=glorot())'
        case "Dense":
            return f"keras.layers.Dense({values['units']}, kernel_initializer=glorot())"
        case "MaxPooling2D":
            return f"keras.layers.MaxPooling2D({values['pool_size'][0]})"
        case "Activation":
            return "" if values["activation"] == "linear" else f'keras.layers.Activation("{values["activation"]}")'
        case "Flatten" | "BatchNormalization":
            return f"keras.layers.{name}()"
        case "Dropout":
            return f"Dropout({layer.share})"
    raise TypeError(f"{name} has no line of code yet")
