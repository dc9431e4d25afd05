"""Whether a drawing is a digit at all: one judge for all networks, which sees what the layers of a trained CNN make of it,
and the image itself.

A network names a digit whatever it is handed, and is often sure of it. The judge has learned to tell written digits from
drawings of no digit (outlier exposure: D. Hendrycks and others 2019, arXiv 1812.04606): one hidden layer over the image, the
CNN's maps in 4 x 4 blocks, its dense layers and its logits. ``core.inspect.image_judge`` also has a say, for two digits that
cross. Each score counts by its rank among validation digits, of which nothing here has learned, and a drawing is strange when
either says so. ``python -m bench.strangers`` measures it.

Nothing here draws from torch's global random numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from core.data.augment import augment
from core.data.config import DataConfig
from core.data.dataset import Images, Labels
from core.data.drawn import to_digit
from core.data.pen import with_pen
from core.data.strangers import strangers
from core.errors import InputError
from core.inspect import image_judge
from core.inspect.activations import Floats, as_floats
from core.inspect.image_judge import Halves
from core.machine.precision import memory_format
from core.models.cnn import Cnn
from core.models.pixels import pixels

BATCH_IMAGES = 250  # read at once
IMAGE_SIDE, MAP_SIDE = 14, 4  # of the image and of a map, averaged in blocks
HIDDEN_UNITS = 64  # of the judge
EPOCHS, BATCH, LR, WEIGHT_DECAY = 6, 128, 1e-3, 1e-2  # of its training
LAYERS_REAL_SHARE, IMAGE_REAL_SHARE = 0.9955, 0.9986  # of validation digits that pass either
REAL_SHARE = LAYERS_REAL_SHARE + IMAGE_REAL_SHARE - 1  # at least, that pass both
MIN_VALIDATION = 100  # digits, below which one in a hundred can not be told
N_PEN = 20_000  # of the digits, drawn anew with a pen
N_STRANGERS = 60_000
SEED = 0
N_CROSSING = 48_000  # pairs of digits
N_IMAGE_PEN = 100_000  # of the digits that the judge of the image learns from, drawn anew with a pen
INTO_LEVELS = 127  # of a weight over the layers, on each side of 0
Bytes = NDArray[np.int8]


@dataclass(frozen=True, eq=False, slots=True)
class Strangeness:
    """How strange drawings look; ``learn`` makes it.

    into (D, HIDDEN_UNITS) int8, times step (D, 1) float32; bias (HIDDEN_UNITS,), out (HIDDEN_UNITS,): the judge, over the D
    numbers of ``numbers`` · image: weights of the judge of the image, by name
    threshold: of the score; what lies above it is a stranger · image_threshold: of the score of the image alone
    n_digits, n_strangers: the judge learned from · n_val: digits that the threshold is made of
    """

    into: Bytes
    step: Floats
    bias: Floats
    out: Floats
    image: Mapping[str, Halves]
    threshold: float
    image_threshold: float
    n_digits: int
    n_strangers: int
    n_val: int

    def is_stranger(self, network: Cnn, image: Images, mean: float, std: float) -> bool:
        """Whether an image (28, 28) uint8 looks less like a digit than ``REAL_SHARE`` of real ones; the rest as in ``learn``"""
        return bool(self.of(network, image[None], mean, std)[0] > self.threshold)

    def of(self, network: Cnn, images: Images, mean: float, std: float) -> Floats:
        """images (N, 28, 28) uint8 -> (N,): larger is stranger. The rest as in ``learn``"""
        seen = numbers(network, images, mean, std)
        by_layers = _score(seen, self.into * self.step, self.bias, self.out)
        by_image = image_judge.score(images, self.image) + np.float32(self.threshold - self.image_threshold)
        higher: Floats = np.maximum(by_layers, by_image)
        return higher


def learn(
    network: Cnn,
    digits: Images,
    labels: Labels,
    validation: Images,
    mean: float,
    std: float,
    n_strangers: int = N_STRANGERS,
    n_pen: int = N_PEN,
    n_crossing: int = N_CROSSING,
    n_image_pen: int = N_IMAGE_PEN,
) -> Strangeness:
    """Learn to tell digits from strangers by what a network makes of them; takes some minutes for all of MNIST.

    network: in eval mode on the CPU, stays as it was · digits (N, 28, 28) uint8 that it learned from, labels (N,)
    validation (V, 28, 28) uint8: digits that nothing has learned from · mean, std: of the network's training images
    n_strangers: drawn for it · n_pen: of the digits, drawn anew with a pen
    n_crossing, n_image_pen: pairs of digits and digits drawn with a pen, for the judge of the image
    Raises InputError where there are too few validation digits.
    """
    if len(validation) < MIN_VALIDATION:
        raise InputError(f"it takes at least {MIN_VALIDATION} validation images, and there are {len(validation):,}")
    private = torch.Generator().manual_seed(SEED)
    varied = _varied(digits, labels, private)
    in_pen = with_pen(varied[torch.randperm(len(varied), generator=private)[:n_pen].numpy()], SEED)
    real = np.concatenate([digits, varied, in_pen])
    others = strangers(n_strangers, SEED, np.concatenate([digits[: len(in_pen)], in_pen]))
    seen = numbers(network, np.concatenate([real, others]), mean, std)
    is_stranger = np.arange(len(seen)) >= len(real)
    into, bias, out = _learned(seen, seen[: len(digits)], is_stranger, private)
    image = image_judge.learn(digits, varied, n_strangers, n_crossing, n_image_pen)
    n_others = len(others) + n_strangers + n_crossing
    levels, step = _rounded(into)
    by_layers = _score(numbers(network, validation, mean, std), levels * step, bias, out)
    by_image = image_judge.score(validation, image)
    return Strangeness(
        levels, step, bias, out, image, float(np.quantile(by_layers, LAYERS_REAL_SHARE)),
        float(np.quantile(by_image, IMAGE_REAL_SHARE)), len(digits), n_others, len(validation),
    )  # fmt: skip


def numbers(network: Cnn, images: Images, mean: float, std: float) -> Halves:
    """What the judge sees of each image, (N, D): images (N, 28, 28) uint8."""
    layout = memory_format(network, "cpu")
    rows = []
    with torch.inference_mode():
        for start in range(0, len(images), BATCH_IMAGES):
            batch = pixels(torch.from_numpy(np.array(images[start : start + BATCH_IMAGES])), mean, std)
            rows.append(_layers(network, batch.contiguous(memory_format=layout)).half().numpy())
    return np.concatenate(rows)


def _layers(network: Cnn, x: Tensor) -> Tensor:
    """(N, 1, 28, 28) -> (N, D)."""
    seen = [F.adaptive_avg_pool2d(x, IMAGE_SIDE)]
    for part in network.blocks:
        x = part(x)
        if isinstance(part, nn.ReLU):
            seen.append(F.adaptive_avg_pool2d(x, MAP_SIDE))
    x = x.flatten(1)
    for part in network.hidden:
        x = part(x)
        if isinstance(part, nn.ReLU):
            seen.append(x)
    return torch.cat([values.flatten(1) for values in (*seen, network.head(x))], 1)


def _varied(digits: Images, labels: Labels, private: torch.Generator) -> Images:
    """Each digit once as others might write it, prepared as the pad prepares. (N, 28, 28) uint8"""
    how_others_write = DataConfig(rotation=10, shear=10, elastic=1.5, habits=0.7, drawn_ones=0.3)
    made = []
    for start in range(0, len(digits), BATCH_IMAGES):
        part = slice(start, start + BATCH_IMAGES)
        scaled = torch.from_numpy(np.array(digits[part])).float()[:, None] / 255
        changed = augment(scaled, how_others_write, private, torch.from_numpy(np.array(labels[part])))[:, 0]
        made += [to_digit(image).image for image in (changed * 255).round().clamp(0, 255).byte().numpy()]
    return np.stack(made)


def _rounded(into: Halves) -> tuple[Bytes, Floats]:
    """Weights (D, HIDDEN_UNITS) in 8 bits, and the step (D, 1) between two levels of each row."""
    step = np.maximum(np.abs(into).max(axis=1, keepdims=True).astype(np.float32), np.float32(1e-12)) / np.float32(
        INTO_LEVELS
    )
    return np.rint(into / step).astype(np.int8), step


def _score(seen: Halves, into: Floats, bias: Floats, out: Floats) -> Floats:
    """(N, D) -> (N,): larger is stranger."""
    weights, offset, last = torch.from_numpy(into), torch.from_numpy(bias), torch.from_numpy(out)
    blocks = torch.from_numpy(seen).split(BATCH_IMAGES)  # type: ignore[no-untyped-call]
    return as_floats(torch.cat([(block.float() @ weights + offset).relu() @ last for block in blocks]))


def _learned(
    seen: Halves, digits: Halves, is_stranger: NDArray[np.bool_], private: torch.Generator
) -> tuple[Halves, Floats, Floats]:
    """The judge's weights, in 16 bits where there are many. seen (N, D) · digits (M, D): by which the numbers are scaled"""
    examples, targets = torch.from_numpy(seen), torch.from_numpy(is_stranger.astype(np.float32))
    centre = torch.from_numpy(digits.mean(axis=0, dtype=np.float32))
    blocks = torch.from_numpy(digits).split(BATCH_IMAGES)  # type: ignore[no-untyped-call]
    width = (sum(((block - centre) ** 2).sum(0) for block in blocks) / len(digits)).sqrt()
    width = width + 0.1 * width.mean() + 1e-6  # what hardly ever changes must not count for much when it does
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
                scores = ((examples[batch] - centre) / width @ into + bias).relu() @ out + offset
                loss = F.binary_cross_entropy_with_logits(scores, targets[batch])
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
    scaled = (into / width[:, None]).detach().half()  # centre and width become part of the weights
    moved = bias.detach() - centre @ scaled.float()
    return scaled.numpy(), as_floats(moved), as_floats(out)
