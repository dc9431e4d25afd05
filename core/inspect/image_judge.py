"""A small convolutional network that tells drawings of no digit from digits by the image alone.

The layers of a network that has learned to read digits make much the same of two digits that cross as of one; this one has
learned from nothing but digits and drawings of no digit, many of them such pairs. ``core.inspect.strangeness`` uses it.

Nothing here draws from torch's global random numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from core.data.dataset import Images
from core.data.pen import with_others_pen, with_pen
from core.data.strangers import crossing, strangers
from core.inspect.activations import Floats, as_floats

BATCH_IMAGES = 250  # read at once
CHANNELS, HIDDEN_UNITS = (16, 32, 64), 64
EPOCHS, BATCH, LR, WEIGHT_DECAY, WARMUP_SHARE = 3, 256, 4e-3, 1e-2, 0.2  # of its training
PEN_SHARE = (
    0.3  # of the digits drawn with a pen: as they are, and as many as others might write them; the rest by their lines
)
N_FOR_PAIRS = 20_000  # digits, and as many drawn anew, of which pairs are made
SEED = 0
Halves = NDArray[np.float16]


def learn(digits: Images, varied: Images, n_strangers: int, n_crossing: int, n_pen: int) -> dict[str, Halves]:
    """The weights of ``score`` by name, in 16 bits; takes some minutes for all of MNIST.

    digits (N, 28, 28) uint8, varied (M, 28, 28): the same as others might write them
    n_strangers: drawings by rule · n_crossing: pairs of digits that cross, besides · n_pen: digits drawn anew with a pen
    """
    n_each = round(PEN_SHARE * n_pen)
    in_pen, source = with_pen(digits[:n_each], SEED), digits[:N_FOR_PAIRS]
    by_line = with_others_pen(n_pen - 2 * n_each, SEED, source)
    real = np.concatenate([digits, varied, in_pen, with_pen(varied[:n_each], SEED), by_line])
    others = np.concatenate([
        strangers(n_strangers, SEED, np.concatenate([source, in_pen[:N_FOR_PAIRS]])), crossing(n_crossing, SEED, source)
    ])  # fmt: skip
    return _learned(np.concatenate([real, others]), np.arange(len(real) + len(others)) >= len(real))


def score(images: Images, layers: Mapping[str, Halves]) -> Floats:
    """(N, 28, 28) uint8 -> (N,): larger is stranger."""
    weights = {name: torch.from_numpy(values).float() for name, values in layers.items()}
    scores = []
    with torch.inference_mode():
        for start in range(0, len(images), BATCH_IMAGES):
            x = _scaled(torch.from_numpy(np.array(images[start : start + BATCH_IMAGES])))
            for i in range(len(CHANNELS)):
                x = F.conv2d(x, weights[f"conv{i}.weight"], weights[f"conv{i}.bias"], padding=1)
                x = F.max_pool2d(x.relu(), 2)
            x = F.linear(x.flatten(1), weights["hidden.weight"], weights["hidden.bias"]).relu()
            scores.append(F.linear(x, weights["out.weight"], weights["out.bias"])[:, 0])
    return as_floats(torch.cat(scores))


def _scaled(images: Tensor) -> Tensor:
    """(N, 28, 28) uint8 -> (N, 1, 28, 28) in [0, 1], in the order in which convolutions are fastest."""
    return (images.float() / 255)[:, None].contiguous(memory_format=torch.channels_last)


def _learned(images: Images, is_stranger: NDArray[np.bool_]) -> dict[str, Halves]:
    """The judge's weights, its normalisations made part of its convolutions. images (N, 28, 28) uint8, is_stranger (N,)"""
    examples, targets = torch.from_numpy(images), torch.from_numpy(is_stranger.astype(np.float32))
    private = torch.Generator().manual_seed(SEED)
    network = _network(private)
    with torch.enable_grad():
        optimizer = torch.optim.AdamW(network.parameters(), LR, weight_decay=WEIGHT_DECAY)
        n_steps = EPOCHS * -(-len(examples) // BATCH)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LR, total_steps=n_steps, pct_start=WARMUP_SHARE)
        for _ in range(EPOCHS):
            order = torch.randperm(len(examples), generator=private)
            for start in range(0, len(order), BATCH):
                batch = order[start : start + BATCH]
                loss = F.binary_cross_entropy_with_logits(network(_scaled(examples[batch]))[:, 0], targets[batch])
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
    return _folded(network.eval())


def _network(private: torch.Generator) -> nn.Sequential:
    """With torch's own kind of first weights, from a generator of its own."""
    parts: list[nn.Module] = []
    with torch.device("meta"):  # draws nothing
        for n_in, n_out in zip((1, *CHANNELS), CHANNELS, strict=False):
            parts += [nn.Conv2d(n_in, n_out, 3, padding=1), nn.BatchNorm2d(n_out), nn.ReLU(), nn.MaxPool2d(2)]
        parts += [nn.Flatten(), nn.Linear(9 * CHANNELS[-1], HIDDEN_UNITS), nn.ReLU(), nn.Linear(HIDDEN_UNITS, 1)]
    network = nn.Sequential(*parts).to_empty(device="cpu")
    for part in network:
        if isinstance(part, nn.BatchNorm2d):
            part.reset_parameters()
        elif isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.kaiming_uniform_(part.weight, math.sqrt(5), generator=private)
            limit = part.weight[0].numel() ** -0.5
            nn.init.uniform_(cast(Tensor, part.bias), -limit, limit, generator=private)
    return network.to(memory_format=torch.channels_last)


def _folded(network: nn.Sequential) -> dict[str, Halves]:
    """The weights of ``score``, by name."""
    layers: dict[str, nn.Module] = {
        f"conv{i}": torch.nn.utils.fuse_conv_bn_eval(cast(nn.Conv2d, network[4 * i]), cast(nn.BatchNorm2d, network[4 * i + 1]))
        for i in range(len(CHANNELS))
    }  # fmt: skip
    layers |= {"hidden": network[-3], "out": network[-1]}
    return {
        f"{name}.{part}": values.detach().half().contiguous().numpy()
        for name, layer in layers.items()
        for part, values in layer.named_parameters()
    }
