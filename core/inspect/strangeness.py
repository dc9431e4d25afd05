"""Whether a drawing looks like a digit to a network: measured on what its layers make of it.

A network names a digit whatever it is handed, and is often sure of it. Two things tell a stranger. One is how far the drawing
lies, before the last layer, from the nearest of thousands of digits that the network learned from (Y. Sun and others 2022,
arXiv 2204.06507). But what the last layer takes has forgotten much of what no digit needs; so the other, which weighs more,
is a small judge over several layers that has learned to tell these digits from drawings of no digit (outlier exposure:
D. Hendrycks and others 2019, arXiv 1812.04606). Their sum counts by its rank among validation digits, which neither the network
nor the judge has learned from. ``python -m bench.strangers`` measures it.

Nothing here draws from torch's global random numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from core.data.dataset import Images, Labels
from core.data.habits import with_habits
from core.errors import InputError
from core.inspect.activations import Floats, as_floats, computes_with_weights
from core.inspect.copies import private_copy
from core.machine.precision import memory_format
from core.models.pixels import pixels

BATCH_IMAGES = 250  # read at once
Halves = NDArray[np.float16]  # half the memory of what the judge learns from
Weights = tuple[Floats, Floats, Floats]
MAX_HALF = 65_000  # the largest number in 16 bits
MAX_PARTS = 6  # of a network, whose numbers the judge sees
MAX_NUMBERS = 1024  # of a part: maps and steps are averaged in blocks until they are no more
SIDES = (4, 2, 1)  # blocks along a side
HIDDEN_UNITS = 128  # of the judge
EPOCHS, BATCH, LR, WEIGHT_DECAY = 10, 128, 1e-3, 1e-2  # of the judge's training
DISTANCE_WEIGHT = 0.3  # of the distance, where the judge has 1
REAL_SHARE = 0.99  # of validation digits that pass
MIN_DISTANCE = 1e-6  # below which 32 bits tell nothing
MIN_VALIDATION = 100  # digits, below which one in a hundred can not be told
MAX_DIGITS = 10_000  # that it learns from and compares with
STRANGERS_PER_DIGIT = 1.6
SEED = 0


@dataclass(frozen=True, eq=False, slots=True)
class Strangeness:
    """How strange drawings look to one network; ``learn`` makes it.

    parts: whose numbers the judge sees · centre, scale (D,): of these numbers
    weights: of the judge, (D, HIDDEN_UNITS), (HIDDEN_UNITS,), (HIDDEN_UNITS,)
    digits (N, E): what the last layer takes of digits that were learned from, each of length 1
    judged, distant: middle and width of both measures among the validation digits
    threshold: of their sum; what lies above it is a stranger · n_strangers, n_val: the judge learned from, and threshold of
    """

    parts: tuple[str, ...]
    centre: Floats
    scale: Floats
    weights: Weights
    digits: Floats
    judged: tuple[float, float]
    distant: tuple[float, float]
    threshold: float
    n_strangers: int
    n_val: int

    @property
    def nbytes(self) -> int:
        """Bytes that it takes in memory."""
        return sum(array.nbytes for array in (self.centre, self.scale, *self.weights, self.digits))

    def is_stranger(self, module: nn.Module, image: Images, mean: float, std: float) -> bool:
        """Whether an image looks less like a digit than ``REAL_SHARE`` of real ones. (28, 28) uint8; else as ``learn``"""
        return bool(self.of(module, image[None], mean, std)[0] > self.threshold)

    def of(self, module: nn.Module, images: Images, mean: float, std: float) -> Floats:
        """images (N, 28, 28) uint8 -> (N,): larger is stranger. The rest as in ``learn``"""
        seen, last = _seen(module, images, mean, std, self.parts)
        judged = _judge(seen, self.centre, self.scale, self.weights)
        return _total(judged, _distance(self.digits, last), self.judged, self.distant)


def learn(
    module: nn.Module,
    digits: Images,
    labels: Labels,
    strangers: Images,
    validation: Images,
    mean: float,
    std: float,
    on_images: Callable[[int], None] | None = None,
) -> Strangeness:
    """Learn how the digits look to a network that has learned from them.

    module: in eval mode on the CPU, stays as it was · digits (N, 28, 28) uint8 that it learned from, labels (N,)
    strangers (S, 28, 28) uint8: no digits · validation (V, 28, 28) uint8: digits that nothing has learned from
    mean, std: of the images that the network was trained on · on_images: told after each batch how many have been read
    Raises InputError where there are too few validation digits.
    """
    if len(validation) < MIN_VALIDATION:
        raise InputError(f"it takes at least {MIN_VALIDATION} validation images, and this run has {len(validation):,}")
    private = torch.Generator().manual_seed(SEED)
    scaled = torch.from_numpy(np.array(digits)).float()[:, None] / 255
    rewritten = with_habits(scaled, torch.from_numpy(np.array(labels)), 1.0, private)
    changed = (rewritten != scaled).flatten(1).any(1).numpy()
    others = (rewritten[:, 0].numpy()[changed] * 255).round().clip(0, 255).astype(np.uint8)
    everything = np.concatenate([digits, others, strangers, validation])
    seen, last = _seen(module, everything, mean, std, None, on_images)
    parts = _parts(module)
    n_real, n_learned = len(digits) + len(others), len(everything) - len(validation)
    centre: Floats = seen[: len(digits)].mean(axis=0, dtype=np.float32)
    blocks = np.array_split(seen[: len(digits)], -(-len(digits) // BATCH_IMAGES))
    scale: Floats = np.sqrt(sum(((block - centre) ** 2).sum(0) for block in blocks) / len(digits))
    scale = scale + 0.1 * scale.mean() + 1e-6  # what hardly ever changes must not count for much when it does
    weights = _learned(seen[:n_learned], centre, scale, np.arange(n_learned) >= n_real, private)
    taken = as_floats(F.normalize(torch.from_numpy(last[: len(digits)])))
    judged = _judge(seen[n_learned:], centre, scale, weights)
    distances = _distance(taken, last[n_learned:])
    of_judge, of_distance = _middle_and_width(judged), _middle_and_width(distances)
    threshold = float(np.quantile(_total(judged, distances, of_judge, of_distance), REAL_SHARE))
    return Strangeness(
        parts, centre, scale, weights, taken, of_judge, of_distance, threshold, len(strangers), len(validation)
    )


def _middle_and_width(measure: Floats) -> tuple[float, float]:
    """The median, and how far above it the strangest of the real ones lie."""
    middle = float(np.median(measure))
    return middle, max(float(np.quantile(measure, REAL_SHARE)) - middle, 1e-9)


def _total(
    judged: Floats, distances: Floats, of_judge: tuple[float, float], of_distance: tuple[float, float]
) -> Floats:
    """Both measures in widths from their middles."""
    total: Floats = (judged - of_judge[0]) / of_judge[1]
    return total + DISTANCE_WEIGHT * (distances - of_distance[0]) / of_distance[1]


def _judge(seen: Halves, centre: Floats, scale: Floats, weights: Weights) -> Floats:
    """(N, D) -> (N,): larger is stranger."""
    middle, width, into, bias, out = (torch.from_numpy(array) for array in (centre, scale, *weights))
    blocks = torch.from_numpy(seen).split(BATCH_IMAGES)  # type: ignore[no-untyped-call]
    return as_floats(torch.cat([((block - middle) / width @ into + bias).relu() @ out for block in blocks]))


def _distance(digits: Floats, last: Floats) -> Floats:
    """(N,): logarithm of the cosine distance to the nearest digit. digits (M, E), each of length 1 · last (N, E)"""
    columns = torch.from_numpy(digits).T  # by torch: NumPy would compute on all cores
    blocks = torch.from_numpy(last).split(BATCH_IMAGES)  # type: ignore[no-untyped-call]
    closest = torch.cat([(F.normalize(block) @ columns).amax(1) for block in blocks])
    return as_floats((1 - closest).clamp(min=MIN_DISTANCE).log())


def _learned(
    seen: Halves, centre: Floats, scale: Floats, is_stranger: NDArray[np.bool_], private: torch.Generator
) -> Weights:
    """The judge: one hidden layer, trained to tell strangers. seen (N, D), is_stranger (N,)"""
    targets, middle, width = (torch.from_numpy(array) for array in (is_stranger.astype(np.float32), centre, scale))
    examples = torch.from_numpy(seen)
    n_numbers = seen.shape[1]
    into = (torch.empty(n_numbers, HIDDEN_UNITS).uniform_(-1, 1, generator=private) * n_numbers**-0.5).requires_grad_()
    bias = torch.zeros(HIDDEN_UNITS, requires_grad=True)
    out = (torch.empty(HIDDEN_UNITS).uniform_(-1, 1, generator=private) * HIDDEN_UNITS**-0.5).requires_grad_()
    offset = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.AdamW([into, bias, out, offset], lr=LR, weight_decay=WEIGHT_DECAY)
    n_steps = EPOCHS * -(-len(examples) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LR, total_steps=n_steps)
    with torch.enable_grad():
        for _ in range(EPOCHS):
            order = torch.randperm(len(examples), generator=private)
            for start in range(0, len(order), BATCH):
                batch = order[start : start + BATCH]
                scores = ((examples[batch] - middle) / width @ into + bias).relu() @ out + offset
                loss = F.binary_cross_entropy_with_logits(scores, targets[batch])
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
    return as_floats(into), as_floats(bias), as_floats(out)


def _is_seen(part: nn.Module) -> bool:
    return computes_with_weights(part) or isinstance(part, nn.RNNBase)


def _parts(module: nn.Module) -> tuple[str, ...]:
    """Parts with weights in the order in which an image passes them, at most ``MAX_PARTS``, evenly over the depth; the last
    one makes the logits."""
    network = private_copy(module)
    passed: list[str] = []
    for name, part in network.named_modules():
        if _is_seen(part):
            part.register_forward_hook(lambda _part, _taken, _made, name=name: passed.append(name))
    with torch.no_grad():
        network(torch.zeros(1, 1, 28, 28))
    names = list(dict.fromkeys(passed))
    places = np.unique(np.linspace(0, len(names) - 1, MAX_PARTS).round().astype(int))
    return tuple(names[place] for place in places)


def _seen(
    module: nn.Module,
    images: Images,
    mean: float,
    std: float,
    parts: tuple[str, ...] | None = None,
    on_images: Callable[[int], None] | None = None,
) -> tuple[Halves, Floats]:
    """What the judge sees of each image (N, D), and what the last layer takes of it (N, E)."""
    network = private_copy(module)
    layout = memory_format(network, "cpu")
    names = parts or _parts(module)
    made: dict[str, Tensor] = {}
    taken: list[Tensor] = []
    inner = dict(network.named_modules())
    for name in names:
        inner[name].register_forward_hook(
            lambda part, _taken, output, name=name: made.__setitem__(name, _blocks(part, output))
        )
    inner[names[-1]].register_forward_pre_hook(lambda _part, inputs: taken.append(inputs[0]))
    seen, last = [], []
    with torch.no_grad():
        for start in range(0, len(images), BATCH_IMAGES):
            batch = pixels(torch.from_numpy(np.array(images[start : start + BATCH_IMAGES])), mean, std)
            network(batch.contiguous(memory_format=layout))
            small = F.adaptive_avg_pool2d(batch, 14).flatten(1)
            before_last = taken.pop().flatten(1)
            numbers = torch.cat([small, *(made[name] for name in names), before_last], 1)
            seen.append(numbers.clamp(-MAX_HALF, MAX_HALF).half().numpy())
            last.append(as_floats(before_last))
            if on_images:
                on_images(min(start + BATCH_IMAGES, len(images)))
    return np.concatenate(seen), np.concatenate(last)


def _blocks(part: nn.Module, output: Tensor | tuple[Tensor, ...]) -> Tensor:
    """What a part makes of images, (N, D): maps (N, C, H, W) and steps (N, T, D) averaged in blocks."""
    values = output if isinstance(output, Tensor) else output[0]
    if values.ndim == 4:
        maps = values.permute(0, 3, 1, 2) if hasattr(part, "keras_layer") else values
        side = next(side for side in SIDES if side == 1 or maps.shape[1] * side**2 <= MAX_NUMBERS)
        return F.adaptive_avg_pool2d(maps, side).flatten(1)
    if values.ndim == 3:
        steps = values if isinstance(part, nn.Conv1d) else values.transpose(1, 2)  # (N, D, T)
        side = next(side for side in SIDES if side == 1 or steps.shape[1] * side <= MAX_NUMBERS)
        return F.adaptive_avg_pool1d(steps, side).flatten(1)
    return values.flatten(1)
