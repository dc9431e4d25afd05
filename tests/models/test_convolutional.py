"""What the convolutional networks promise beyond the contract."""

from __future__ import annotations

import pytest
import torch
from counted import count_parameters
from torch import nn

from core import models
from core.config import run_config
from core.errors import ConfigError
from core.fields import settings
from core.models.resnet import Block


def built(name: str, **values: object) -> nn.Module:
    torch.manual_seed(0)
    return models.get(name).build(run_config(name, values).model)


@pytest.mark.parametrize("name", ["compact", "resnet"])
def test_a_network_that_always_normalises_over_the_batch_refuses_batches_of_one(name: str) -> None:
    with pytest.raises(ConfigError, match="batch_size is 1"):
        run_config(name, {"batch_size": 1})
    assert "batch_norm" not in {one.name for one in settings(models.get(name).config)}
    assert "batch_norm" not in run_config(name, {}).flat()
    with pytest.raises(ConfigError, match="batch_norm"):
        run_config(name, {"batch_norm": False})


@pytest.mark.parametrize("name", ["cnn", "lenet", "tinyvgg"])
def test_a_network_that_may_normalise_takes_batches_of_one_without_it(name: str) -> None:
    assert run_config(name, {"batch_size": 1}).training.batch_size == 1


@pytest.mark.parametrize(("blocks", "layers"), [(1, 8), (2, 14), (3, 20)])
@pytest.mark.parametrize("shortcuts", [True, False])
def test_a_residual_network_has_6n_plus_2_layers_with_or_without_shortcuts(
    blocks: int, layers: int, shortcuts: bool
) -> None:
    parts = built("resnet", blocks=blocks, shortcuts=shortcuts).modules()
    assert sum(isinstance(part, (nn.Conv2d, nn.Linear)) for part in parts) == layers


def test_shortcuts_cost_no_weight_and_twenty_layers_have_as_many_as_in_the_paper() -> None:
    """0.27 million in table 6 of He et al. 2016; the two colour channels that are missing here are 288 of them."""
    for shortcuts in (True, False):
        assert count_parameters(run_config("resnet", {"blocks": 3, "shortcuts": shortcuts})) == 269_434


def test_a_block_that_learned_nothing_hands_on_what_came_in() -> None:
    block = Block(4, 8, 2, shortcut=True)
    for convolution in (block.first[0], block.second[0]):
        nn.init.zeros_(convolution.weight)  # type: ignore[arg-type]
    images = torch.rand(2, 4, 7, 7)
    handed_on = block(images)
    assert handed_on.shape == (2, 8, 4, 4)
    assert torch.equal(handed_on[:, :4], images[:, :, ::2, ::2])
    assert not handed_on[:, 4:].any()


@pytest.mark.parametrize("head", ["average", "max"])
def test_a_global_head_counts_patterns_wherever_they_are(head: str) -> None:
    """A stride of two and a pooling: a move by four pixels moves each last map by one place, here without leaving it."""
    module = built("compact", head=head, convs=1).eval()
    image = torch.zeros(1, 1, 28, 28)
    image[..., 12:14, 12:14] = torch.rand(2, 2)
    with torch.no_grad():
        here, there = (module(moved) for moved in (image, image.roll((4, -4), (2, 3))))
    torch.testing.assert_close(here, there)
    assert not torch.allclose(here, module(torch.zeros_like(image)))


def test_without_padding_the_compact_network_leaves_out_the_windows_over_the_border_and_keeps_its_weights() -> None:
    whole, cut = (built("compact", padding=padding, head="flatten").eval() for padding in ("same", "valid"))
    image = torch.rand(2, 1, 28, 28)
    with torch.no_grad():
        assert torch.equal(cut.stem(image), whole.stem(image)[..., 1:-1, 1:-1])
        assert cut(image).shape == (2, 10)
    assert [weights.shape for weights in cut.parameters()] == [weights.shape for weights in whole.parameters()]


@pytest.mark.parametrize("name", ["lenet", "tinyvgg", "compact", "resnet"])
def test_memory_in_another_order_gives_the_same_answers(name: str) -> None:
    module, images = built(name).eval(), torch.randn(5, 1, 28, 28)
    with torch.no_grad():
        plain = module(images)
        laid_out = module.to(memory_format=torch.channels_last)(images.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(plain, laid_out, atol=1e-5, rtol=1e-4)
