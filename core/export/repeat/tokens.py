"""The two networks that cut an image into patches: the Vision Transformer and the MLP-Mixer."""

from __future__ import annotations

from typing import Any

from core.export.repeat.layers import field, fields, module_class, network_class
from core.models.patches import sizes

ATTENTION = '''\
class Attention(nn.Module):
    """Each token asks all others for what it needs: (N, T, D) -> (N, T, D)."""

    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear({width}, {three})
        self.out = nn.Linear({width}, {width})

    def forward(self, x):
        x = self.qkv(x)  # (N, T, 3 D)
        x = x.unflatten(2, (3, {heads}, {share}))  # (N, T, 3, heads, D / heads)
        queries, keys, values = x.permute(2, 0, 3, 1, 4)  # (N, heads, T, D / heads) each
        x = F.scaled_dot_product_attention(queries, keys, values)  # (N, heads, T, D / heads)
        x = x.transpose(1, 2).flatten(2)  # (N, T, D)
        return self.out(x)
'''


def vit(built: Any, config: Any, first: list[str]) -> str:
    """built: a ``core.models.vit.Vit`` · first: lines of ``forward`` that come before all others"""
    width = config.width
    attention = ATTENTION.format(width=width, three=3 * width, heads=config.heads, share=width // config.heads)
    mixed = "self.attention(self.norm1(x))"
    mixed = f"self.dropout({mixed})" if config.dropout else mixed
    (block,) = {str(one): one for one in built.blocks}.values()  # all of them are alike
    layers = [
        *fields(block, "norm1"), "self.attention = Attention()", *fields(block, "dropout", "norm2"),
        field("mlp", block.mlp),
    ]  # fmt: skip
    forward = [f"x = x + {mixed}", "return x + self.mlp(self.norm2(x))"]
    doc = "The tokens ask each other, then each thinks it over: (N, T, D) -> (N, T, D)."
    tokens, _ = sizes(config.patch)
    position = [
        "# Where a patch lies; small, so that it does not drown what the patch shows.",
        f"self.position = nn.Parameter(0.02 * torch.randn({tokens}, {width}))",
    ]
    blocks = f"self.blocks = nn.Sequential(*(Block() for _ in range({config.depth})))"
    own = [*fields(built, "embed"), *position, *fields(built, "dropout"), blocks, *fields(built, "norm", "head")]
    drop = ["x = self.dropout(x)"] if config.dropout else []
    steps = [
        *first, *_cut(config.patch), f"x = self.embed(x) + self.position  # (N, {tokens}, {width}): tokens", *drop,
        *_answer(tokens, width),
    ]  # fmt: skip
    name = "Patches that look at each other (Dosovitskiy et al. 2021)."
    return "\n\n".join(
        [f"{attention}\n", module_class("Block", doc, "", layers, forward) + "\n", network_class(name, own, steps)]
    )


def mixer(built: Any, config: Any, first: list[str]) -> str:
    """built: a ``core.models.mixer.Mixer`` · first: lines of ``forward`` that come before all others"""
    (block,) = {str(one): one for one in built.blocks}.values()
    layers = fields(block, "norm1", "mix_tokens", "norm2", "mix_channels")
    forward = [
        "y = self.norm1(x).transpose(1, 2)  # (N, D, T)", "y = self.mix_tokens(y)  # (N, D, T)",
        "x = x + y.transpose(1, 2)  # (N, T, D)", "return x + self.mix_channels(self.norm2(x))  # (N, T, D)",
    ]  # fmt: skip
    tokens, _ = sizes(config.patch)
    blocks = f"self.blocks = nn.Sequential(*(Block() for _ in range({config.depth})))"
    own = [*fields(built, "embed"), blocks, *fields(built, "norm", "head")]
    embed = f"x = self.embed(x)  # (N, {tokens}, {config.width}): tokens"
    steps = [*first, *_cut(config.patch), embed, *_answer(tokens, config.width)]
    doc = "Each number is mixed over all places, then all numbers of each place: (N, T, D) -> (N, T, D)."
    name = "Patches that share what they know through dense layers (Tolstikhin et al. 2021)."
    return "\n\n".join([module_class("Block", doc, "", layers, forward) + "\n", network_class(name, own, steps)])


def _cut(side: int) -> list[str]:
    n = 28 // side
    return [
        f"x = x.reshape(-1, {n}, {side}, {n}, {side})  # patch row, row inside, patch column, column inside",
        f"x = x.transpose(2, 3).reshape(-1, {n * n}, {side * side})  # (N, {n * n}, {side * side}): patches",
    ]


def _answer(tokens: int, width: int) -> list[str]:
    return [
        f"x = self.blocks(x)  # (N, {tokens}, {width})", f"x = self.norm(x).mean(1)  # (N, {width})",
        "return self.head(x)  # (N, 10)",
    ]  # fmt: skip
