"""What is said of each layer is what plain hooks of torch see, and pictures are the weights themselves."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from core.config import run_config
from core.inspect.activations import activations
from core.inspect.anatomy import layers
from core.inspect.copies import private_copy, redrawn
from core.machine.precision import with_private_init
from tests.inspect.networks import MEAN, STD, digit, every_architecture, network, nothing_changed, taken


@every_architecture
def test_every_layer_says_what_a_hook_sees(name: str) -> None:
    module, image = network(name), digit()
    with nothing_changed(module):
        steps = activations(module, image, MEAN, STD)
    seen: dict[str, torch.Tensor] = {}

    def note(name: str, _part: nn.Module, inputs: tuple[torch.Tensor], output: Any) -> None:
        if name.endswith("attention.out"):  # what it takes is what the attention itself has mixed
            seen[name.removesuffix(".out")] = inputs[0]
        seen.setdefault(name, output[0] if isinstance(output, tuple) else output)

    hooked = private_copy(module)
    for part_name, part in hooked.named_modules():
        part.register_forward_hook(partial(note, part_name))
    with torch.no_grad():
        hooked(taken(image))
        logits = module(taken(image))[0].numpy()
    np.testing.assert_array_equal(steps[-1].values, logits)
    compared = 0
    for step in {step.name: step for step in steps}.values():  # of several of one name, the last is what it hands on
        if step.name not in seen or not step.name:
            continue
        output = seen[step.name][0]
        if name.startswith("keras") and output.ndim == 3:
            output = output.permute(2, 0, 1)
        expected = output.numpy().squeeze()
        assert any(
            np.array_equal(arranged, numbers)
            for arranged in (expected, expected.T) for numbers in (step.before, step.values)
        ), step.name  # fmt: skip
        compared += 1
    assert compared >= len({step.name for step in steps}) - 2, "all but what stands in no module: a position, a mean"


@every_architecture
def test_the_layers_are_those_of_the_anatomy(name: str) -> None:
    config = run_config(name, {})
    module = with_private_init(name, config.model).eval()
    steps = activations(module, digit(), MEAN, STD)
    assert [(step.name, step.title.lower(), step.inputs, step.values.size) for step in steps] == [
        (layer.name, layer.kind.lower(), layer.inputs, np.prod(layer.output_shape)) for layer in layers(config)
    ]
    assert all(step.before.shape == step.values.shape and step.values.dtype == np.float32 for step in steps)
    for step in steps:
        if "ReLU" in step.title and "leaky" not in step.title:
            np.testing.assert_array_equal(step.values, np.maximum(step.before, 0))
        elif "GELU" not in step.title:
            assert step.values is not step.before
            np.testing.assert_array_equal(step.values, step.before)


def test_maps_of_keras_stand_as_those_of_torch() -> None:
    steps = activations(network("keras-cnn"), digit(), MEAN, STD)
    kernels = steps[0].pictures
    assert kernels is not None
    bias = network("keras-cnn").layers[0].bias.detach()
    expected = nn.functional.conv2d(taken(digit()), torch.from_numpy(kernels.values), bias, padding="same")[0]
    np.testing.assert_allclose(steps[0].before, expected.numpy(), atol=1e-5)


@pytest.mark.parametrize("name", ["softmax", "mlp", "keras-dense"])
def test_templates_times_the_image_are_the_first_layer(name: str) -> None:
    module = network(name)
    first = activations(module, digit(), MEAN, STD)[0]
    assert first.pictures is not None
    assert first.pictures.kind == "templates"
    part = module.get_submodule(first.name)
    sums = (first.pictures.values * taken(digit())[0].numpy()).sum((1, 2)) + part.bias.detach().numpy()
    np.testing.assert_allclose(first.before, sums, atol=1e-4)


@pytest.mark.parametrize("direction", ["rows", "columns"])
def test_windows_along_time_are_pictures_of_rows_or_columns(direction: str) -> None:
    module = with_private_init("tcn", run_config("tcn", {"width": 4, "blocks": 1, "direction": direction}).model).eval()
    first = activations(module, digit(), MEAN, STD)[0]
    assert first.pictures is not None
    window = first.pictures.values[2, 0]
    assert window.shape == ((3, 28) if direction == "rows" else (28, 3))
    image = taken(digit())[0, 0].numpy()
    seen = image[5:8] if direction == "rows" else image[:, 5:8]  # steps 5, 6 and 7
    np.testing.assert_allclose(
        first.before[7, 2], (window * seen).sum() + module.blocks[0].first.bias[2].item(), atol=1e-4
    )
    assert first.by_columns == (direction == "columns")


def test_attention_is_that_of_torchs_own_layer() -> None:
    module = network("vit")
    steps = activations(module, digit(), MEAN, STD)
    (step,) = [step for step in steps if step.pictures and step.pictures.kind == "attention"]
    attention = module.blocks[0].attention
    plain = nn.MultiheadAttention(16, attention.heads, batch_first=True).eval()
    plain.in_proj_weight.data, plain.in_proj_bias.data = attention.qkv.weight.data, attention.qkv.bias.data
    plain.out_proj.weight.data, plain.out_proj.bias.data = attention.out.weight.data, attention.out.bias.data
    tokens = torch.from_numpy(next(one for one in steps if one.name == "blocks.0.norm1").values)[None]
    with torch.no_grad():
        mixed, weights = plain(tokens, tokens, tokens, average_attn_weights=False)
    np.testing.assert_allclose(step.pictures.values, weights[0].numpy(), atol=1e-6)
    out = next(one for one in steps if one.name == "blocks.0.attention.out")
    np.testing.assert_allclose(out.values, mixed[0].numpy(), atol=1e-5)


def test_token_mixing_reads_and_writes_places() -> None:
    module = network("mixer")
    steps = {step.name: step for step in activations(module, digit(), MEAN, STD)}
    norm, reads, writes = (steps[f"blocks.0.{part}"] for part in ("norm1", "mix_tokens.0", "mix_tokens.3"))
    assert (reads.kind, writes.kind, reads.pictures.kind) == ("mixing", "tokens", "places")
    bias = module.blocks[0].mix_tokens[0].bias.detach().numpy()
    expected = norm.values.T @ reads.pictures.values.reshape(8, 16).T + bias
    np.testing.assert_allclose(reads.before, expected, atol=1e-5)
    np.testing.assert_allclose(writes.values, writes.pictures.values.reshape(8, 16).T @ reads.values.T, atol=1e-5)


@every_architecture
def test_weights_drawn_anew_are_others_and_the_same_for_a_seed(name: str) -> None:
    module = network(name)
    with nothing_changed(module):
        first, again, other = redrawn(module, 1), redrawn(module, 1), redrawn(module, 2)
    weights, same, others = (dict(one.named_parameters()) for one in (first, again, other))
    assert all(torch.equal(weight, same[key]) for key, weight in weights.items())
    matrices = [key for key, weight in weights.items() if weight.ndim > 1 and "original0" not in key]
    assert not any(torch.equal(weights[key], others[key]) for key in matrices)
    with torch.no_grad():
        assert first(taken(digit())).std() > 0.001


@pytest.mark.parametrize(
    "image", [np.zeros((28, 27), np.uint8), np.zeros((28, 28), np.float32)], ids=["shape", "numbers"]
)
def test_another_shape_is_refused_in_words(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"must be \(28, 28\) uint8"):
        activations(network("softmax"), image, MEAN, STD)
