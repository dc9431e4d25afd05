"""What the Vision Transformer and the MLP-Mixer share: an image becomes a row of tokens, one for each square patch."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from core.fields import setting

Patch = Literal[2, 4, 7, 14]  # what divides 28


def patch_setting() -> Patch:
    """The one declaration of how large the squares are."""
    choice: Patch = setting(
        7, "Patch", "Side of the squares that the image is cut into; each square becomes one token.", basic=True,
        labels={2: "2 × 2", 4: "4 × 4", 7: "7 × 7", 14: "14 × 14"},
    )  # fmt: skip
    return choice


def depth_setting() -> int:
    """The one declaration of how many blocks follow each other."""
    number: int = setting(
        4, "Blocks", "How many times the tokens exchange what they know and then think it over.",
        low=1, high=12, step=1, basic=True,
    )  # fmt: skip
    return number


def width_setting() -> int:
    """The one declaration of how long a token is."""
    number: int = setting(
        64, "Token width", "How many numbers describe each token.", low=8, high=256, step=8, unit="numbers"
    )
    return number


def cut(x: Tensor, side: int) -> Tensor:
    """Images (N, 1, 28, 28) -> patches (N, T, P) in reading order, T = (28 / side)^2, P = side^2."""
    n = 28 // side
    # The number of images stays as it is, unread: a graph that is exported from this keeps it open.
    x = torch.unflatten(x.squeeze(1), 2, (n, side))  # (N, 28, patch column, column inside)
    x = torch.unflatten(x, 1, (n, side))  # (N, patch row, row inside, patch column, column inside)
    return x.transpose(2, 3).flatten(3).flatten(1, 2)  # (N, T, P)


def sizes(patch: Patch) -> tuple[int, int]:
    """Tokens T of an image and pixels P of a patch."""
    return (28 // patch) ** 2, patch**2


def feed_forward(n: int, hidden: int, dropout: float, bias: bool = True) -> nn.Sequential:
    """The small network inside a block: (..., n) -> (..., hidden) -> (..., n). bias: of its second layer."""
    return nn.Sequential(
        nn.Linear(n, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, n, bias), nn.Dropout(dropout)
    )


def feed_forward_activations(n: int, hidden: int) -> int:
    """Numbers that its layers hand on for one token."""
    return 3 * hidden + 2 * n
