"""Starting weights: of every architecture alike, from a generator of the run's own."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from core import models
from core.analysis.coach import ZEROS, diagnose, diagnose_layers
from core.config import Init, run_config
from core.data.dataset import Dataset
from core.engine.events import to_json
from core.engine.network import untrained_network
from core.engine.train import train

NAMES = list(models.TABLE)
INITS = [init for init in get_args(Init) if init != "default"]


def network(name: str, init: str, seed: int = 0, **values: object) -> nn.Module:
    torch.manual_seed(0)
    tiny = {key: value for key, value in models.get(name).tiny.items() if key != "dropout"}
    return untrained_network(run_config(name, {**tiny, "init": init, "seed": seed, **values}))


def matrices(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: weight.detach() for name, weight in module.named_parameters() if weight.ndim > 1}


@pytest.mark.parametrize("name", NAMES)
def test_each_start_builds_answers_and_learns_from_a_gradient(name: str) -> None:
    default = network(name, "default").state_dict()
    images = torch.randn(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    for init in INITS:
        first, again, other = (network(name, init, seed) for seed in (3, 3, 4))
        weights = first.state_dict()
        assert weights.keys() == default.keys()
        assert all(torch.equal(weights[key], again.state_dict()[key]) for key in weights), init
        norms = [
            key for key in weights if "norm" in key.lower() or key.endswith(("gamma", "running_var", "moving_variance"))
        ]
        assert all(torch.equal(weights[key], default[key]) for key in norms), init
        if init == "zeros":
            assert not first(images).any()
        else:
            assert any(not torch.equal(weights[key], other.state_dict()[key]) for key in weights), init
        loss = F.cross_entropy(first(images), torch.arange(4))
        loss.backward()
        assert torch.isfinite(loss)
        assert all(torch.isfinite(weight.grad).all() for weight in first.parameters() if weight.grad is not None), init


def test_no_start_touches_the_random_numbers_of_others() -> None:
    for init in ("default", *INITS):
        network("lstm", init)
        assert torch.rand(()).item() == pytest.approx(_after_default()), init


def _after_default() -> float:
    state = torch.get_rng_state()
    network("lstm", "default")
    value = torch.rand(()).item()
    torch.set_rng_state(state)
    return value


@pytest.mark.parametrize("name", NAMES)
def test_the_weights_of_every_layer_are_drawn_anew(name: str) -> None:
    drawn, default = matrices(network(name, "he")), matrices(network(name, "default"))
    left_alone = {key for key in drawn if torch.equal(drawn[key], default[key])}
    assert not {key for key in left_alone if "norm" not in key.lower() and "position" not in key}


@pytest.mark.parametrize(("name", "key"), [("mlp", "hidden.0.weight"), ("keras-dense", "layers.1.kernel")])
def test_the_scales_are_those_of_the_sources(name: str, key: str) -> None:
    weights = {init: matrices(network(name, init, widths="300"))[key].numpy() for init in INITS}
    he = np.sqrt(2 / 784)
    assert weights["he"].std() == pytest.approx(he, rel=0.02)
    assert weights["small"].std() == pytest.approx(0.01 * he, rel=0.02)
    assert weights["large"].std() == pytest.approx(10 * he, rel=0.02)
    edge = np.sqrt(6 / (784 + 300))
    assert 0.99 * edge < np.abs(weights["glorot"]).max() <= edge
    matrix = weights["orthogonal"] if name == "mlp" else weights["orthogonal"].T
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(300), atol=1e-4)
    assert not weights["zeros"].any()


def test_every_gate_of_a_memory_and_every_window_of_keras_is_drawn_for_itself() -> None:
    memory = matrices(network("lstm", "orthogonal", hidden=16))["memory.weight_hh_l0"]
    for gate in memory.split(16):
        torch.testing.assert_close(gate @ gate.T, torch.eye(16), atol=1e-5, rtol=0)
    window = matrices(network("keras-cnn", "he", channels="64"))["layers.0.kernel"]
    assert window.shape == (3, 3, 1, 64)
    assert window.std().item() == pytest.approx(np.sqrt(2 / 9), rel=0.1)


def test_a_network_of_zeros_learns_nothing_and_hears_why(tiny: Dataset) -> None:
    events = list(train(run_config("mlp", {"init": "zeros", "epochs": 3}), tiny, checkpoint_every=0))
    rows = [to_json(event) for event in events]
    advice = str(diagnose(rows, "zeros"))
    assert "still guesses" in advice
    assert ZEROS in advice
    assert ZEROS not in str(diagnose(rows))
    assert diagnose_layers(["a", "b"], np.zeros(2), [("a", 9, 9)], 10, "zeros") == ZEROS
    assert diagnose_layers(["a", "b"], np.ones(2), [], 10, "zeros") is None, "it has begun to learn"


def test_one_layer_of_zeros_learns_like_any_other(tiny: Dataset) -> None:
    rows = [to_json(e) for e in train(run_config("softmax", {"init": "zeros", "epochs": 3}), tiny)]
    assert max(row["val_acc"] for row in rows if row["event"] == "epoch") > 0.7
    assert diagnose(rows, "zeros") is None
