"""How well a network can learn on: gradients, silent units and the size of the last updates, layer by layer.

Computed when somebody asks, from weights that were committed, so no training waits for it. Dropout is off and norms use their
running averages, as when the network answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from core.data.dataset import Images, Labels
from core.inspect.activations import computes_with_weights, one_image
from core.inspect.anatomy import trace
from core.inspect.copies import private_copy
from core.machine.precision import memory_format
from core.models.pixels import pixels

IMAGES = 500  # that a unit has to be silent on to be called so; fewer if there are fewer
BATCH_IMAGES = 250
_PARAMETRIZED = ".parametrizations."  # where torch keeps weights that others are computed from


@dataclass(frozen=True, slots=True)
class LayerHealth:
    """One layer with weights. name, kind: as the anatomy has them

    has_matrix: whether it mixes what it takes, as dense layers, convolutions and recurrent layers do and norms do not
    gradient_norm: length of the gradient of the mean loss of all images · weight_norm: length of the weights
    update_ratio: length of the difference to the earlier weights by the length of these; None without earlier ones
    """

    name: str
    kind: str
    n_params: int
    has_matrix: bool
    gradient_norm: float
    weight_norm: float
    update_ratio: float | None


@dataclass(frozen=True, slots=True)
class Silence:
    """Behind a ReLU: how many units answered 0 to every image. A map is one unit, silent where all of its places are.

    behind: the layer with weights that the image passed last before it
    """

    behind: str
    n_units: int
    n_silent: int

    @property
    def share(self) -> float:
        return self.n_silent / self.n_units


@dataclass(frozen=True, slots=True)
class Health:
    """n_images: looked at · loss: mean cross-entropy of these, nats per image"""

    n_images: int
    loss: float
    layers: tuple[LayerHealth, ...]
    silences: tuple[Silence, ...]


def health(
    module: nn.Module,
    images: Images,
    labels: Labels,
    mean: float,
    std: float,
    earlier: Mapping[str, NDArray[Any]] | None = None,
) -> Health:
    """Of the first ``IMAGES`` training images.

    module: in eval mode on the CPU, stays as it was · images (N, 28, 28) uint8, N at least 1, labels (N,) · mean, std: of the
    images it is trained on · earlier: its weights at an earlier moment, by the names of the state dict
    """
    network = private_copy(module)
    kinds = {layer.name: layer.kind for layer, _, _ in trace(private_copy(module), one_image(images[0], mean, std))}
    weights = {name: weight for name, weight in network.named_parameters() if weight.requires_grad}
    listener = _Listener(network)
    layout = memory_format(network, "cpu")
    images, labels = images[:IMAGES], labels[:IMAGES]
    total = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    loss = 0.0
    for start in range(0, len(images), BATCH_IMAGES):
        batch = torch.from_numpy(np.array(images[start : start + BATCH_IMAGES]))
        truth = torch.from_numpy(np.array(labels[start : start + BATCH_IMAGES], np.int64))
        listener.begin()
        with torch.enable_grad():
            logits = network(pixels(batch, mean, std).contiguous(memory_format=layout))
            part = F.cross_entropy(logits, truth, reduction="sum") / len(images)
            slopes = torch.autograd.grad(part, list(weights.values()))
        for name, slope in zip(weights, slopes, strict=True):
            total[name] += slope
        loss += float(part.detach())
    layers = [
        _layer(name, kinds.get(name, ""), members, weights, total, earlier)
        for name, members in _by_layer(weights).items()
    ]
    return Health(len(images), loss, tuple(layers), listener.silences())


def _by_layer(weights: Mapping[str, Tensor]) -> dict[str, list[str]]:
    """Names of weights by the name of their layer; a weight that stands alone is a layer itself."""
    layers: dict[str, list[str]] = {}
    for name in weights:
        owner = name.split(_PARAMETRIZED)[0] if _PARAMETRIZED in name else name.rpartition(".")[0]
        layers.setdefault(owner or name, []).append(name)
    return layers


def _layer(
    name: str,
    kind: str,
    members: list[str],
    weights: Mapping[str, Tensor],
    slopes: Mapping[str, Tensor],
    earlier: Mapping[str, NDArray[Any]] | None,
) -> LayerHealth:
    ratio = None
    if earlier is not None:
        before = {member: torch.from_numpy(np.array(earlier[member])) for member in members}
        moved = _length([weights[member].detach() - before[member] for member in members])
        ratio = moved / max(_length(list(before.values())), 1e-12)
    return LayerHealth(
        name, kind, sum(weights[member].numel() for member in members),
        name not in weights and any(weights[member].ndim > 1 for member in members),
        _length([slopes[member] for member in members]), _length([weights[member] for member in members]), ratio,
    )  # fmt: skip


def _length(tensors: list[Tensor]) -> float:
    return float(torch.stack([tensor.detach().norm() for tensor in tensors]).norm())


class _Listener:
    """Which units of each ReLU have answered with anything but 0, over all batches; hooks stay on the network."""

    def __init__(self, network: nn.Module) -> None:
        self._spoke: list[tuple[str, Tensor]] = []  # in the order in which a batch passes the ReLUs
        self._last, self._position = "", 0
        for name, part in network.named_modules():
            if computes_with_weights(part):
                part.register_forward_hook(lambda _part, _taken, _made, name=name: self._passed(name))
            elif isinstance(part, nn.ReLU):
                part.register_forward_hook(lambda _part, _taken, made: self._heard(made, 1))
            elif _is_keras_relu(part):
                part.register_forward_hook(lambda _part, _taken, made: self._heard(made, made.ndim - 1))

    def begin(self) -> None:
        """A new batch."""
        self._last, self._position = "", 0

    def silences(self) -> tuple[Silence, ...]:
        return tuple(Silence(behind, spoke.numel(), int((~spoke).sum())) for behind, spoke in self._spoke)

    def _passed(self, name: str) -> None:
        self._last = name

    def _heard(self, made: Tensor, unit_axis: int) -> None:
        spoke = (made.detach() != 0).movedim(unit_axis, 0).flatten(1).any(1)
        if self._position == len(self._spoke):
            self._spoke.append((self._last, spoke))
        else:
            self._spoke[self._position] = (self._last, self._spoke[self._position][1] | spoke)
        self._position += 1


def _is_keras_relu(part: nn.Module) -> bool:
    activation = getattr(getattr(part, "keras_layer", None), "activation", None)
    return getattr(activation, "__name__", "") == "relu"
