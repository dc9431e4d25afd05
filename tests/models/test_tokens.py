"""Vision Transformer and MLP-Mixer: how an image becomes tokens, and what the blocks do with them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core import models
from core.config import run_config
from core.errors import ConfigError
from core.models.mixer import Mixer
from core.models.patches import cut
from core.models.vit import Vit

TOKENS = ("vit", "mixer")


def build(name: str, **values: Any) -> Any:
    torch.manual_seed(0)
    return models.get(name).build(run_config(name, values).model).eval()


def with_patches_swapped(images: Tensor) -> Tensor:
    """The left and the right half of each image change places."""
    return images.roll(14, dims=3)


@pytest.mark.parametrize("side", [2, 4, 7, 14])
def test_an_image_is_cut_into_squares_in_reading_order(side: int) -> None:
    images = torch.randn(3, 1, 28, 28)
    torch.testing.assert_close(cut(images, side), F.unfold(images, side, stride=side).transpose(1, 2), rtol=0, atol=0)


def test_a_block_computes_what_the_encoder_of_torch_computes() -> None:
    block = build("vit", width=24, heads=4).blocks[0]
    reference = nn.TransformerEncoderLayer(24, 4, 48, dropout=0.0, activation="gelu", batch_first=True, norm_first=True)
    names = {
        "self_attn.in_proj_": "attention.qkv.", "self_attn.out_proj.": "attention.out.",
        "linear1.": "mlp.0.", "linear2.": "mlp.3.", "norm1.": "norm1.", "norm2.": "norm2.",
    }  # fmt: skip
    ours = block.state_dict()
    reference.load_state_dict(
        {theirs + part: ours[mine + part] for theirs, mine in names.items() for part in ("weight", "bias")}
    )
    tokens = torch.randn(5, 16, 24)
    with torch.no_grad():
        torch.testing.assert_close(block(tokens), reference(tokens))


def test_the_transformer_knows_where_a_patch_lies_by_its_positions_alone() -> None:
    network: Vit = build("vit")
    images = torch.randn(4, 1, 28, 28)
    swapped = with_patches_swapped(images)
    with torch.no_grad():
        assert not torch.allclose(network(images), network(swapped), atol=1e-4)
        network.position.zero_()
        torch.testing.assert_close(network(images), network(swapped))


def test_the_mixer_knows_where_a_patch_lies_by_its_weights() -> None:
    network, images = build("mixer"), torch.randn(4, 1, 28, 28)
    with torch.no_grad():
        assert not torch.allclose(network(images), network(with_patches_swapped(images)), atol=1e-4)


def test_a_bias_behind_the_token_mixing_would_change_nothing() -> None:
    network: Mixer = build("mixer").double()
    tokens, bias = torch.randn(4, 16, 64).double(), torch.randn(16, 1).double()
    with torch.no_grad():
        first = network.norm(network.blocks(tokens))
        torch.testing.assert_close(network.norm(network.blocks(tokens + bias)), first)


@pytest.mark.parametrize("name", TOKENS)
def test_half_precision_gives_nearly_the_same_answer(name: str) -> None:
    network, images = build(name), torch.randn(8, 1, 28, 28)
    with torch.no_grad():
        exact = network(images)
        with torch.autocast("cpu", torch.bfloat16):
            rough = network(images)
    assert rough.dtype == torch.bfloat16
    torch.testing.assert_close(rough.float(), exact, rtol=0, atol=0.05)


def test_heads_that_can_not_share_the_width_are_refused_with_both_numbers() -> None:
    with pytest.raises(ConfigError, match="width is 12, but heads is 8"):
        run_config("vit", {"width": 12, "heads": 8})


@pytest.mark.parametrize("name", TOKENS)
def test_a_patch_that_does_not_divide_the_image_is_refused_with_those_that_do(name: str) -> None:
    with pytest.raises(ConfigError, match="allowed is one of 2, 4, 7, 14"):
        run_config(name, {"patch": 5})
