"""What a network is made of: its layers in the order in which one image passes them, with shapes, weights and work.

Nothing is typed in here about any architecture. The network is built on torch's device without memory, one image without
content is sent through, and what happens is written down: hooks on the modules of this one copy tell the layers apart, and
every tensor operation in between is seen by torch's dispatcher. Both belong to the calling thread alone (torch's own
FlopCounterMode puts its hooks on the modules of all threads, also those of a run in training).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import type_before_parametrizations
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from core import models
from core.config import RunConfig
from core.models.pixel_order import in_pixel_order

IMAGE = -1  # what a first layer takes as its input
HEADINGS = ("Idea", "Source", "Differs", "Shapes", "Teaches")

# How people call what torch and Keras call by class names, without their "1d" or "2d"; any other class keeps its own name,
# in words, and a word of it that stands here is replaced.
_WORDS: Mapping[str, str] = {
    "linear": "dense", "conv": "convolution", "convtranspose": "transposed convolution", "maxpool": "max pooling",
    "maxpooling": "max pooling", "avgpool": "average pooling", "averagepooling": "average pooling",
    "adaptiveavgpool": "global average pooling", "globalaveragepooling": "global average pooling",
    "batchnorm": "batch norm", "batchnormalization": "batch norm", "layernorm": "layer norm",
    "layernormalization": "layer norm", "multiheadattention": "attention",
}  # fmt: skip
_ACTIVATIONS: Mapping[str, str] = {
    "relu": "ReLU", "relu_": "ReLU", "leaky_relu": "leaky ReLU", "leaky_relu_": "leaky ReLU", "gelu": "GELU",
    "tanh": "tanh", "sigmoid": "sigmoid", "silu": "SiLU", "elu": "ELU", "hardswish": "hard swish",
}  # fmt: skip
_OPERATIONS: Mapping[str, str] = {
    "add": "addition", "add_": "addition", "mul": "product", "mul_": "product", "cat": "joining", "mean": "mean",
    "max_pool2d_with_indices": "max pooling", "avg_pool2d": "average pooling", "constant_pad_nd": "padding",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Layer:
    """One step of a network.

    name: where it stands in the module, such as "blocks.0.norm1" · kind: in words, with the activation behind it
    output_shape: without the batch · n_params: weights that are learned, each counted where it is used first
    multiply_adds: multiplications with an addition for one image · inputs: whose outputs it takes, as positions in the
    tuple of layers; ``IMAGE`` is the image itself
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    n_params: int
    multiply_adds: int
    inputs: tuple[int, ...]


def layers(config: RunConfig) -> tuple[Layer, ...]:
    """The layers of a run's network."""
    with torch.device("meta"):
        module = models.get(config.architecture).build(config.model)
        return dissect(in_pixel_order(module, config.data.pixel_order))


def dissect(module: nn.Module) -> tuple[Layer, ...]:
    """The layers of a network that was built on the device without memory; it is of no further use.

    What only reshapes is no layer of its own, and an activation belongs to the layer before it.
    """
    walk = _Walk(module.eval())
    image = torch.empty(1, 1, 28, 28, device="meta")
    walk.made_by[_storage(image)] = IMAGE
    with torch.no_grad(), walk:
        module(image)
    return tuple(walk.layers())


class Traced(NamedTuple):
    """A layer and what it made of one image: before its activation and behind it, in the layer's output shape. Both are the
    same tensor where a layer has no activation."""

    layer: Layer
    before: Tensor
    after: Tensor


def trace(module: nn.Module, image: Tensor) -> tuple[Traced, ...]:
    """The layers of a network with what each made of an image, (1, 1, 28, 28) normalised.

    Hooks stay on the module, and an activation must not overwrite its input: ``core.inspect.copies.private_copy`` makes a
    module of which both is true.
    """
    walk = _Walk(module)
    walk.made_by[_storage(image)] = IMAGE
    with torch.no_grad(), walk:
        module(image)
    return tuple(Traced(layer, *walk.values(i)) for i, layer in enumerate(walk.layers()))


def about(architecture: str) -> dict[str, str]:
    """What the file of an architecture says about it, by heading (``HEADINGS``)."""
    text = import_module(models.TABLE[architecture].module).__doc__ or ""
    parts: dict[str, str] = {}
    for line in text.splitlines()[1:]:
        if not line.startswith(" ") and line.split(" ")[0] in HEADINGS:
            heading = line.split(" ")[0]
            parts[heading] = line.removeprefix(heading).strip()
        elif line.startswith(" ") and parts:
            parts[heading] += f" {line.strip()}"
    return parts


@dataclass(eq=False, slots=True)
class _Row:
    """A layer while the image is still inside it. ``params``: storages of the weights that it uses · ``value``: what it has
    made so far · ``before``: the same before the activation"""

    name: str
    kind: str
    shape: tuple[int, ...] = ()
    activation: str = ""
    multiply_adds: int = 0
    inputs: set[int] = field(default_factory=set)
    params: set[int] = field(default_factory=set)
    value: Tensor | None = None
    before: Tensor | None = None


@dataclass(eq=False, slots=True)
class _Frame:
    """A module that the image is inside of. ``start``: rows before it · ``open``: position of the row that the operations
    which stand in this module itself belong to · ``own``: whether no module inside has become a row"""

    module: nn.Module
    name: str
    start: int
    open: int | None = None
    own: bool = True
    took: set[int] = field(default_factory=set)


class _Walk(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operation, and through hooks where each module begins and ends.

    An operation counts when it computes with weights, joins several layers, does matrix work or changes how many numbers
    there are; all others hand on what they got. A module without counting modules inside is one row, whatever it does. What is
    computed from weights alone, as weight norm does, stands for these weights wherever it is used.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.rows: list[_Row] = []
        self.made_by: dict[int, int] = {}  # storage -> position of the row that filled it
        self._frames: list[_Frame] = []
        self._alive: list[Tensor] = []  # a storage that is let go of could come back as another tensor's
        self._weights = {_storage(w): (name, w.numel()) for name, w in module.named_parameters() if w.requires_grad}
        self._weights_in = {weight: {weight} for weight in self._weights}  # storage -> the weights it was computed from
        for name, part in module.named_modules():
            # First of all hooks: what another one makes of the image belongs to the module, too.
            part.register_forward_pre_hook(lambda part, _inputs, name=name: self._enter(part, name), prepend=True)
            part.register_forward_hook(lambda _part, _inputs, output: self._leave(output))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        output = func(*args, **kwargs)
        taken, made = list(_tensors((args, kwargs))), list(_tensors(output))
        if not made or not self._frames:
            return output
        self._alive += made
        sources = {self.made_by[_storage(one)] for one in taken if _storage(one) in self.made_by}
        weights = {weight for one in taken for weight in self._weights_in.get(_storage(one), ())}
        if weights and not sources:
            self._weights_in |= {_storage(one): weights for one in made}
        count = flop_registry.get(func.overloadpacket)
        work = int(count(*args, **kwargs, out_val=output)) // 2 if count else 0
        frame, operation = self._frames[-1], str(func.overloadpacket.__name__)
        frame.took |= sources
        fresh = {_storage(one) for one in made} - {_storage(one) for one in taken}
        most = max((one.numel() for one in taken), default=0)
        resized = bool(fresh) and bool({one.numel() for one in made} - {0, most})
        if work or (sources and (weights or len(sources) > 1 or resized)):
            row = self._open(frame, operation, work, weights)
            row.multiply_adds += work
            row.inputs |= sources - {frame.open}
            row.params |= weights
            row.activation, row.before = "", None
            self._fill(made, frame.open)
        elif sources:
            (source,) = sources
            self._fill(made, source)
            if operation in _ACTIVATIONS and source != IMAGE:
                row = self.rows[source]
                row.activation, row.before, row.value = _ACTIVATIONS[operation], row.value, made[0]
            elif fresh and source == frame.open:
                self.rows[source].activation, self.rows[source].before = "", None
        if frame.open is not None and self.made_by.get(_storage(made[0])) == frame.open:
            self.rows[frame.open].shape, self.rows[frame.open].value = tuple(made[0].shape[1:]), made[0]
        return output

    def _open(self, frame: _Frame, operation: str, work: int, weights: set[int]) -> _Row:
        """The row of the operations that stand between the modules inside this one."""
        if frame.open is None:
            frame.open = len(self.rows)
            self.rows.append(_Row(frame.name, ""))
        row = self.rows[frame.open]
        if work:
            row.kind = _kind(frame.module) if frame.name else "matrix product"
        elif weights and not row.multiply_adds:
            row.name = next(name for weight, (name, _) in self._weights.items() if weight in weights)
            row.kind = f"learned {row.name.split('.')[-1].replace('_', ' ')}"
        elif not row.multiply_adds:
            row.kind = _OPERATIONS.get(operation, operation)
        return row

    def _fill(self, made: list[Tensor], position: int | None) -> None:
        if position is not None:
            self.made_by |= {_storage(one): position for one in made}

    def _enter(self, module: nn.Module, name: str) -> None:
        if self._frames:
            self._frames[-1].open = None
        self._frames.append(_Frame(module, name, len(self.rows)))

    def _leave(self, output: Any) -> None:
        frame = self._frames.pop()
        made = list(_tensors(output))
        if frame.own:
            inside = self.rows[frame.start :]
            del self.rows[frame.start :]
            weights = {_storage(one) for one in frame.module.parameters()} & self._weights.keys()
            if inside or (weights and frame.took):
                self.rows.append(
                    _Row(
                        frame.name, _kind(frame.module), tuple(made[0].shape[1:]), inside[-1].activation if inside else "",
                        sum(row.multiply_adds for row in inside), {one for one in frame.took if one < frame.start}, weights,
                        made[0], inside[-1].before if inside else None,
                    )
                )  # fmt: skip
                self._fill(made, frame.start)
        if self._frames:
            outer = self._frames[-1]
            outer.took |= frame.took
            outer.own &= len(self.rows) == frame.start

    def values(self, position: int) -> tuple[Tensor, Tensor]:
        """What a row made of the image, before its activation and behind it, without the batch."""
        row = self.rows[position]
        assert row.value is not None
        before = row.value if row.before is None else row.before
        # A batch of one may have been folded away or into the rows of a matrix: the numbers and their order are the same.
        return before.reshape(row.shape), row.value.reshape(row.shape)

    def layers(self) -> Iterator[Layer]:
        """What was seen, once the image has gone through."""
        counted: set[int] = set()
        for row in self.rows:
            n_params = sum(self._weights[one][1] for one in row.params - counted)
            counted |= row.params
            kind = ", ".join(filter(None, (row.kind, row.activation)))
            yield Layer(row.name, kind, row.shape, n_params, row.multiply_adds, tuple(sorted(row.inputs)))


def _storage(tensor: Tensor) -> int:
    """Where a tensor lives; a view of it lives in the same place."""
    return int(tensor.untyped_storage()._cdata)


def _tensors(values: Any) -> Iterator[Tensor]:
    return (one for one in tree_leaves(values) if isinstance(one, Tensor))


def _kind(module: nn.Module) -> str:
    """A module's class in words, with the size of its window, its stride and its dilation."""
    module = getattr(module, "keras_layer", module)
    class_name = type_before_parametrizations(module).__name__
    name, dimensions = re.fullmatch(r"(.*?)(?:(\d)[dD])?", class_name).groups(default="2")  # type: ignore[union-attr]
    # "GroupNorm" -> group norm, "KANLayer" -> KAN layer, "CausalConv" -> causal convolution
    parts = re.sub(r"(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name).split()
    kind = _WORDS.get(name.lower()) or " ".join(
        _WORDS.get(part.lower()) or (part if part.isupper() else part.lower()) for part in parts
    )
    window = getattr(module, "kernel_size", None) or getattr(module, "pool_size", None)
    if window:
        kind += f" {' × '.join(map(str, _sides(window, int(dimensions))))}"
    strides = _sides(getattr(module, "stride", None) or getattr(module, "strides", 1), int(dimensions))
    dilations = _sides(getattr(module, "dilation", None) or getattr(module, "dilation_rate", 1), int(dimensions))
    if "convolution" in kind and max(strides) > 1:
        kind += f", stride {strides[0]}"
    if "convolution" in kind and max(dilations) > 1:
        kind += f", dilation {dilations[0]}"
    return kind


def _sides(size: Any, dimensions: int) -> tuple[int, ...]:
    return (size,) * dimensions if isinstance(size, int) else tuple(size)
