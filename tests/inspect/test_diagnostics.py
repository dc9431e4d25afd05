"""What is said about a network's health equals a plain backward pass, and a unit that was silenced is found."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from core.inspect.anatomy import dissect
from core.inspect.copies import private_copy, separate_copy
from core.inspect.diagnostics import health
from tests.inspect.networks import MEAN, STD, digit, every_architecture, network, nothing_changed, taken

IMAGES, LABELS = np.stack([digit(i) for i in range(6)]), np.arange(6)


@every_architecture
def test_gradients_are_those_of_a_plain_backward_pass(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.inspect.diagnostics.BATCH_IMAGES", 4)
    module = network(name)
    earlier = {key: tensor.numpy() * 0.5 for key, tensor in module.state_dict().items()}
    with nothing_changed(module):
        result = health(module, IMAGES, LABELS, MEAN, STD, earlier)
    plain = separate_copy(module)
    loss = F.cross_entropy(plain(torch.cat([taken(image) for image in IMAGES])), torch.from_numpy(LABELS))
    loss.backward()
    assert result.n_images == 6
    assert result.loss == pytest.approx(loss.item(), rel=1e-4)
    assert sum(layer.n_params for layer in result.layers) == sum(weight.numel() for weight in plain.parameters())
    squares = sum(layer.gradient_norm**2 for layer in result.layers)
    expected = sum(float(weight.grad.square().sum()) for weight in plain.parameters())
    assert squares == pytest.approx(expected, rel=1e-3)
    last = result.layers[-1]
    own = [weight for key, weight in plain.named_parameters() if key.startswith(f"{last.name}.")]
    assert last.gradient_norm == pytest.approx(sum(float(w.grad.square().sum()) for w in own) ** 0.5, rel=1e-3)
    assert last.weight_norm == pytest.approx(sum(float(w.detach().square().sum()) for w in own) ** 0.5, rel=1e-4)
    assert all(layer.update_ratio == pytest.approx(1, abs=1e-4) for layer in result.layers if layer.weight_norm)
    assert all(layer.kind for layer in result.layers)


@pytest.mark.parametrize(
    ("name", "bias"),
    [("mlp", "hidden.1.bias"), ("cnn", "blocks.0.bias"), ("tcn", "blocks.0.first.bias"), ("resnet", "stem.1.bias"),
     ("keras-dense", "layers.2.beta"), ("keras-cnn", "layers.0.bias")],
)  # fmt: skip
def test_a_unit_that_never_answers_is_counted_and_no_other(name: str, bias: str) -> None:
    module = separate_copy(network(name))
    sound = health(module, IMAGES, LABELS, MEAN, STD).silences
    with torch.no_grad():
        module.get_parameter(bias)[2] = -1e6
    silences = health(module, IMAGES, LABELS, MEAN, STD).silences
    assert [one.behind for one in silences] == [one.behind for one in sound]
    assert silences[0].n_silent == sound[0].n_silent + 1
    assert silences[0].share == silences[0].n_silent / silences[0].n_units
    assert len(silences) == sum("ReLU" in layer.kind for layer in dissect(on_meta(module)))


def on_meta(module: nn.Module) -> nn.Module:
    return private_copy(module).to("meta")


def test_only_so_many_images_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.inspect.diagnostics.IMAGES", 2)
    result = health(network("softmax"), IMAGES, LABELS, MEAN, STD)
    assert (result.n_images, result.silences) == (2, ())
    assert all(layer.update_ratio is None for layer in result.layers)
