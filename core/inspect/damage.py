"""What a trained network stands: weights taken out, fewer bits, units silenced, noise; and what it then weighs.

Each way to damage a network changes a private copy of it, so the network itself, and whoever answers with it, stay as they
are. Only the weights of dense, convolutional and recurrent layers are touched (where units go, their biases and the norm
behind them as well); positions and all other biases and norms stay. Nothing is learned again afterwards.

Sources: magnitude: S. Han et al. 2015, "Learning both weights and connections for efficient neural networks" · units by the
length of their weights: H. Li et al. 2017, "Pruning filters for efficient ConvNets" · bits, one scale for each unit: R.
Krishnamoorthi 2018, "Quantizing deep convolutional networks for efficient inference" · one bit: M. Rastegari et al. 2016,
"XNOR-Net", section 3.1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.data.dataset import Images, Labels
from core.inspect.copies import separate_copy
from core.inspect.weights import Layout, layout, unfolded

NUMBER_BYTES = 4  # of a weight in 32 bits
FULL_BITS = 32
SCALES = tuple(step / 20 for step in range(4, 21))  # of the one that reaches a unit's largest weight
CHUNK_IMAGES = 500  # read without asking whether to stop; a whole number of the batches in which a network answers
VERSION = 1  # of what is worked out here; figures of another one are no longer true


class Effect(NamedTuple):
    """bytes: of what is left · n_hit, n_parts: how many of the weights, or of the hidden units, were hit, and of how many"""

    bytes: int
    n_hit: int
    n_parts: int


class Damaged(NamedTuple):
    """network: the copy, in eval mode · dense_bytes: of the network as it was, 4 for each number"""

    network: nn.Module
    effect: Effect
    dense_bytes: int


@dataclass(frozen=True, slots=True)
class Damage:
    """One way to damage a network.

    title, help: for a screen; help says what stays and how bytes are counted · unit: of amounts, for an axis
    amounts: worth measuring, the first one leaves the network as it is · parts: what it hits, "weights" or "units"
    shrinks: whether less is to be kept afterwards · is_random: whether a seed decides
    change: the parts of a copy, the amount and the seed -> what it did to that copy
    """

    name: str
    title: str
    unit: str
    amounts: tuple[float, ...]
    parts: str
    help: str
    shrinks: bool
    is_random: bool
    change: Callable[[Layout, float, int], Effect]

    @property
    def is_share(self) -> bool:
        """Whether amounts are fractions, and not bits."""
        return self.amounts[0] == 0

    def words(self, amount: float) -> str:
        """An amount as people say it: "70 %", "4 bits"."""
        return f"{100 * amount:g} %" if self.is_share else f"{amount:g} bit{'s' * (amount > 1)}"

    def apply(self, module: nn.Module, amount: float, seed: int = 0) -> Damaged:
        """A damaged copy. module: in eval mode on the CPU, of any architecture; stays as it was. No global random number is
        drawn. Raises ValueError for an amount beyond the ends of ``amounts``."""
        low, high = min(self.amounts), max(self.amounts)
        if not low <= amount <= high:
            raise ValueError(f"amount is {amount}, must be between {low:g} and {high:g}")
        network = unfolded(separate_copy(module))
        with torch.no_grad():
            parts = layout(network)
            return Damaged(network, self.change(parts, amount, seed), parts.n_numbers * NUMBER_BYTES)


class Reader(Protocol):
    """Answers as a run does, with its own precision and test-time views: ``core.engine.evaluate.Predictor``."""

    module: nn.Module

    def answers(self, images: Images) -> Labels: ...
    def with_module(self, module: nn.Module) -> Self: ...


class Measured(NamedTuple):
    """What a damaged network reads. right (N,): which of the images"""

    amount: float
    right: NDArray[np.bool_]
    effect: Effect
    dense_bytes: int


def measure(
    reader: Reader,
    images: Images,
    labels: Labels,
    damage: Damage,
    amounts: Sequence[float],
    seed: int = 0,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[Measured]:
    """One pass over the images (N, 28, 28) uint8 for each amount; labels (N,).

    To be asked with validation images: whoever then settles on an amount has chosen by them.
    should_stop: asked before each ``CHUNK_IMAGES`` of them; when it says so, nothing more comes
    """
    for amount in amounts:
        damaged = damage.apply(reader.module, amount, seed)
        other = reader.with_module(damaged.network)
        right = np.zeros(len(images), bool)
        for first in range(0, len(images), CHUNK_IMAGES):
            if should_stop():
                return
            chunk = slice(first, first + CHUNK_IMAGES)
            right[chunk] = other.answers(images[chunk]) == labels[chunk]
        yield Measured(amount, right, damaged.effect, damaged.dense_bytes)


def _prune(parts: Layout, share: float, _seed: int) -> Effect:
    """Zero the smallest of all weights, whatever layer they stand in."""
    sizes = np.concatenate([np.abs(weight.detach().numpy()).ravel() for weight in parts.weights])
    borders = np.cumsum([weight.numel() for weight in parts.weights])[:-1]
    return _pruned(parts, np.split(_smallest(sizes, share), borders))


def _prune_layers(parts: Layout, share: float, _seed: int) -> Effect:
    """Zero the smallest weights of each layer, in each the same share."""
    return _pruned(parts, [_smallest(np.abs(weight.detach().numpy()).ravel(), share) for weight in parts.weights])


def _smallest(sizes: NDArray[np.float32], share: float) -> NDArray[np.bool_]:
    """(N,) -> which of them are that share of all that is smallest."""
    n_hit = round(share * len(sizes))
    is_hit = np.zeros(len(sizes), bool)
    if n_hit:
        is_hit[np.argpartition(sizes, n_hit - 1)[:n_hit]] = True
    return is_hit


def _pruned(parts: Layout, masks: Sequence[NDArray[np.bool_]]) -> Effect:
    """Zero what the masks say, one for each of the weights in the order of their numbers."""
    for weight, mask in zip(parts.weights, masks, strict=True):
        weight[torch.from_numpy(mask).view(weight.shape)] = 0
    n_hit, n_weights = sum(int(mask.sum()) for mask in masks), sum(map(len, masks))
    dense_bytes = parts.n_numbers * NUMBER_BYTES
    return Effect(min(dense_bytes, dense_bytes - n_hit * NUMBER_BYTES + math.ceil(n_weights / 8)), n_hit, n_weights)


def _prune_units(parts: Layout, share: float, _seed: int) -> Effect:
    return _silence(parts, share, lambda lengths, _number: lengths.argsort(stable=True))


def _units_off(parts: Layout, share: float, seed: int) -> Effect:
    def drawn(lengths: Tensor, number: int) -> Tensor:
        return torch.from_numpy(np.random.default_rng([seed, number]).permutation(len(lengths)))

    return _silence(parts, share, drawn)


def _silence(parts: Layout, share: float, order: Callable[[Tensor, int], Tensor]) -> Effect:
    """Make the first units of an order answer 0, in every hidden layer; one at least is left in each.

    order: length of each unit's weights, and the number of the layer -> units, those that go first
    """
    n_hit = n_gone = 0
    for number, units in enumerate(parts.hidden):
        off = order(units.lengths(), number)[: min(round(share * units.n), units.n - 1)]
        for of_unit in (*units.weights, *units.others):
            of_unit[off] = 0
            n_gone += of_unit[off].numel()
        n_hit += len(off)
    return Effect((parts.n_numbers - n_gone) * NUMBER_BYTES, n_hit, sum(units.n for units in parts.hidden))


def _fewer_bits(parts: Layout, bits: float, _seed: int) -> Effect:
    """Each unit's weights as whole multiples of a scale of its own."""
    n_weights, n_scales = sum(weight.numel() for weight in parts.weights), sum(len(rows) for rows in parts.rows)
    if bits >= FULL_BITS:
        return Effect(parts.n_numbers * NUMBER_BYTES, 0, n_weights)
    for rows in parts.rows:
        rows.copy_(_signs(rows) if bits == 1 else _rounded(rows, 2 ** (int(bits) - 1) - 1))
    rest = parts.n_numbers - n_weights + n_scales
    return Effect(math.ceil(n_weights * int(bits) / 8) + rest * NUMBER_BYTES, n_weights, n_weights)


def _signs(rows: Tensor) -> Tensor:
    """Of each weight its sign, times the mean size of its unit's weights, which comes closest."""
    scale = _per_row(rows.abs().flatten(1).mean(1), rows)
    return torch.where(rows < 0, -scale, scale)


def _rounded(rows: Tensor, most: int) -> Tensor:
    """Each weight as a whole multiple of its unit's scale, at most ``most`` times it.

    A scale that reaches the largest weight leaves few values for all the others: that of ``SCALES`` is taken which comes
    closest to a unit's weights (least squared error), and what lies beyond its reach is cut off.
    """
    reach = (rows.abs().flatten(1).amax(1) / most).clamp_min(torch.finfo(rows.dtype).tiny)
    best, least = torch.zeros_like(rows), torch.full_like(reach, torch.inf)
    for share in SCALES:
        scale = _per_row(share * reach, rows)
        rounded = (rows / scale).round().clamp(-most, most) * scale
        error = (rounded - rows).square().flatten(1).sum(1)
        best = torch.where(_per_row(error < least, rows), rounded, best)
        least = torch.minimum(error, least)
    return best


def _per_row(values: Tensor, rows: Tensor) -> Tensor:
    """(n,) in as many dimensions as rows (n, ...)."""
    return values.view(-1, *[1] * (rows.ndim - 1))


def _noise(parts: Layout, share: float, seed: int) -> Effect:
    for number, weight in enumerate(parts.weights):
        deviation = float(weight.std(correction=0))
        draws = np.random.default_rng([seed, number]).standard_normal(tuple(weight.shape), np.float32)
        weight.add_(torch.from_numpy(draws), alpha=share * deviation)
    n_weights = sum(weight.numel() for weight in parts.weights)
    return Effect(parts.n_numbers * NUMBER_BYTES, n_weights if share else 0, n_weights)


_SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98)
_MASK = (
    "Bytes: 4 for each number that is left, and one bit for each weight to say whether it is; never more than unpruned."
)
_STAY = "Biases, norms and positions stay as they are."
_OWN = "A unit that goes takes its own weights, its bias and its place in the norm behind it; the last layer keeps its ten."
DAMAGES: Mapping[str, Damage] = MappingProxyType(
    {
        damage.name: damage
        for damage in (
            Damage(
                "prune", "Weights pruned", "% of all weights", _SHARES, "weights",
                "The smallest weights of all dense, convolutional and recurrent layers together become 0 (magnitude pruning). "
                f"A layer whose weights are smaller than the others' can lose nearly all of them. {_STAY} {_MASK}",
                shrinks=True, is_random=False, change=_prune,
            ),
            Damage(
                "prune_layers", "Pruned layer by layer", "% of each layer", _SHARES, "weights",
                "In each dense, convolutional and recurrent layer the same share of weights becomes 0, the smallest first, so "
                f"that no layer vanishes before the others. {_STAY} {_MASK}",
                shrinks=True, is_random=False, change=_prune_layers,
            ),
            Damage(
                "prune_units", "Units pruned", "% of each hidden layer",
                (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9), "units",
                "Whole units (a convolution's filters, the numbers of a memory) go, in each hidden layer those whose weights "
                f"are smallest (L2 norm). {_OWN} Bytes: 4 for each number that is left. What the next layer kept for the unit "
                "could go as well and is still counted.",
                shrinks=True, is_random=False, change=_prune_units,
            ),
            Damage(
                "bits", "Fewer bits", "bits per weight", (32.0, 8.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0), "weights",
                "Each weight is rounded to one of a few evenly spaced values around 0: 255 with 8 bits, 15 with 4, 3 with 2. "
                "How far they reach is chosen for each unit so that its weights change least; with 1 bit only the sign is "
                f"left, times the mean size of the unit's weights. {_STAY} Bytes: the bits of the weights, and 4 for the scale "
                "of each unit and for each other number.",
                shrinks=True, is_random=False, change=_fewer_bits,
            ),
            Damage(
                "units_off", "Units off", "% of each hidden layer",
                (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9), "units",
                f"Units drawn at random answer 0, as if a part of the network had broken. {_OWN} The same draw at "
                "every share: who is off at 10 % is off at 20 %, too. Bytes: as for units pruned.",
                shrinks=True, is_random=True, change=_units_off,
            ),
            Damage(
                "noise", "Noise on weights", "% of each layer's deviation",
                (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5), "weights",
                "Each weight is moved by a random number (normal) whose deviation is a share of the deviation of its "
                f"layer's weights, as in worn or analogue hardware. {_STAY} The same draw at every share, only larger. The "
                "bytes stay.",
                shrinks=False, is_random=True, change=_noise,
            ),
        )
    }
)  # fmt: skip
