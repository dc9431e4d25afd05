"""What a layer makes of an image, as records and pictures without torch: what is worked out once is shown where no network
runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
# maps (C, H, W) · units (D,) · states (T, D): a row of numbers for each row of the image · tokens (T, D): one for each patch ·
# mixing (D, M): inside the token mixing of a Mixer, a row of hidden units for each number of a token
Kind = Literal["maps", "units", "states", "tokens", "mixing"]
LOGITS_PER_ROW = 10


@dataclass(frozen=True, eq=False, slots=True)
class Pictures:
    """What of a layer can be looked at as pictures, besides its answer.

    templates (D, h, w): one weight per pixel of the image, or of each patch · kernels (C_out, C_in, h, w): the windows of a
    convolution; of one along time (C_out, 1, steps, C_in), the earliest step first
    attention (heads, T, T): row = the token that asks, column = the token that is asked; each row sums to 1, and belongs to
    this image · places (M, h, w): one weight of each hidden unit of a token mixing per patch
    """

    kind: Literal["templates", "kernels", "attention", "places"]
    values: Floats


@dataclass(frozen=True, eq=False, slots=True)
class Activation:
    """One layer and what it makes of the image.

    name: where it stands in the module · title: what it is, in words, with its activation · inputs: whose outputs it takes,
    as positions among the layers; ``anatomy.IMAGE`` is the image itself
    before, values: before and behind the activation, in the shape of the kind; equal where there is none. The values of the
    last layer are the logits (10,)
    by_columns: the states stand for columns of the image, not for rows
    """

    name: str
    title: str
    kind: Kind
    inputs: tuple[int, ...]
    before: Floats
    values: Floats
    pictures: Pictures | None
    by_columns: bool


@dataclass(frozen=True, eq=False, slots=True)
class LayerPictures:
    """One layer, as much of it as is on screen.

    title, kind, by_columns: as ``Activation`` has them · shape: of all its numbers · largest: the size of the largest of them
    n_pictures: how many there are in all · pictures (N, h, w): the first of them
    """

    title: str
    kind: Kind
    by_columns: bool
    shape: tuple[int, ...]
    largest: float
    n_pictures: int
    pictures: Floats


@dataclass(frozen=True, eq=False, slots=True)
class FirstLook:
    """What a network makes of one image.

    layers: in order · logits (10,): of the image itself, the last layer's · probs (10,): what the network answers; of a network
    that looks several times, the mean of its views
    """

    layers: tuple[LayerPictures, ...]
    logits: Floats
    probs: Floats


def first_look(layers: Sequence[Activation], probs: Floats, most: int | None = None) -> FirstLook:
    """layers: of ``activations`` · probs (10,): of ``Predictor.probabilities`` · most: pictures of a layer, None: all"""
    return FirstLook(tuple(layer_pictures(layer, most) for layer in layers), layers[-1].values, probs)


def layer_pictures(layer: Activation, most: int | None = None) -> LayerPictures:
    """most: pictures of a layer to keep; None: all"""
    pictures = as_pictures(layer)
    largest = float(np.abs(layer.values).max())
    return LayerPictures(
        layer.title, layer.kind, layer.by_columns, layer.values.shape, largest, len(pictures), pictures[:most]
    )


def as_pictures(layer: Activation) -> Floats:
    """The numbers of a layer as pictures (N, h, w): maps as they are; one picture of states; of tokens, one for each number
    over the places in the image; units in rows."""
    values = layer.values
    if layer.kind == "maps":
        return values
    if layer.kind == "tokens" and (side := math.isqrt(len(values))) ** 2 == len(values):
        return values.T.reshape(-1, side, side)
    if layer.kind in ("states", "mixing", "tokens"):
        return values[None]
    per_row = LOGITS_PER_ROW if len(values) == LOGITS_PER_ROW else 2 ** math.ceil(math.log2(math.sqrt(len(values)) * 2))
    rows = math.ceil(len(values) / per_row)
    cells = np.zeros(rows * per_row, np.float32)
    cells[: len(values)] = values
    return cells.reshape(1, rows, per_row)


def softmax(logits: Floats) -> Floats:
    """logits (10,) -> probs (10,)"""
    powers = np.exp(logits - logits.max())
    probs: Floats = powers / powers.sum()
    return probs
