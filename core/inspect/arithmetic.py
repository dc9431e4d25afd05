"""The very arithmetic behind one number of a layer: what it took, with which weights, and what came out.

A number is named by its index in ``core.inspect.activations.Activation.values``. Where no weighted sum stands behind it, an
InputError says what does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.data.dataset import Images
from core.errors import InputError
from core.inspect.activations import (
    Activation,
    Floats,
    activations,
    as_floats,
    bias_of,
    computes_with_weights,
    kernel_of,
    one_image,
)
from core.inspect.copies import private_copy
from core.models.tcn import CausalConv1d

LARGEST = 10  # contributions that are named
GATES: Mapping[str, tuple[str, ...]] = {
    "RNN_TANH": ("new state",),
    "GRU": ("reset gate", "update gate", "candidate"),
    "LSTM": ("input gate", "forget gate", "candidate", "output gate"),
}  # in the order of torch's matrices
FORMULAS: Mapping[str, str] = {
    "RNN_TANH": "new state = tanh(from the input + from the state before + bias)",
    "GRU": "new state = (1 − update gate) × candidate + update gate × state before; the reset gate is multiplied with what the "
    "candidate takes from the state before",
    "LSTM": "new cell = forget gate × cell before + input gate × candidate; new state = output gate × tanh(new cell)",
}
_REASONS: Mapping[str, str] = {
    "pool": "Pooling has no weights: it keeps one number of each small square of what the layer before it made.",
    "norm": "A norm adds nothing up: it shifts and stretches each number of the layer before it.",
    "attention": "Attention has no weights of its own for each place: it mixes the tokens by how well they match, and its "
    "matrices show how.",
    "addition": "An addition has no weights: it is the sum of the layers that lead to it.",
    "learned": "These are learned numbers that are added to the layer before, one to each.",
    "joining": "Joining has no weights: it puts side by side what stands before it.",
    "mean": "A mean has no weights: every place counts the same.",
}


@dataclass(frozen=True, eq=False, slots=True)
class WeightedSum:
    """One number of a convolution or of a dense layer: the sum of inputs times weights, and the bias.

    inputs, weights: of a convolution the patch and the kernel (C_in, h, w), where a place beyond the edge is 0; of one along
    time (1, steps, numbers), or (1, numbers, steps) where the steps are columns; of a dense layer (D_in,)
    largest: positions of the largest contributions in the flattened inputs, the largest first
    before, after: the sum with the bias, and the same behind the activation
    """

    inputs: Floats
    weights: Floats
    largest: tuple[int, ...]
    product_sum: float
    bias: float
    before: float
    after: float

    @property
    def products(self) -> Floats:
        """What each input contributes, in the shape of the inputs."""
        return self.inputs * self.weights


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate of one unit: what it takes from the input, from the state before and as a bias, and its value behind its
    function (a sigmoid for gates, tanh for what is new)."""

    name: str
    from_input: float
    from_state: float
    bias: float
    value: float


@dataclass(frozen=True, eq=False, slots=True)
class RecurrentStep:
    """One unit of a memory at one step.

    inputs (D_in,): what the memory reads at this step · state_before (H,): what it remembers · formula: in words
    cell_before, cell_after: of an LSTM, else None · after: the new state of this unit
    """

    inputs: Floats
    state_before: Floats
    gates: tuple[Gate, ...]
    formula: str
    cell_before: float | None
    cell_after: float | None
    after: float


def arithmetic(
    module: nn.Module, image: Images, mean: float, std: float, layer: int, index: tuple[int, ...]
) -> WeightedSum | RecurrentStep:
    """How one number comes about.

    module, image, mean, std: as for ``activations`` · layer: its position there · index: of the number in its ``values``
    Raises InputError where it is no weighted sum, and for an index outside the layer
    """
    steps = activations(module, image, mean, std)
    if not 0 <= layer < len(steps):
        raise InputError(f"layer is {layer}, must be 0 to {len(steps) - 1}")
    step = steps[layer]
    shape = step.values.shape
    if len(index) != len(shape) or not all(0 <= i < size for i, size in zip(index, shape, strict=True)):
        raise InputError(f"index is {index}, must be within {shape}")
    network = private_copy(module)
    part: Any = dict(network.named_modules()).get(step.name)
    if isinstance(part, nn.RNNBase):
        return _recurrent_step(part, _taken(network, part, one_image(image, mean, std)), *index)
    if computes_with_weights(part):
        taken = _taken(network, part, one_image(image, mean, std))
        inputs, weights, bias = _window(part, taken, index) if step.kind == "maps" else _row(part, taken, step, index)
        return _summed(inputs, weights, bias, float(step.before[index]), float(step.values[index]))
    raise InputError(_reason(step))


def _reason(step: Activation) -> str:
    title = step.title.lower()
    reason = next((reason for word, reason in _REASONS.items() if word in title), None)
    return reason or f"No weighted sum stands behind a layer of this kind ({step.title})."


def _taken(network: nn.Module, part: nn.Module, pixel_values: Tensor) -> Tensor:
    """What a part of the network takes of one image, without the batch."""
    seen: list[Tensor] = []
    part.register_forward_pre_hook(lambda _part, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        network(pixel_values)
    return seen[-1][0]


def _summed(inputs: Tensor, weights: Tensor, bias: float, before: float, after: float) -> WeightedSum:
    products = (inputs * weights).flatten()
    largest = products.abs().argsort(descending=True, stable=True)[:LARGEST]
    return WeightedSum(
        as_floats(inputs), as_floats(weights), tuple(largest.tolist()), float(products.sum()), bias, before, after
    )


def _bias(part: Any, unit: int) -> float:
    bias = bias_of(part)
    return 0.0 if bias is None else float(bias[unit])


def _window(part: Any, taken: Tensor, index: tuple[int, ...]) -> tuple[Tensor, Tensor, float]:
    """Patch and kernel of a convolution over an image, (C_in, h, w) each."""
    unit, row, column = index
    if hasattr(part, "keras_layer"):
        layer, taken = part.keras_layer, taken.permute(2, 0, 1)
        strides, dilations, padding = layer.strides, layer.dilation_rate, layer.padding
    else:
        strides, dilations, padding = part.stride, part.dilation, part.padding
    kernel = kernel_of(part)[unit]
    height, width = kernel.shape[1:]
    spans = [dilation * (size - 1) for dilation, size in zip(dilations, (height, width), strict=True)]
    before = [span // 2 for span in spans] if padding == "same" else [0, 0] if padding == "valid" else list(padding)
    # Enough zeros behind the last place for any window, whatever the padding there is.
    padded = F.pad(taken, (before[1], spans[1], before[0], spans[0]))
    top, left = row * strides[0], column * strides[1]
    patch = padded[:, top : top + spans[0] + 1 : dilations[0], left : left + spans[1] + 1 : dilations[1]]
    return patch, kernel, _bias(part, unit)


def _row(part: Any, taken: Tensor, step: Activation, index: tuple[int, ...]) -> tuple[Tensor, Tensor, float]:
    """Inputs and weights of a dense layer, (D_in,) each, or of a convolution along time."""
    weights = kernel_of(part)
    if isinstance(part, nn.Conv1d):
        at, unit = index
        (dilation,), length = part.dilation, weights.shape[2]
        before = dilation * (length - 1) if isinstance(part, CausalConv1d) else 0
        window = F.pad(taken, (before, 0))[:, at : at + dilation * (length - 1) + 1 : dilation]  # (C_in, steps)
        pair = (window, weights[unit]) if step.by_columns else (window.T, weights[unit].T)
        return pair[0][None], pair[1][None], _bias(part, unit)
    if taken.ndim == 1:
        (unit,) = index
        return taken, weights[unit], _bias(part, unit)
    # Tokens stand in rows; what mixes them writes a row for each number of a token.
    written_sideways = step.kind == "tokens" and step.pictures is not None and step.pictures.kind == "places"
    at, unit = (index[1], index[0]) if written_sideways else index
    return taken[at], weights[unit], _bias(part, unit)


def _recurrent_step(memory: nn.RNNBase, sequence: Tensor, at: int, unit: int) -> RecurrentStep:
    """sequence (T, D_in): what the lowest of the memories reads"""
    backwards, unit = divmod(unit, memory.hidden_size)
    for layer in range(memory.num_layers - 1):
        directions = [unrolled(memory, sequence, layer, bool(back)) for back in range(1 + memory.bidirectional)]
        sequence = torch.cat([states for states, _ in directions], 1)
    states, cells = unrolled(memory, sequence, memory.num_layers - 1, bool(backwards))
    earlier = at + 1 if backwards else at - 1
    empty = torch.zeros(memory.hidden_size)
    begun = 0 <= earlier < len(states)
    state_before = states[earlier] if begun else empty
    cell_before = cells[earlier] if begun else empty
    w_input, w_state, b_input, b_state = _matrices(memory, memory.num_layers - 1, bool(backwards))
    from_input, from_state = w_input @ sequence[at], w_state @ state_before
    names = GATES[memory.mode]
    sums: list[tuple[float, float, float]] = []
    values: list[float] = []
    for number, name in enumerate(names):
        row = number * memory.hidden_size + unit
        taken, remembered = float(from_input[row]), float(from_state[row])
        bias = float(b_input[row] + b_state[row])
        if memory.mode == "GRU" and name == "candidate":
            # torch resets what the matrix made of the memory, its bias with it
            remembered = values[0] * (remembered + float(b_state[row]))
            bias = float(b_input[row])
        total = taken + remembered + bias
        squash = torch.sigmoid if "gate" in name else torch.tanh
        sums.append((taken, remembered, bias))
        values.append(float(squash(torch.tensor(total))))
    is_lstm = memory.mode == "LSTM"
    return RecurrentStep(
        as_floats(sequence[at]), as_floats(state_before),
        tuple(Gate(name, *parts, value) for name, parts, value in zip(names, sums, values, strict=True)),
        FORMULAS[memory.mode],
        float(cell_before[unit]) if is_lstm else None, float(cells[at, unit]) if is_lstm else None,
        float(states[at, unit]),
    )  # fmt: skip


def unrolled(memory: nn.RNNBase, sequence: Tensor, layer: int, backwards: bool) -> tuple[Tensor, Tensor]:
    """One memory of several, step by step: what it reads (T, D_in) -> its states and, of an LSTM, its cells, (T, H) each; the
    cells of others are zeros. A memory that reads backwards begins with the last step."""
    w_input, w_state, b_input, b_state = _matrices(memory, layer, backwards)
    state = cell = torch.zeros(memory.hidden_size)
    states, cells = torch.empty(2, len(sequence), memory.hidden_size)
    steps = range(len(sequence))
    for at in reversed(steps) if backwards else steps:
        taken, remembered = w_input @ sequence[at] + b_input, w_state @ state + b_state
        if memory.mode == "LSTM":
            into, forget, new, out = (taken + remembered).chunk(4)
            cell = forget.sigmoid() * cell + into.sigmoid() * new.tanh()
            state = out.sigmoid() * cell.tanh()
        elif memory.mode == "GRU":
            (r_in, z_in, n_in), (r_state, z_state, n_state) = taken.chunk(3), remembered.chunk(3)
            reset, update = (r_in + r_state).sigmoid(), (z_in + z_state).sigmoid()
            state = (1 - update) * (n_in + reset * n_state).tanh() + update * state
        else:
            state = (taken + remembered).tanh()
        states[at], cells[at] = state, cell
    return states, cells


def _matrices(memory: nn.RNNBase, layer: int, backwards: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    suffix = f"_l{layer}{'_reverse' if backwards else ''}"
    w_input, w_state, b_input, b_state = (
        memory.get_parameter(name + suffix).detach() for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    return w_input, w_state, b_input, b_state


def hidden_states(module: nn.Module, image: Images, mean: float, std: float) -> tuple[Floats, ...]:
    """What each memory of a recurrent network holds after each row or column, from the lowest to the highest: (T, D) each, with
    both directions side by side. () for a network without a memory."""
    network = private_copy(module)
    memory = next((part for part in network.modules() if isinstance(part, nn.RNNBase)), None)
    if memory is None:
        return ()
    sequence = _taken(network, memory, one_image(image, mean, std))
    layers: list[Floats] = []
    for layer in range(memory.num_layers):
        both = [unrolled(memory, sequence, layer, bool(back))[0] for back in range(1 + memory.bidirectional)]
        sequence = torch.cat(both, 1)
        layers.append(as_floats(sequence))
    return tuple(layers)
