"""What is said about a network's layers is what the network does."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from counted import count_multiply_adds, count_parameters
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm
from torch.utils.flop_counter import FlopCounterMode

from core import models
from core.config import run_config
from core.inspect.anatomy import HEADINGS, IMAGE, about, dissect, layers

NAMES = list(models.TABLE)


def take_apart(module_class: type[nn.Module]) -> list[tuple[str, tuple[int, ...], int, int, tuple[int, ...]]]:
    with torch.device("meta"):
        steps = dissect(module_class())
    return [(one.kind, one.output_shape, one.n_params, one.multiply_adds, one.inputs) for one in steps]


@pytest.mark.parametrize("name", NAMES)
def test_layers_add_up_to_the_whole_network(name: str) -> None:
    config = run_config(name, {})
    steps = layers(config)
    assert sum(one.n_params for one in steps) == count_parameters(config) == models.get(name).n_params(config.model)
    assert sum(one.multiply_adds for one in steps) == count_multiply_adds(config)
    assert steps[-1].output_shape == (10,)


@pytest.mark.parametrize("name", NAMES)
def test_every_layer_takes_what_an_earlier_one_hands_on_and_nothing_is_lost(name: str) -> None:
    steps = layers(run_config(name, {}))
    assert steps[0].inputs == (IMAGE,)
    assert all(one.inputs and max(one.inputs) < i for i, one in enumerate(steps))
    used = {source for one in steps for source in one.inputs}
    assert used == {IMAGE, *range(len(steps) - 1)}, "only the last one is not used by another"
    assert all(one.kind and all(size > 0 for size in one.output_shape) for one in steps)


@pytest.mark.parametrize(
    ("name", "values"),
    [("mlp", {"widths": "", "dropout": 0.5}), ("mlp", {"batch_norm": True}), ("cnn", {"channels": "3,5,7", "batch_norm": True}),
     ("lstm", {"layers": 2, "dropout": 0.3}), ("gru", {"layers": 3})],
    ids=str,
)  # fmt: skip
def test_it_follows_the_settings(name: str, values: dict[str, Any]) -> None:
    config = run_config(name, values)
    steps = layers(config)
    assert sum(one.n_params for one in steps) == count_parameters(config)
    assert sum(one.multiply_adds for one in steps) == models.get(name).multiply_adds(config.model)


def test_the_cnn_reads_as_its_text_tells_it() -> None:
    kinds = [(one.kind, one.output_shape) for one in layers(run_config("cnn", {}))]
    assert kinds == [
        ("convolution 3 × 3", (32, 28, 28)), ("max pooling 2 × 2, ReLU", (32, 14, 14)),
        ("convolution 3 × 3", (64, 14, 14)), ("max pooling 2 × 2, ReLU", (64, 7, 7)),
        ("dense, ReLU", (128,)), ("dense, ReLU", (64,)), ("dense", (10,)),
    ]  # fmt: skip


def test_a_recurrent_layer_is_one_layer_that_hands_on_its_sequence() -> None:
    memory, head = layers(run_config("lstm", {}))
    assert (memory.name, memory.kind, memory.output_shape) == ("memory", "LSTM", (28, 128))
    assert memory.multiply_adds == 28 * 4 * 128 * (28 + 128)
    assert (head.kind, head.inputs) == ("dense", (0,))


class GatedUnits(nn.Module):
    """A layer whose class nobody has a word for."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(28, 28))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight


class RNNLike(GatedUnits):
    pass


class Along(nn.Module):
    """Windows in one dimension, and layers without a word."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            GatedUnits(), RNNLike(), nn.Conv1d(28, 4, 5, stride=2), nn.Conv1d(4, 4, 3), nn.MaxPool1d(2), nn.Flatten(),
            nn.Linear(20, 10),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x.flatten(1, 2))


def test_windows_in_one_dimension_and_unknown_layers_have_words() -> None:
    assert [kind for kind, *_ in take_apart(Along)] == [
        "gated units", "RNN like", "convolution 5, stride 2", "convolution 3", "max pooling 2", "dense",
    ]  # fmt: skip


class CausalConv1d(nn.Conv1d):
    """A layer of one's own that pads, then does what torch's does."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, (2 * self.dilation[0], 0)))


class Normalised(nn.Module):
    """Weights that are computed from others: a length and a direction for each detector."""

    def __init__(self) -> None:
        super().__init__()
        self.near = weight_norm(CausalConv1d(28, 4, 3))
        self.far = weight_norm(CausalConv1d(4, 4, 3, dilation=4))
        self.offset, self.scale = nn.Parameter(torch.zeros(4, 1)), nn.Parameter(torch.zeros(1))
        self.head = weight_norm(nn.Linear(4, 10))

    def forward(self, x: Tensor) -> Tensor:
        x = self.far(self.near(x.flatten(1, 2)).relu())
        x = x + self.scale * self.offset
        return self.head(x[:, :, -1])


def test_weights_computed_from_weights_count_in_the_layer_that_uses_them() -> None:
    assert take_apart(Normalised) == [
        ("causal convolution 3, ReLU", (4, 28), 4 * (3 * 28 + 2), 28 * 4 * 3 * 28, (IMAGE,)),
        ("causal convolution 3, dilation 4", (4, 28), 4 * (3 * 4 + 2), 28 * 4 * 3 * 4, (0,)),
        ("learned offset", (4,), 5, 0, (1,)),
        ("dense", (10,), 10 * (4 + 2), 40, (2,)),
    ]


class Shortcut(nn.Module):
    """Functions instead of modules, a way around, a learned offset."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(784, 784, bias=False)
        self.offset = nn.Parameter(torch.zeros(784))
        self.head = nn.Linear(784, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1) + self.offset
        x = F.relu(x + self.inner(x).mul(0.5))
        return self.head(x)


def test_ways_around_and_learned_offsets_are_seen_without_a_module_of_their_own() -> None:
    assert take_apart(Shortcut) == [
        ("learned offset", (784,), 784, 0, (IMAGE,)),
        ("dense", (784,), 784 * 784, 784 * 784, (0,)),
        ("addition, ReLU", (784,), 0, 0, (0, 1)),
        ("dense", (10,), 7850, 7840, (2,)),
    ]


class Twice(nn.Module):
    """One layer gone through twice, its two results side by side, a mean over them, torch's own attention."""

    def __init__(self) -> None:
        super().__init__()
        self.same = nn.Linear(28, 28)
        self.look = nn.MultiheadAttention(28, 4, batch_first=True)
        self.head = nn.Linear(28, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1, 2)
        x = torch.cat([self.same(x), torch.tanh(self.same(x))], 1)
        x, _ = self.look(x, x, x, need_weights=False)
        return self.head(x.mean(1))


def test_weights_used_twice_count_once_and_work_done_twice_counts_twice() -> None:
    assert take_apart(Twice) == [
        ("dense", (28, 28), 28 * 29, 28**3, (IMAGE,)),
        ("dense, tanh", (28, 28), 0, 28**3, (IMAGE,)),
        ("joining", (56, 28), 0, 0, (0, 1)),
        ("attention", (56, 28), 4 * 28 * 29, 56 * 28 * 28 * 4 + 2 * 56 * 56 * 28, (2,)),
        ("mean", (28,), 0, 0, (3,)),
        ("dense", (10,), 290, 280, (4,)),
    ]


@pytest.mark.parametrize("module_class", [Shortcut, Twice])
def test_the_work_is_that_of_torchs_own_counter(module_class: type[nn.Module]) -> None:
    with torch.device("meta"):
        module = module_class().eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(torch.empty(1, 1, 28, 28, device="meta"))
    assert 2 * sum(work for _, _, _, work, _ in take_apart(module_class)) == counter.get_total_flops()


def test_what_another_thread_computes_is_not_seen_and_not_touched() -> None:
    alone = layers(run_config("lstm", {}))
    stop, faults = threading.Event(), []

    def train() -> None:
        try:
            module = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 1))
            while not stop.is_set():
                module(torch.ones(2, 8)).sum().backward()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
            faults.append(error)

    thread = threading.Thread(target=train)
    thread.start()
    try:
        assert [layers(run_config("lstm", {})) for _ in range(3)] == [alone] * 3
    finally:
        stop.set()
        thread.join()
    assert not faults


@pytest.mark.parametrize("name", NAMES)
def test_taking_apart_draws_no_random_number(name: str) -> None:
    before = torch.random.get_rng_state()
    layers(run_config(name, {}))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("name", NAMES)
def test_each_file_says_what_it_is_about(name: str) -> None:
    parts = about(name)
    assert tuple(parts) == HEADINGS
    assert all(len(text) > 20 and "\n" not in text for text in parts.values())
