"""Where the weights of a network stand, of every architecture alike: its matrices, and the units of its hidden layers."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized, type_before_parametrizations

from core.data.dataset import SIDE
from core.inspect.activations import computes_with_weights


class Units(NamedTuple):
    """The units of one layer, along the first axis of each tensor. weights: what they multiply with · others: their biases, and
    what the norm directly behind them multiplies with and adds"""

    n: int
    weights: tuple[Tensor, ...]
    others: tuple[Tensor, ...]

    def lengths(self) -> Tensor:
        """(n,) the L2 norm of each unit's weights."""
        squares = [weight.square().flatten(1).sum(1) for weight in self.weights]
        return torch.stack(squares).sum(0).sqrt()


class Layout(NamedTuple):
    """The tensors of a network, to be changed in place.

    weights: of its dense, convolutional and recurrent layers, as they are kept · rows: the same, (units or gates, ...)
    hidden: the units of all these layers but the last · n_numbers: parameters and statistics, all that an answer depends on
    """

    weights: tuple[Tensor, ...]
    rows: tuple[Tensor, ...]
    hidden: tuple[Units, ...]
    n_numbers: int


def unfolded(network: nn.Module) -> nn.Module:
    """The same network, in whose parts each weight stands as it is used, not as the direction and length of weight norm."""
    for part in network.modules():
        if is_parametrized(part, "weight"):
            # remove_parametrizations would change the class, which a copy shares with the network that it was made of.
            weight = _weight(part).detach()
            part.__class__ = type_before_parametrizations(part)
            del part.parametrizations
            part.register_parameter("weight", nn.Parameter(weight))
    return network


def layout(network: nn.Module) -> Layout:
    """Where everything stands. network: ``unfolded``, in eval mode on the CPU; one image passes it."""
    order, norms = _passed(network)
    weights: list[Tensor] = []
    rows: list[Tensor] = []
    units: list[Units] = []
    for part in order:
        if isinstance(part, nn.RNNBase):
            own = [weight for name, weight in part.named_parameters() if name.startswith("weight")]
            weights += own
            rows += own
            units += _memories(part)
        else:
            weight = _weight(part)
            weights.append(weight)
            rows.append(_units_first(part, weight))
            others = [part.bias, *_scale_and_shift(norms[part])] if part in norms else [part.bias]
            units.append(Units(len(rows[-1]), (rows[-1],), tuple(other for other in others if other is not None)))
    statistics = [values for values in network.buffers() if values.is_floating_point()]
    n_numbers = sum(values.numel() for values in (*network.parameters(), *statistics))
    return Layout(tuple(weights), tuple(rows), tuple(units[:-1]), n_numbers)


def _passed(network: nn.Module) -> tuple[list[Any], dict[Any, Any]]:
    """The layers with weights in the order in which an image passes them, the last one is the answer; and of those that have
    one, the batch norm directly behind."""
    order: list[Any] = []
    norms: dict[Any, Any] = {}
    made_by: dict[int, Any] = {}
    alive: list[Tensor] = []  # the id of a tensor that is let go of could come back as another's

    def note(part: Any, inputs: tuple[Tensor, ...], output: Any) -> None:
        if _is_batch_norm(part):
            if id(inputs[0]) in made_by:
                norms[made_by[id(inputs[0])]] = part
            return
        order.append(part)
        if isinstance(output, Tensor):
            made_by[id(output)] = part
            alive.append(output)

    parts = [
        part for part in network.modules()
        if computes_with_weights(part) or isinstance(part, nn.RNNBase) or _is_batch_norm(part)
    ]  # fmt: skip
    hooks = [part.register_forward_hook(note) for part in parts]
    with torch.no_grad():
        network(torch.zeros(1, 1, SIDE, SIDE))
    for hook in hooks:
        hook.remove()
    return order, norms


def _is_batch_norm(part: Any) -> bool:
    if hasattr(part, "keras_layer"):
        return hasattr(part, "gamma") and hasattr(part, "moving_mean")
    return isinstance(part, (nn.BatchNorm1d, nn.BatchNorm2d))


def _scale_and_shift(norm: Any) -> tuple[Tensor, Tensor]:
    return (norm.gamma, norm.beta) if hasattr(norm, "keras_layer") else (norm.weight, norm.bias)


def _weight(part: Any) -> Tensor:
    weight: Tensor = part.kernel if hasattr(part, "keras_layer") else part.weight
    return weight


def _units_first(part: Any, weight: Tensor) -> Tensor:
    """A view of a layer's weights with what it makes along the first axis; Keras has it last."""
    return weight.movedim(-1, 0) if hasattr(part, "keras_layer") else weight


def _memories(part: nn.RNNBase) -> list[Units]:
    """Each memory of a recurrent layer: a unit has a row for each gate, in the weights for the image and for the memory."""
    gates = len(part.get_parameter("bias_ih_l0")) // part.hidden_size
    suffixes = [
        f"l{level}{way}" for level in range(part.num_layers) for way in ("", "_reverse")[: 1 + part.bidirectional]
    ]

    def of(name: str) -> Tensor:
        values = part.get_parameter(name)
        return values.view(gates, part.hidden_size, *values.shape[1:]).transpose(0, 1)

    return [
        Units(
            part.hidden_size,
            (of(f"weight_ih_{suffix}"), of(f"weight_hh_{suffix}")),
            (of(f"bias_ih_{suffix}"), of(f"bias_hh_{suffix}")),
        )
        for suffix in suffixes
    ]
