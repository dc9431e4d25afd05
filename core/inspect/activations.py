"""What every layer of a network makes of one image, and its weights where they are pictures.

Layers, their names and their order are those of ``core.inspect.anatomy``; the numbers are those of the network itself, in
32 bits. A function here takes a module in eval mode on the CPU and leaves it as it was.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.data.dataset import SIDE, Images
from core.inspect.anatomy import IMAGE, Layer, trace
from core.inspect.copies import private_copy
from core.models.mixer import Block as MixerBlock
from core.models.pixels import pixels
from core.models.vit import Attention

Floats = NDArray[np.float32]
# maps (C, H, W) · units (D,) · states (T, D): a row of numbers for each row of the image · tokens (T, D): one for each patch ·
# mixing (D, M): inside the token mixing of a Mixer, a row of hidden units for each number of a token
Kind = Literal["maps", "units", "states", "tokens", "mixing"]


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
    as positions among the layers; ``IMAGE`` is the image itself
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


def activations(module: nn.Module, image: Images, mean: float, std: float) -> tuple[Activation, ...]:
    """Every layer in the order in which the image passes them.

    module: in eval mode · image (28, 28) uint8 · mean, std: of the images it was trained on
    """
    network = private_copy(module)
    parts = dict(network.named_modules())
    sideways = _token_mixing(parts)
    along_time = any(isinstance(part, nn.Conv1d) for part in parts.values())
    by_columns = bool(getattr(network, "by_columns", False))
    steps = trace(network, one_image(image, mean, std))
    made: list[Activation] = []
    for layer, before, after in steps:
        part = parts.get(layer.name)
        kind, arranged = _arranged(layer, part, after, sideways, along_time)
        _, arranged_before = _arranged(layer, part, before, sideways, along_time)
        asked = made[layer.inputs[0]].values if layer.inputs and layer.inputs[0] != IMAGE else None
        made.append(
            Activation(
                layer.name, layer.kind[0].upper() + layer.kind[1:], kind, layer.inputs, as_floats(arranged_before),
                as_floats(arranged), _pictures(layer, part, asked, sideways, by_columns), by_columns,
            )
        )  # fmt: skip
    return tuple(made)


def one_image(image: Images, mean: float, std: float) -> Tensor:
    """(28, 28) uint8 -> (1, 1, 28, 28) normalised. Raises ValueError for any other shape or kind of number."""
    if image.shape != (SIDE, SIDE) or image.dtype != np.uint8:
        raise ValueError(f"image is {image.shape} {image.dtype}, must be ({SIDE}, {SIDE}) uint8")
    return pixels(torch.from_numpy(np.array(image)[None]), mean, std)


def as_floats(tensor: Tensor) -> Floats:
    """The numbers of a tensor, in memory of their own."""
    return np.array(tensor.detach().float().numpy(), order="C")


def _token_mixing(parts: dict[str, nn.Module]) -> dict[str, bool]:
    """The dense layers that mix tokens, by name: True for the one that reads the tokens, False for the one that writes."""
    names: dict[str, bool] = {}
    for name, part in parts.items():
        if isinstance(part, MixerBlock):
            reads, *_, writes = (
                inner for inner, layer in part.mix_tokens.named_children() if isinstance(layer, nn.Linear)
            )
            names |= {f"{name}.mix_tokens.{reads}": True, f"{name}.mix_tokens.{writes}": False}
    return names


def _arranged(
    layer: Layer, part: nn.Module | None, values: Tensor, sideways: dict[str, bool], along_time: bool
) -> tuple[Kind, Tensor]:
    """A layer's numbers as its kind has them, whatever order the network keeps them in."""
    if values.ndim == 3:
        if hasattr(part, "keras_layer"):  # channels stand last
            values = values.permute(2, 0, 1)
        return ("units", values.flatten()) if values.shape[1:] == (1, 1) else ("maps", values)
    if values.ndim == 1:
        return "units", values
    if isinstance(part, nn.RNNBase):
        return "states", values
    if along_time:
        return "states", values.T
    if layer.name in sideways:
        return ("mixing", values) if sideways[layer.name] else ("tokens", values.T)
    return "tokens", values


def _pictures(
    layer: Layer, part: nn.Module | None, taken: Floats | None, sideways: dict[str, bool], by_columns: bool
) -> Pictures | None:
    """taken: what the layer takes, of another layer"""
    if isinstance(part, Attention) and taken is not None:
        return Pictures("attention", attention_weights(taken, part.heads))
    if not computes_with_weights(part):
        return None
    weight = kernel_of(part)
    if weight.ndim == 4:
        return Pictures("kernels", as_floats(weight))
    if weight.ndim == 3:  # (C_out, C_in, steps)
        window = weight.transpose(1, 2).unsqueeze(1)
        return Pictures("kernels", as_floats(window.transpose(2, 3) if by_columns else window))
    if layer.name in sideways:
        weight = weight if sideways[layer.name] else weight.T
    elif layer.inputs != (IMAGE,):
        return None
    side = math.isqrt(weight.shape[1])
    return Pictures(
        "places" if layer.name in sideways else "templates", as_floats(weight.reshape(len(weight), side, side))
    )


def computes_with_weights(part: nn.Module | None) -> bool:
    """Whether it is a dense layer or a convolution, of torch or of Keras."""
    if hasattr(part, "keras_layer"):
        return hasattr(part, "kernel")
    return isinstance(part, (nn.Linear, nn.Conv1d, nn.Conv2d))


def kernel_of(part: Any) -> Tensor:
    """The weights of a dense layer (D_out, D_in) or of a convolution (C_out, C_in, ...), as torch has them."""
    if hasattr(part, "keras_layer"):  # (..., in, out)
        kernel: Tensor = part.kernel.detach()
        return kernel.permute(3, 2, 0, 1) if kernel.ndim == 4 else kernel.T
    weight: Tensor = part.weight.detach()
    return weight


def bias_of(part: Any) -> Tensor | None:
    """The bias of the same layers, (D_out,); None without one."""
    return None if part.bias is None else part.bias.detach()


def attention_weights(qkv: Floats, heads: int) -> Floats:
    """How much each token takes from each: (T, 3 D) queries, keys and values -> (heads, T, T).

    Vaswani et al. 2017, equation 1: softmax(q k^T / the root of a head's width).
    """
    tokens = torch.from_numpy(qkv)
    queries, keys, _ = torch.unflatten(tokens, 1, (3, heads, -1)).permute(1, 2, 0, 3)  # (heads, T, D / heads) each
    return as_floats((queries @ keys.transpose(1, 2) / queries.shape[2] ** 0.5).softmax(2))
