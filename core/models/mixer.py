"""MLP-Mixer: patches that share what they know without attention, through plain dense layers turned sideways.

Idea     One small network mixes the tokens (for each number, over all places), the next the numbers (for each place).
Source   Tolstikhin et al. 2021, arXiv 2105.01601, section 2.
Differs  Tiny: hidden layers twice as wide as a token, not four times. No bias behind the token mixing: it would add the
         same to all numbers of a token, which every layer norm takes away again. The head starts at torch's default, not 0.
Shapes   (N, 1, 28, 28) -> patches (N, T, P) -> tokens (N, T, D) -> blocks (N, T, D) -> mean (N, D) -> logits (N, 10)
Teaches  Compare it with a Vision Transformer of the same patch, depth and width: what does attention buy?
"""

from __future__ import annotations

from collections.abc import Mapping

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


class MixerConfig(Config):
    """Patches, then blocks of two small networks."""

    patch: Patch = patch_setting()
    depth: int = depth_setting()
    token_width: int = setting(
        32, "Token mixing", "Hidden units of the small network that carries knowledge from place to place.",
        low=1, high=512, step=1, scale="log", unit="units",
    )  # fmt: skip
    width: int = width_setting()
    dropout: float = dropout_setting()


class Block(nn.Module):
    def __init__(self, config: MixerConfig) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.width)
        self.mix_tokens = feed_forward(sizes(config.patch)[0], config.token_width, config.dropout, bias=False)
        self.norm2 = nn.LayerNorm(config.width)
        self.mix_channels = feed_forward(config.width, 2 * config.width, config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm1(x).transpose(1, 2)  # (N, D, T)
        y = self.mix_tokens(y)  # (N, D, T)
        x = x + y.transpose(1, 2)  # (N, T, D)
        x = x + self.mix_channels(self.norm2(x))  # (N, T, D)
        return x


class Mixer(nn.Module):
    def __init__(self, config: MixerConfig) -> None:
        super().__init__()
        self.side = config.patch
        self.embed = nn.Linear(self.side**2, config.width)
        self.blocks = nn.Sequential(*(Block(config) for _ in range(config.depth)))
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = cut(x, self.side)  # (N, T, P)
        x = self.embed(x)  # (N, T, D)
        x = self.blocks(x)  # (N, T, D)
        x = self.norm(x).mean(1)  # (N, D)
        logits: Tensor = self.head(x)  # (N, 10)
        return logits


def _n_params(config: MixerConfig) -> int:
    tokens, pixels = sizes(config.patch)
    width, hidden = config.width, 2 * config.width
    norms, mix_tokens = 2 * 2 * width, (tokens + 1 + tokens) * config.token_width
    block = norms + mix_tokens + (width + 1) * hidden + (hidden + 1) * width
    return (pixels + 1) * width + config.depth * block + 2 * width + (width + 1) * 10


def _multiply_adds(config: MixerConfig) -> int:
    """Per block: the token network once for each of the token's numbers, the channel network once for each token."""
    tokens, pixels = sizes(config.patch)
    width, hidden = config.width, 2 * config.width
    block = width * 2 * tokens * config.token_width + tokens * 2 * width * hidden
    return tokens * pixels * width + config.depth * block + width * 10


def _activations(config: MixerConfig) -> int:
    """Per block: two norms, then both networks, the one for each of the token's numbers and the other for each token."""
    (tokens, _), width = sizes(config.patch), config.width
    mix_tokens = width * feed_forward_activations(tokens, config.token_width)
    mix_channels = tokens * feed_forward_activations(width, 2 * width)
    return 2 * tokens * width + config.depth * (2 * tokens * width + mix_tokens + mix_channels) + 10


ARCHITECTURES: Mapping[str, Architecture] = {
    "mixer": Architecture(
        "mixer", MixerConfig, Mixer,
        tiny={"depth": 1, "token_width": 8, "width": 16, "dropout": 0.2},
        sizes=("width", "token_width"),
        n_params_formula=_n_params, multiply_adds_formula=_multiply_adds,
        activations_formula=_activations,
    )
}  # fmt: skip
