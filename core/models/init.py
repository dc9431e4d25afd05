"""Starting weights other than those that torch or Keras would draw.

He: He, Zhang, Ren and Sun 2015, equation 10. Glorot: Glorot and Bengio 2010, equation 16. Orthogonal: Saxe, McClelland and
Ganguli 2014. Biases begin at 0 with each of them; of a recurrent layer, each gate's matrix is drawn for itself.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

SMALL, LARGE = 0.01, 10.0  # times He
_NORMS = (nn.LayerNorm, nn.GroupNorm, nn.modules.batchnorm._BatchNorm)
_LAYERS = (nn.Linear, nn.modules.conv._ConvNd, nn.RNNBase)


def initialise(module: nn.Module, init: str, generator: torch.Generator) -> nn.Module:
    """The same module, on the CPU, with its layers' weights drawn anew by the generator; "default" leaves them as they are.

    init: as ``core.config.Init`` has it. Normalisation layers stay. So do learned positions, but "zeros" means them too.
    """
    if init == "default":
        return module
    with torch.no_grad():
        for part in _parts(module):
            if init == "zeros":
                for weight in part.parameters(recurse=False):
                    weight.zero_()
            if isinstance(part, _LAYERS) or hasattr(part, "keras_layer"):
                _fill(part, init, generator)
    return module


def _parts(module: nn.Module) -> Iterator[nn.Module]:
    """The module and all inside it, but for norms, and for what computes one layer's weight from others."""
    for part in module.modules():
        is_norm = "Normalization" in type(getattr(part, "keras_layer", None)).__name__ or isinstance(part, _NORMS)
        # torch names the class of a layer with such a weight there, too.
        is_helper = type(part).__module__.startswith("torch.nn.utils.parametri") and not is_parametrized(part)
        if not is_norm and not is_helper:
            yield part


def _fill(part: nn.Module, init: str, generator: torch.Generator) -> None:
    if is_parametrized(part, "weight"):  # weight norm keeps a length beside each direction, and 0 has no direction
        if init == "zeros":
            part.get_parameter("parametrizations.weight.original0").zero_()
        else:
            directions = part.get_parameter("parametrizations.weight.original1")
            setattr(part, "weight", _drawn(tuple(directions.shape), init, generator))  # noqa: B010 - only some modules have it
    for weight in part.parameters(recurse=False):
        if weight.ndim < 2 or init == "zeros":
            weight.zero_()
        elif isinstance(part, nn.RNNBase):
            for gate in weight.chunk(len(weight) // part.hidden_size):
                gate.copy_(_drawn(tuple(gate.shape), init, generator))
        elif hasattr(part, "keras_layer"):  # (window, inputs, outputs) instead of (outputs, inputs, window)
            *window, n_in, n_out = weight.shape
            drawn = _drawn((n_out, n_in, *window), init, generator)
            weight.copy_(drawn.permute(*range(2, drawn.ndim), 1, 0))
        else:
            weight.copy_(_drawn(tuple(weight.shape), init, generator))


def _drawn(shape: tuple[int, ...], init: str, generator: torch.Generator) -> Tensor:
    """(outputs, inputs, window)"""
    weight = torch.empty(shape)
    if init == "glorot":
        return nn.init.xavier_uniform_(weight, generator=generator)
    if init == "orthogonal":
        return nn.init.orthogonal_(weight, generator=generator)
    scale = {"small": SMALL, "large": LARGE}.get(init, 1.0)
    return nn.init.kaiming_normal_(weight, nonlinearity="relu", generator=generator).mul_(scale)
