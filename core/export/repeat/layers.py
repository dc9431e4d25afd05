"""A layer of torch as the line of code that makes it, and a network as a class of such lines."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import indent
from typing import Any

from torch import nn

ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.GELU, nn.SiLU, nn.ELU, nn.Tanh, nn.Sigmoid)


def layer(module: Any) -> str:
    """``nn.Linear(784, 128)``; "" for one that changes nothing, such as a dropout of 0."""
    name, bias = f"nn.{type(module).__name__}", "" if getattr(module, "bias", None) is not None else ", bias=False"
    match module:
        case nn.Linear():
            return f"{name}({module.in_features}, {module.out_features}{bias})"
        case nn.Conv2d():
            stride = f", {module.stride[0]}" if module.stride[0] > 1 else ""
            padding = module.padding if isinstance(module.padding, str) else module.padding[0]
            shown = f", padding={padding!r}".replace("'", '"') if padding not in (0, "valid") else ""
            return f"{name}({module.in_channels}, {module.out_channels}, {module.kernel_size[0]}{stride}{shown}{bias})"
        case nn.BatchNorm1d() | nn.BatchNorm2d():
            return f"{name}({module.num_features}{'' if module.momentum == 0.1 else f', momentum={module.momentum}'})"
        case nn.LayerNorm():
            return f"{name}({module.normalized_shape[0]})"
        case nn.Dropout():
            return f"{name}({module.p})" if module.p else ""
        case nn.MaxPool2d() | nn.AvgPool2d():
            return f"{name}({module.kernel_size})"
        case nn.AdaptiveAvgPool2d() | nn.AdaptiveMaxPool2d():
            return f"{name}({module.output_size})"
        case nn.Identity():
            return ""
        case _ if isinstance(module, ACTIVATIONS):
            return f"{name}()"
    raise TypeError(f"{name} has no line of code yet")


def field(name: str, module: Any) -> str:
    """``self.name = …``; a row of layers has one line each, and "" stands for a layer that changes nothing."""
    if not isinstance(module, nn.Sequential):
        return f"self.{name} = {layer(module)}" if layer(module) else ""
    lines = [f"    {text}," for text in map(layer, module) if text]
    return "\n".join([f"self.{name} = nn.Sequential(", *lines, ")"]) if lines else f"self.{name} = nn.Sequential()"


def fields(built: Any, *names: str) -> list[str]:
    """The fields of a network by their names, in the order in which they are made."""
    return [line for line in (field(name, getattr(built, name)) for name in names) if line]


def module_class(name: str, doc: str, arguments: str, layers: Sequence[str], forward: Sequence[str]) -> str:
    """A class of torch: its layers, and the lines of its ``forward``."""
    made, lines = indent("\n".join(layers), " " * 8), indent("\n".join(forward), " " * 8)
    return f'''\
class {name}(nn.Module):
    """{doc}"""

    def __init__(self{arguments}):
        super().__init__()
{made}

    def forward(self, x):
{lines}'''


def network_class(doc: str, layers: Sequence[str], forward: Sequence[str]) -> str:
    """The class of the whole network: images (N, 1, 28, 28) -> logits (N, 10)."""
    return module_class("Network", f"{doc}\n\n    (N, 1, 28, 28) -> logits (N, 10)\n    ", "", layers, forward)
