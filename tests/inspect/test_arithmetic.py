"""Every number that can be clicked equals its own arithmetic, and where there is none, a sentence says so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from core.config import run_config
from core.errors import InputError
from core.inspect.activations import activations
from core.inspect.arithmetic import RecurrentStep, WeightedSum, arithmetic, hidden_states
from core.machine.precision import with_private_init
from tests.inspect.networks import MEAN, STD, digit, every_architecture, network, nothing_changed, taken

WITH_A_SUM = ("Dense", "Convolution", "Causal")


def some_indices(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Both corners and a place between them."""
    return [tuple(0 for _ in shape), tuple(size - 1 for size in shape), tuple(size // 2 for size in shape)]


@every_architecture
def test_every_sum_is_the_number_that_the_layer_has(name: str) -> None:
    module, image = network(name), digit()
    steps = activations(module, image, MEAN, STD)
    kinds = set()
    with nothing_changed(module):
        for position, step in enumerate(steps):
            if not step.title.startswith((*WITH_A_SUM, "RNN", "GRU", "LSTM")):
                with pytest.raises(InputError, match=r"^(?!No weighted sum stands).*\.$"):
                    arithmetic(module, image, MEAN, STD, position, (0,) * step.values.ndim)
                continue
            for index in some_indices(step.values.shape):
                result = arithmetic(module, image, MEAN, STD, position, index)
                kinds.add(type(result))
                assert result.after == pytest.approx(step.values[index], abs=1e-6)
                if isinstance(result, WeightedSum):
                    np.testing.assert_allclose(
                        result.product_sum + result.bias, step.before[index], rtol=1e-4, atol=1e-4
                    )
                    np.testing.assert_allclose(result.products.sum(), result.product_sum, rtol=1e-4, atol=1e-4)
                    largest = np.abs(result.products.ravel())[list(result.largest)]
                    assert largest[0] == np.abs(result.products).max()
                    assert (np.diff(largest) <= 0).all()
    assert WeightedSum in kinds
    assert (RecurrentStep in kinds) == (name in ("rnn", "gru", "lstm"))


@pytest.mark.parametrize(
    ("name", "values"),
    [("cnn", {"kernel": 4, "channels": "3,2"}), ("keras-cnn", {"kernel": 4, "channels": "3,2"}),
     ("tcn", {"width": 4, "blocks": 2, "direction": "columns"}), ("mixer", {"patch": 14, "depth": 1, "width": 8})],
    ids=str,
)  # fmt: skip
def test_odd_windows_are_cut_where_the_layer_cuts_them(name: str, values: dict[str, Any]) -> None:
    module, image = with_private_init(name, run_config(name, values).model).eval(), digit(3)
    for position, step in enumerate(activations(module, image, MEAN, STD)):
        if step.title.startswith(WITH_A_SUM):
            for index in some_indices(step.values.shape):
                result = arithmetic(module, image, MEAN, STD, position, index)
                assert result.product_sum + result.bias == pytest.approx(step.before[index], rel=1e-4, abs=1e-4)
                assert result.inputs.shape == result.weights.shape


@pytest.mark.parametrize("name", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("values", [{}, {"layers": 2, "bidirectional": True, "direction": "columns"}], ids=str)
def test_a_step_of_a_memory_follows_from_its_gates(name: str, values: dict[str, Any]) -> None:
    module, image = with_private_init(name, run_config(name, {"hidden": 5, **values}).model).eval(), digit()
    states = activations(module, image, MEAN, STD)[0].values
    for at, unit in ((0, 0), (27, states.shape[1] - 1), (13, 2)):
        step = arithmetic(module, image, MEAN, STD, 0, (at, unit))
        assert isinstance(step, RecurrentStep)
        gates = {gate.name: gate.value for gate in step.gates}
        if name == "rnn":
            expected = gates["new state"]
        elif name == "gru":
            before = step.state_before[unit % 5]
            expected = (1 - gates["update gate"]) * gates["candidate"] + gates["update gate"] * before
        else:
            cell = gates["forget gate"] * step.cell_before + gates["input gate"] * gates["candidate"]
            assert cell == pytest.approx(step.cell_after, abs=1e-5)
            expected = gates["output gate"] * np.tanh(cell)
        assert expected == pytest.approx(states[at, unit], abs=1e-5)
        assert step.after == pytest.approx(states[at, unit], abs=1e-5)
        for gate in step.gates:
            total = gate.from_input + gate.from_state + gate.bias
            squashed = 1 / (1 + np.exp(-total)) if "gate" in gate.name else np.tanh(total)
            assert squashed == pytest.approx(gate.value, abs=1e-5)


def test_each_memory_of_several_has_its_states() -> None:
    module = with_private_init("gru", run_config("gru", {"hidden": 4, "layers": 3, "bidirectional": True}).model).eval()
    layers = hidden_states(module, digit(), MEAN, STD)
    assert [states.shape for states in layers] == [(28, 8)] * 3
    first = nn.GRU(28, 4, 1, batch_first=True, bidirectional=True)
    first.load_state_dict({key: value for key, value in module.memory.state_dict().items() if "_l0" in key})
    with torch.no_grad():
        expected, _ = first(taken(digit()).flatten(1, 2))
        top, _ = module.memory(taken(digit()).flatten(1, 2))
    np.testing.assert_allclose(layers[0], expected[0].numpy(), atol=1e-5)
    np.testing.assert_allclose(layers[2], top[0].numpy(), atol=1e-5)
    assert hidden_states(network("cnn"), digit(), MEAN, STD) == ()


@pytest.mark.parametrize(("layer", "index"), [(99, (0,)), (0, (99,)), (0, (0, 0)), (-1, (0,))])
def test_a_number_that_is_not_there_is_refused(layer: int, index: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"must be (0 to 0|within \(10,\))"):
        arithmetic(network("softmax"), digit(), MEAN, STD, layer, index)
