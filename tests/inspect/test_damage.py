"""Networks are damaged as torch's own pruning and quantisation do it, in a copy, and what is left is counted by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from core.config import run_config
from core.engine.evaluate import Predictor
from core.inspect.copies import separate_copy
from core.inspect.damage import CHUNK_IMAGES, DAMAGES, measure
from core.inspect.weights import layout, unfolded
from tests.inspect.networks import MEAN, STD, digit, every_architecture, network, nothing_changed, taken

IMAGES = torch.cat([taken(digit(number)) for number in range(6)])
ORACLES = ["mlp", "lenet", "resnet", "lstm", "mixer"]


def answers(module: nn.Module) -> Tensor:
    with torch.no_grad():
        logits: Tensor = module(IMAGES)
    return logits


def named_weights(module: nn.Module) -> list[tuple[nn.Module, str]]:
    """Those of dense, convolutional and recurrent layers, by their types in torch."""
    kinds = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.RNNBase)
    return [
        (part, name) for part in module.modules() if isinstance(part, kinds)
        for name, _ in part.named_parameters(recurse=False) if name.startswith("weight")
    ]  # fmt: skip


@every_architecture
def test_a_copy_is_damaged_and_without_damage_answers_the_very_same(name: str) -> None:
    module = network(name)
    with nothing_changed(module):
        before = answers(module)
        for damage in DAMAGES.values():
            untouched, *others = (damage.apply(module, damage.amounts[place]) for place in (0, 4, -1))
            assert torch.equal(answers(untouched.network), before), damage.name
            assert untouched.effect == (untouched.dense_bytes, 0, untouched.effect.n_parts)
            hit = others[-1]
            if damage.parts == "units" and name == "softmax":
                assert hit.effect == (hit.dense_bytes, 0, 0), "it has no hidden units"
                continue
            assert not torch.allclose(answers(hit.network), before, atol=1e-3), damage.name
            assert 0 < hit.effect.n_hit <= hit.effect.n_parts
            left = [made.effect.bytes for made in (untouched, *others)]
            assert left == sorted(left, reverse=True)
            assert (left[-1] < left[0] / 2) == (damage.shrinks and (damage.parts, name) != ("units", "tinyvgg"))
        assert torch.equal(answers(module), before), "nothing of the network itself was changed"


@pytest.mark.parametrize("name", ORACLES)
def test_weights_are_pruned_as_torch_prunes_them(name: str) -> None:
    for ours, share in (("prune", 0.37), ("prune", 0.9), ("prune_layers", 0.64)):
        other = separate_copy(network(name))
        parts = named_weights(other)
        if ours == "prune":
            prune.global_unstructured(parts, prune.L1Unstructured, amount=share)
        else:
            for part, weight in parts:
                prune.l1_unstructured(part, weight, amount=share)
        made = DAMAGES[ours].apply(network(name), share)
        for (part, weight), (own, _) in zip(parts, named_weights(made.network), strict=True):
            assert torch.equal(own.get_parameter(weight), getattr(part, weight)), (ours, weight)
        n = sum(getattr(part, weight).numel() for part, weight in parts)
        assert (made.effect.n_parts, made.effect.n_hit) == (
            n, sum(int((getattr(part, weight) == 0).sum()) for part, weight in parts)
        )  # fmt: skip


@pytest.mark.parametrize("name", ["mlp", "lenet", "resnet"])
def test_units_are_pruned_as_torch_prunes_them(name: str) -> None:
    other = separate_copy(network(name))
    *hidden, (head, _) = parts = named_weights(other)
    for part, weight in hidden:
        prune.ln_structured(part, weight, amount=0.5, n=2, dim=0)
    made = DAMAGES["prune_units"].apply(network(name), 0.5)
    own = [part for part, _ in named_weights(made.network)]
    for (part, weight), mine in zip(parts, own, strict=True):
        assert torch.equal(mine.get_parameter(weight), getattr(part, weight))
        if part is not head and mine.bias is not None:
            gone = mine.weight.flatten(1).abs().sum(1) == 0
            assert torch.equal(mine.bias == 0, gone)


@every_architecture
def test_a_unit_that_is_off_says_nothing(name: str) -> None:
    """Behind its norm, or at every step of its memory, it answers 0, whatever the image; half of them do in every layer."""
    made = DAMAGES["units_off"].apply(network(name), 0.5, seed=3)
    seen: dict[nn.Module, Tensor] = {}
    last: list[nn.Module] = []
    parts = [part for part in made.network.modules() if not list(part.children())]

    def note(part: nn.Module, inputs: tuple[Tensor, ...], output: Any) -> None:
        values = output[0] if isinstance(output, tuple) else output
        is_norm = "BatchNorm" in type(getattr(part, "keras_layer", part)).__name__
        if is_norm:
            seen[last[-1]] = values
        elif list(part.parameters()) and "LayerNorm" not in type(part).__name__:
            last.append(part)
            seen[part] = values

    for part in parts:
        part.register_forward_hook(note)
    answers(made.network)
    *hidden, _head = dict.fromkeys(last)
    silent, n_units = 0, 0
    for part in hidden:
        values = seen[part].detach()
        convolves = values.ndim > 2 and isinstance(part, (nn.Conv1d, nn.Conv2d))
        units_first = values.transpose(0, 1) if convolves else values.movedim(-1, 0)
        silent += int((units_first.flatten(1) == 0).all(1).sum())
        n_units += len(units_first)
    levels = 2 if name == "gru" else 1  # a memory below the last one is not seen from outside
    assert made.effect.n_parts == levels * n_units
    assert silent == made.effect.n_hit / levels
    assert silent == n_units / 2


@pytest.mark.parametrize("name", ["mlp", "lenet", "gru", "keras-dense"])
def test_bits_are_those_of_torchs_own_quantisation(name: str) -> None:
    before = layout(unfolded(separate_copy(network(name)))).rows
    for bits in (8, 4, 3, 2):
        most = 2 ** (bits - 1) - 1
        after = layout(DAMAGES["bits"].apply(network(name), bits).network).rows
        for own, rows in zip(after, before, strict=True):
            sizes = own.detach().abs().flatten(1).double()
            values = [row[row > 0].unique() for row in sizes]
            assert max(map(len, values)) <= most
            reach = rows.detach().abs().flatten(1).amax(1) / most
            zeros = torch.zeros(len(rows), dtype=torch.int32)
            rounded = [
                torch.fake_quantize_per_channel_affine(rows.detach(), share / 20 * reach, zeros, 0, -most, most)
                for share in range(4, 21)
            ]
            errors = torch.stack([(other - rows).square().flatten(1).sum(1) for other in rounded])
            of_own = (own - rows).square().flatten(1).sum(1)
            torch.testing.assert_close(of_own, errors.min(0).values, rtol=1e-4, atol=1e-9)
            assert (of_own <= errors[-1] + 1e-9).all(), "at least as close as a scale up to the largest weight"


def test_one_bit_is_a_sign_and_a_size() -> None:
    weight = network("mlp").head.weight.detach()
    own = DAMAGES["bits"].apply(network("mlp"), 1).network.head.weight.detach()
    assert torch.equal(own, torch.where(weight < 0, -1, 1) * weight.abs().mean(1, keepdim=True))


def test_noise_is_one_draw_made_larger() -> None:
    module = network("cnn")
    before = layout(separate_copy(module)).weights
    small, large, again, other = (
        layout(DAMAGES["noise"].apply(module, share, seed).network).weights
        for share, seed in ((0.1, 0), (1.0, 0), (1.0, 0), (1.0, 1))
    )
    for plain, little, much, same, another in zip(before, small, large, again, other, strict=True):
        added = (much - plain).detach()
        torch.testing.assert_close((little - plain).detach(), added / 10, rtol=1e-3, atol=1e-6)
        assert torch.equal(much, same)
        assert not torch.equal(much, another)
        if plain.numel() > 500:
            assert float(added.std()) == pytest.approx(float(plain.detach().std()), rel=0.1)


def test_who_is_off_stays_off_and_a_draw_is_one_of_many() -> None:
    def off(share: float, draw: int) -> set[int]:
        weight = DAMAGES["units_off"].apply(network("lenet"), share, draw).network.hidden[0].weight
        return set(torch.nonzero(weight.abs().sum(1) == 0).ravel().tolist())

    few, more, again, other = off(0.2, 0), off(0.5, 0), off(0.5, 0), off(0.5, 1)
    assert (len(few), len(more), len(other)) == (24, 60, 60)
    assert few < more == again != other


def test_bytes_are_counted_by_hand() -> None:
    softmax, mlp = network("softmax"), network("mlp")  # 784 -> 10; 784 -> 16 with batch norm -> 10
    assert DAMAGES["prune"].apply(softmax, 0.5).effect == (4 * (7_840 // 2 + 10) + 7_840 // 8, 3_920, 7_840)
    assert DAMAGES["bits"].apply(softmax, 4).effect == (7_840 // 2 + 4 * (10 + 10), 7_840, 7_840)
    dense = 784 * 16 + 16 + 4 * 16 + 16 * 10 + 10  # two numbers of the norm are learned, two are counted
    made = DAMAGES["prune_units"].apply(mlp, 0.25)
    assert made.dense_bytes == 4 * dense
    assert made.effect == (4 * (dense - 4 * (784 + 1 + 2)), 4, 16)
    assert DAMAGES["noise"].apply(mlp, 1.0).effect.bytes == 4 * dense


def test_a_damaged_network_answers_as_its_run_does() -> None:
    weights = {key: tensor.numpy() for key, tensor in network("lenet").state_dict().items()}
    reader = Predictor(run_config("lenet", {"dropout": 0.2, "tta_views": 5}), weights, MEAN, STD)
    images = np.stack([digit(number) for number in range(10)])
    own = reader.logits(images).argmax(1)
    labels = np.where(np.arange(10) < 7, own, (own + 1) % 10)  # it reads seven of them
    first, last = measure(reader, images, labels, DAMAGES["bits"], (32, 2))
    assert first.right.tolist() == [True] * 7 + [False] * 3
    assert (first.amount, first.effect.bytes) == (32, first.dense_bytes)
    by_hand = reader.with_module(DAMAGES["bits"].apply(reader.module, 2).network)
    np.testing.assert_array_equal(last.right, by_hand.logits(images).argmax(1) == labels)
    assert by_hand.module is not reader.module


def test_who_is_told_to_stop_reads_one_chunk_at_most() -> None:
    weights = {key: tensor.numpy() for key, tensor in network("softmax").state_dict().items()}
    reader = Predictor(run_config("softmax", {}), weights, MEAN, STD)
    images, labels = np.zeros((CHUNK_IMAGES + 7, 28, 28), np.uint8), np.zeros(CHUNK_IMAGES + 7, np.int64)
    asked: list[int] = []

    def fourth_time() -> bool:
        asked.append(1)
        return len(asked) > 3

    (point,) = measure(reader, images, labels, DAMAGES["noise"], (0.0, 0.5, 1.0), should_stop=fourth_time)
    assert (point.amount, len(point.right), len(asked)) == (0.0, CHUNK_IMAGES + 7, 4)
    np.testing.assert_array_equal(point.right, reader.answers(images) == labels)


@pytest.mark.parametrize(("name", "amount"), [("prune", 1.2), ("prune", -0.1), ("bits", 0), ("bits", 64)])
def test_more_than_everything_can_not_go(name: str, amount: float) -> None:
    with pytest.raises(ValueError, match="must be between"):
        DAMAGES[name].apply(network("softmax"), amount)
