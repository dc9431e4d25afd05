"""Vision Transformer: the image as a short text of patches that look at each other.

Idea     Each patch asks all others for what it needs; a mixture of their answers, weighted by how well they match, comes back.
Source   Dosovitskiy et al. 2021, arXiv 2010.11929; the block is the encoder of Vaswani et al. 2017, norms first.
Differs  The mean of all tokens instead of a class token; tiny: hidden layers twice as wide as a token, not four times.
Shapes   (N, 1, 28, 28) -> patches (N, T, P) -> tokens (N, T, D) -> blocks (N, T, D) -> mean (N, D) -> logits (N, 10)
Teaches  Train it and a CNN on 300 images, then on all: it has to learn from examples what the CNN is born with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

import torch
import torch.nn.functional as F
from pydantic import model_validator
from torch import Tensor, nn

from core.fields import Config, setting
from core.models import Architecture
from core.models.layers import dropout_setting
from core.models.patches import (
    Patch,
    cut,
    depth_setting,
    feed_forward,
    feed_forward_activations,
    patch_setting,
    sizes,
    width_setting,
)


class VitConfig(Config):
    """Patches, then blocks of attention and a small network."""

    patch: Patch = patch_setting()
    depth: int = depth_setting()
    heads: Literal[1, 2, 4, 8] = setting(
        4, "Heads", "How many different questions each token can ask at once; they share the token's width."
    )
    width: int = width_setting()
    dropout: float = dropout_setting()

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width is {self.width}, but heads is {self.heads}, and each needs an equal share of it")
        return self


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.qkv(x)  # (N, T, 3 D)
        x = torch.unflatten(x, 2, (3, self.heads, -1))  # (N, T, 3, heads, D / heads)
        queries, keys, values = x.permute(2, 0, 3, 1, 4)  # (N, heads, T, D / heads) each
        x = F.scaled_dot_product_attention(queries, keys, values)  # (N, heads, T, D / heads)
        x = x.transpose(1, 2).flatten(2)  # (N, T, D)
        mixed: Tensor = self.out(x)  # (N, T, D)
        return mixed


class Block(nn.Module):
    def __init__(self, config: VitConfig) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.width)
        self.attention = Attention(config.width, config.heads)
        self.dropout = nn.Dropout(config.dropout)
        self.norm2 = nn.LayerNorm(config.width)
        self.mlp = feed_forward(config.width, 2 * config.width, config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.dropout(self.attention(self.norm1(x)))  # (N, T, D)
        x = x + self.mlp(self.norm2(x))  # (N, T, D)
        return x


class Vit(nn.Module):
    def __init__(self, config: VitConfig) -> None:
        super().__init__()
        self.side = config.patch
        tokens, pixels = sizes(config.patch)
        self.embed = nn.Linear(pixels, config.width)
        # Small, as in the source: where a patch lies must not drown what it shows.
        self.position = nn.Parameter(0.02 * torch.randn(tokens, config.width))
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.Sequential(*(Block(config) for _ in range(config.depth)))
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = cut(x, self.side)  # (N, T, P)
        x = self.embed(x) + self.position  # (N, T, D)
        x = self.blocks(self.dropout(x))  # (N, T, D)
        x = self.norm(x).mean(1)  # (N, D)
        logits: Tensor = self.head(x)  # (N, 10)
        return logits


def _n_params(config: VitConfig) -> int:
    tokens, pixels = sizes(config.patch)
    width, hidden = config.width, 2 * config.width
    norms, attention = 2 * 2 * width, (width + 1) * 4 * width
    block = norms + attention + (width + 1) * hidden + (hidden + 1) * width
    return (pixels + 1 + tokens) * width + config.depth * block + 2 * width + (width + 1) * 10


def _multiply_adds(config: VitConfig) -> int:
    """Per block: the dense layers for each token, then each token's match with each token, then the mixture."""
    tokens, pixels = sizes(config.patch)
    width, hidden = config.width, 2 * config.width
    block = tokens * width * (4 * width + 2 * hidden) + 2 * tokens * tokens * width
    return tokens * pixels * width + config.depth * block + width * 10


def _activations(config: VitConfig) -> int:
    """Per block: two norms, attention's three parts, what it says and its dropout; the feed-forward network."""
    tokens, _ = sizes(config.patch)
    block = 7 * config.width + feed_forward_activations(config.width, 2 * config.width)
    return tokens * (2 * config.width + config.depth * block + config.width) + 10


ARCHITECTURES: Mapping[str, Architecture] = {
    "vit": Architecture(
        "vit", VitConfig, Vit,
        tiny={"depth": 1, "heads": 2, "width": 16, "dropout": 0.2},
        sizes=("width",),
        n_params_formula=_n_params, multiply_adds_formula=_multiply_adds,
        activations_formula=_activations,
    )
}  # fmt: skip
