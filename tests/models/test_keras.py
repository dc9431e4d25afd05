"""A Keras network keeps torch's customs: the limits of ``keras.Model`` in a torch loop, one sentence each."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core import models
from core.config import run_config
from core.inspect.anatomy import layers
from core.runs.artefacts import pack, unpack

ROOT = Path(__file__).parents[2]
TWINS = {"keras-dense": "mlp", "keras-cnn": "cnn"}
NAMES = list(TWINS)


def build(name: str, **values: Any) -> nn.Module:
    torch.manual_seed(0)
    return models.get(name).build(run_config(name, values).model)


def images(n: int = 8) -> Tensor:
    return torch.randn(n, 1, 28, 28, generator=torch.Generator().manual_seed(1))


def answers(module: nn.Module) -> Tensor:
    with torch.inference_mode():
        logits: Tensor = module.eval()(images())
    return logits


def as_torch(name: str, network: nn.Module) -> list[Tensor]:
    """The weights of a Keras network in the order and the layout of its twin in torch."""
    turned = []
    for weight in network.parameters():
        if weight.ndim == 4:
            weight = weight.permute(3, 2, 0, 1)
        elif weight.ndim == 2:
            if name == "keras-cnn" and len(weight) == 7 * 7 * 64:  # behind the flattening, where channels stand last
                weight = weight.unflatten(0, (7, 7, 64)).permute(2, 0, 1, 3).flatten(0, 2)
            weight = weight.T
        turned.append(weight)
    return turned


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "values",
    [
        {},
        {"activation": "gelu", "dropout": 0.5},
        *({"activation": name} for name in ("sigmoid", "silu", "elu", "none")),
    ],
    ids=str,
)
def test_with_the_same_weights_it_answers_as_its_twin_in_torch(name: str, values: dict[str, Any]) -> None:
    network, twin = build(name, **values), build(TWINS[name], **values)
    with torch.no_grad():
        for weight, value in zip(twin.parameters(), as_torch(name, network), strict=True):
            weight.copy_(value)
    torch.testing.assert_close(answers(network), answers(twin), rtol=1e-4, atol=1e-5)


def test_it_answers_as_an_ordinary_keras_model_in_both_modes() -> None:
    from core.models.keras.adapter import keras

    network = build("keras-dense", widths="6", activation="leaky-relu", batch_norm=True)
    with keras.device("cpu"):
        ordinary = keras.Sequential(
            [
                keras.Input((28, 28, 1)),
                keras.layers.Flatten(),
                keras.layers.Dense(6),
                keras.layers.BatchNormalization(),
                keras.layers.Activation("leaky_relu"),
                keras.layers.Dense(10),
            ]
        )
        for variable, value in zip(ordinary.weights, network.state_dict().values(), strict=True):
            variable.assign(value)
        for training in (True, False):  # the first call moves the running statistics, the second uses them
            network.train(training)
            expected = ordinary(images().permute(0, 2, 3, 1), training=training)
            torch.testing.assert_close(network(images()), expected)
    for variable, value in zip(ordinary.weights, network.state_dict().values(), strict=True):
        torch.testing.assert_close(variable.value.detach(), value)


def test_train_and_eval_switch_dropout_and_batch_norm() -> None:
    network = build("keras-dense", widths="32", dropout=0.5, batch_norm=True)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert torch.equal(answers(network), answers(network))
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    network.train()
    assert not torch.equal(network(images()), network(images()))
    moved = {
        name.split(".")[-1] for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])
    }
    assert moved == {"moving_mean", "moving_variance"}


def test_parameters_are_what_is_learned_and_the_state_holds_the_statistics_too() -> None:
    network = build("keras-dense", widths="6", dropout=0.5, batch_norm=True)
    assert all(weight.requires_grad for weight in network.parameters())
    kinds = [name.split(".")[-1] for name in network.state_dict()]
    assert kinds == ["kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance", "kernel", "bias"]
    assert [name.split(".")[-1] for name, _ in network.named_buffers()] == ["moving_mean", "moving_variance"]


@pytest.mark.parametrize("name", NAMES)
def test_all_weights_exist_before_the_first_batch_and_every_step_moves_them(name: str) -> None:
    network = build(name)
    before = [weight.detach().clone() for weight in network.parameters()]
    optimizer = torch.optim.Adam(network.parameters(), 0.01, fused=True)
    nn.functional.cross_entropy(network(images()), torch.arange(8)).backward()
    optimizer.step()
    after = list(network.parameters())
    assert sum(weight.numel() for weight in before) == models.get(name).n_params(run_config(name, {}).model)
    assert all(not torch.equal(old, new) for old, new in zip(before, after, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_weights_travel_by_names_that_do_not_depend_on_what_was_built_before(name: str) -> None:
    network = build(name, batch_norm=True)
    network.train()(images())
    stored = unpack(pack({}, {key: tensor.numpy() for key, tensor in network.state_dict().items()}))[1]
    weights = {key: torch.from_numpy(array) for key, array in stored.items()}
    sibling = build(name, batch_norm=True)
    sibling.load_state_dict(weights)
    with torch.device("meta"):
        shadow = build(name, batch_norm=True)
    assert all(tensor.is_meta for tensor in shadow.state_dict().values())
    shadow.load_state_dict(weights, assign=True)
    for other in (sibling, shadow):
        assert torch.equal(answers(other), answers(network))
    with pytest.raises(RuntimeError, match=r"layers\.\d"):
        build(TWINS[name]).load_state_dict(weights)


def test_the_number_format_is_the_same_in_every_thread_and_whatever_its_policy() -> None:
    from core.models.keras.adapter import keras

    def build_elsewhere() -> nn.Module:
        keras.config.set_dtype_policy("mixed_bfloat16")  # of that thread only
        return build("keras-cnn", channels="4", batch_norm=True, dropout=0.2)

    here = build("keras-cnn", channels="4", batch_norm=True, dropout=0.2)
    with ThreadPoolExecutor(1) as pool:
        elsewhere = pool.submit(build_elsewhere).result()
        expected = answers(here)
        assert torch.equal(answers(elsewhere), expected)
        assert torch.equal(pool.submit(answers, here).result(), expected)
    assert {tensor.dtype for tensor in elsewhere.state_dict().values()} == {torch.float32}


def test_it_starts_as_keras_starts_and_not_as_torch() -> None:
    from core.models.keras import adapter as keras_adapter

    network = build("keras-dense")
    kernels = [weight for weight in network.parameters() if weight.ndim == 2]
    for kernel, (n_in, n_out) in zip(kernels, pairwise((784, 128, 64, 10)), strict=True):
        limit = (6 / (n_in + n_out)) ** 0.5
        assert 0.95 * limit < kernel.abs().max() < limit
    assert all(not weight.any() for weight in network.parameters() if weight.ndim == 1)
    norm = keras_adapter.norm_and_activation("relu", batch_norm=True)[0]
    assert (norm.momentum, norm.epsilon) == (0.99, 0.001)


def test_only_torchs_random_numbers_decide_and_no_others_are_drawn() -> None:
    values = {"dropout": 0.5, "batch_norm": True}
    python, numpy = random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002 - the global one must not move
    first = build("keras-dense", **values).train()(images())
    assert random.getstate() == python
    assert np.array_equal(np.random.get_state()[1], numpy)  # noqa: NPY002
    random.seed(5)
    assert torch.equal(first, build("keras-dense", **values).train()(images()))
    kernels = [weight for weight in build("keras-dense", widths="10,10,10").parameters() if weight.shape == (10, 10)]
    assert not torch.equal(kernels[0], kernels[1])


@pytest.mark.parametrize("name", NAMES)
def test_building_without_memory_draws_nothing(name: str) -> None:
    state = torch.get_rng_state()
    with torch.device("meta"):
        models.get(name).build(run_config(name, {"dropout": 0.5}).model)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", NAMES)
def test_half_precision_changes_the_answers_a_little(name: str) -> None:
    network = build(name, batch_norm=True)
    exact = answers(network)
    with torch.autocast("cpu", torch.bfloat16):
        rough = answers(network)
    assert not torch.equal(rough, exact)
    torch.testing.assert_close(rough.float(), exact, rtol=0.1, atol=0.1)


@pytest.mark.parametrize("name", NAMES)
def test_its_layers_are_those_of_its_twin(name: str) -> None:
    values = {"batch_norm": True, "dropout": 0.2}
    ours, theirs = (layers(run_config(one, values)) for one in (name, TWINS[name]))
    facts = [
        [(layer.kind, layer.n_params, layer.multiply_adds, layer.inputs) for layer in one] for one in (ours, theirs)
    ]
    assert facts[0] == facts[1]


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    surroundings = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"} | environment
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=surroundings, capture_output=True, text=True, check=False
    )


def holds(code: str) -> None:
    """Nothing that these lines assert is wrong, in a process of its own."""
    done = python(code)
    assert done.returncode == 0, done.stderr


def test_another_backend_is_refused_in_one_sentence() -> None:
    code = "from core.config import run_config; from core.machine.device import preflight; preflight(run_config({!r}, {{}}))"
    refusal = python(code.format("keras-dense"), KERAS_BACKEND="jax").stderr.splitlines()[-1]
    assert refusal.startswith("core.errors.ConfigError: ")
    assert "KERAS_BACKEND=torch" in refusal
    assert "jax" in refusal
    assert python(code.format("mlp"), KERAS_BACKEND="jax").returncode == 0


def test_nothing_waits_for_keras_until_such_a_network_is_built() -> None:
    code = (
        "import sys, core.cli.app; from core import config, models; from core.machine import device\n"
        "device.preflight(config.run_config('mlp', {}))\n"
        "assert [config.run_config(name, {}) for name in models.TABLE]\n"
        "assert 'keras' not in sys.modules"
    )
    holds(code)


def test_the_page_counts_a_network_in_keras_on_its_twin_and_loads_no_keras() -> None:
    assert {name: models.get(name).counterpart for name in TWINS} == TWINS
    code = (
        "import sys; from pages.learn.architectures.costs import costs; table = costs()\n"
        "assert table['Step (MB)'].notna().all(), table\n"
        "assert 'keras' not in sys.modules"
    )
    holds(code)


def test_the_end_of_a_visitors_script_collects_no_memory() -> None:
    """Streamlit calls this after every script once Keras is there."""
    code = (
        "import gc, core.models.keras.adapter, keras\n"
        "rounds = []; gc.callbacks.append(lambda phase, facts: rounds.append(facts['generation']))\n"
        "keras.backend.clear_session()\n"
        "assert not rounds, rounds"
    )
    holds(code)
