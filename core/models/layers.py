"""What several architectures are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Literal, TypeVar

from pydantic import BeforeValidator, Field
from torch import nn

from core.fields import Conditions, setting, split_numbers

Activation = Literal["relu", "leaky-relu", "gelu", "silu", "elu", "tanh", "sigmoid", "none"]
Direction = Literal["rows", "columns"]
Width = Annotated[int, Field(ge=1, le=4096)]
Widths = Annotated[tuple[Width, ...], BeforeValidator(split_numbers), Field(max_length=8)]

_ACTIVATIONS: Mapping[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky-relu": nn.LeakyReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "elu": nn.ELU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "none": nn.Identity,
}
NON_MONOTONIC = ("gelu", "silu")  # somewhere between minus infinity and zero; the others never fall
Layer = TypeVar("Layer")


def activation(name: Activation) -> nn.Module:
    """A fresh activation module; it keeps no weights."""
    return _ACTIVATIONS[name]()


def activation_setting(applies_when: Conditions | None = None) -> Activation:
    """The one declaration of which activation follows each layer. applies_when: as in ``setting``, here and below"""
    choice: Activation = setting(
        "relu", "Activation", "The function that bends what each layer hands on; without it, many layers could do no more than "
        "one.", basic=True,
        labels={"relu": "ReLU", "leaky-relu": "leaky ReLU", "gelu": "GELU", "silu": "SiLU", "elu": "ELU", "tanh": "tanh",
                "sigmoid": "sigmoid", "none": "none"}, applies_when=applies_when,
    )  # fmt: skip
    return choice


def dropout_setting(applies_when: Conditions | None = None) -> float:
    """The one declaration of dropout (Srivastava et al. 2014)."""
    share: float = setting(
        0.0, "Dropout", "Share of values set to zero at random while learning, so that no unit relies on another.",
        low=0.0, high=0.9, step=0.05, basic=True, is_dropout=True, applies_when=applies_when,
    )  # fmt: skip
    return share


def direction_setting() -> Direction:
    """The one declaration of what a network takes as the steps of a sequence."""
    choice: Direction = setting("rows", "Reads by", "Row by row from the top, or column by column from the left.")
    return choice


def batch_norm_setting(applies_when: Conditions | None = None) -> bool:
    """The one declaration of batch normalisation (Ioffe and Szegedy 2015)."""
    on: bool = setting(
        False, "Batch normalisation", "Rescales what each layer has worked out to mean 0 and deviation 1 over the batch, then "
        "by a scale and a shift that are learned. A finished network uses running averages instead of a batch.",
        applies_when=applies_when,
    )  # fmt: skip
    return on


def dense(n_in: int, n_out: int, act: Activation, dropout: float, batch_norm: bool) -> list[nn.Module]:
    """Linear, then what was asked for of batch norm, activation and dropout: (N, n_in) -> (N, n_out)."""
    layers: list[nn.Module] = [nn.Linear(n_in, n_out)]
    if batch_norm:
        layers.append(nn.BatchNorm1d(n_out))
    layers.append(activation(act))
    if dropout:
        layers.append(nn.Dropout(dropout))
    return layers


def dense_params(widths: tuple[int, ...], n_in: int, batch_norm: bool) -> int:
    """Weights of a chain of ``dense`` layers and the linear layer to 10 classes behind it."""
    sizes = (n_in, *widths)
    hidden = sum((a + 1 + 2 * batch_norm) * b for a, b in pairwise(sizes))
    return hidden + (sizes[-1] + 1) * 10


def dense_multiply_adds(widths: tuple[int, ...], n_in: int) -> int:
    """Multiply-adds of the same chain for one image: one per weight that is not a bias."""
    return sum(a * b for a, b in pairwise((n_in, *widths, 10)))


def dense_activations(widths: tuple[int, ...], batch_norm: bool, dropout: float) -> int:
    """Numbers that the layers of the same chain hand on for one image."""
    return (2 + batch_norm + (dropout > 0)) * sum(widths) + 10


def convolution(
    n_in: int, n_out: int, kernel: int, act: Activation, batch_norm: bool, padding: Literal["same", "valid"] = "same"
) -> list[nn.Module]:
    """Convolution, batch norm if asked for, activation: (N, n_in, H, W) -> (N, n_out, H, W).

    Without padding ("valid") the sides shrink by kernel - 1.
    """
    norm = [nn.BatchNorm2d(n_out)] if batch_norm else []
    return [nn.Conv2d(n_in, n_out, kernel, padding=padding), *norm, activation(act)]


def pooled(layers: Sequence[Layer], act: Activation, pool: Layer) -> list[Layer]:
    """Layers that end with an activation, and the max pooling behind them: (N, C, H, W) -> (N, C, H / 2, W / 2).

    An activation that never falls gives the same numbers after the pooling as before it, for a quarter of the work.
    """
    *before, activation_layer = layers
    return [*layers, pool] if act in NON_MONOTONIC else [*before, pool, activation_layer]


def convolution_params(n_in: int, n_out: int, kernel: int, batch_norm: bool) -> int:
    """Weights of one ``convolution``."""
    return (n_in * kernel**2 + 1 + 2 * batch_norm) * n_out


def convolution_activations(n_out: int, side: int, batch_norm: bool) -> int:
    """Numbers that the layers of one ``convolution`` hand on for one image, whose result has so many pixels a side."""
    return (2 + batch_norm) * n_out * side**2


def pooled_activations(n_out: int, side: int, act: Activation, batch_norm: bool) -> int:
    """The same with the max pooling behind it, as ``pooled`` orders them."""
    places, kept = side**2, (side // 2) ** 2
    bent = places if act in NON_MONOTONIC else kept
    return n_out * ((1 + batch_norm) * places + bent + kept)


def conv_norm(
    n_in: int, n_out: int, kernel: int, stride: int = 1, padding: Literal["same", "valid"] = "same"
) -> list[nn.Module]:
    """Convolution and batch norm: (N, n_in, H, W) -> (N, n_out, ceil(H / stride), ceil(W / stride)); odd kernels only.

    Without padding ("valid") the sides shrink by kernel - 1 first. No bias: the norm takes the mean away, and a bias with it.
    """
    # Runs here are short. After the 19 steps that an epoch on the embedded digits has, 0.9^19 = 14 % of what the running
    # mean and variance started with is still in them at torch's momentum of 0.1, and 0.7^19 = 0.1 % at 0.3.
    norm = nn.BatchNorm2d(n_out, momentum=0.3)
    zeros = kernel // 2 if padding == "same" else 0  # torch has no "same" for a stride
    return [nn.Conv2d(n_in, n_out, kernel, stride, padding=zeros, bias=False), norm]


def conv_norm_params(n_in: int, n_out: int, kernel: int) -> int:
    """Weights of one ``conv_norm``."""
    return (n_in * kernel**2 + 2) * n_out
