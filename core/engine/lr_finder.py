"""Which learning rate: one short training in which the rate rises from far too low to far too high.

After Smith 2017, "Cyclical Learning Rates for Training Neural Networks", section 3.3. There the rate rises by equal amounts,
here by equal factors, since useful rates differ by powers of ten. The network is a copy of its own and is thrown away: no
run, no store and no random number of anybody else is touched (``core.machine.private_random``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, pairwise
from statistics import median

import numpy as np
import torch

from core.config import RECORDS, RunConfig, TrainingConfig
from core.data.dataset import Dataset, Indices
from core.data.label_noise import given_labels
from core.data.split import split
from core.data.subset import subset
from core.engine.batches import batch_borders
from core.engine.evaluate import score
from core.engine.learner import Learner
from core.engine.network import untrained_network
from core.engine.seeds import derive, generator
from core.engine.speed import precision_of
from core.errors import ConfigError, InputError
from core.fields import settings
from core.machine.device import preflight, resolve_device
from core.machine.faults import is_out_of_memory
from core.machine.private_random import PrivateRandom

(_LR,) = (setting for setting in settings(TrainingConfig) if setting.name == "lr")
LOW, HIGH = float(_LR.low or 0), float(_LR.high or 0)
STEPS = 100
SMOOTHING = 0.8  # share of the smoothed loss that each step leaves: about the mean of the last five losses
DIVERGENCE_FACTOR = 4.0  # times the smallest smoothed loss: nothing is learned beyond
SUGGESTION_DIVISOR = 10.0  # how far the suggestion stays below the rate with the smallest loss
MIN_DROP = 0.95  # of the loss at the beginning: a smallest loss above that is noise
FIRST_POINTS = 10  # whose median loss is the one at the beginning
# Settings of a training that make no difference here.
IGNORED_SETTINGS = (
    "lr", "schedule", "epochs", "max_steps", "start_from", "monitor", "patience", "min_delta", "tta_views", *RECORDS,
)  # fmt: skip

NOTHING_FOUND = "The loss did not clearly fall at any learning rate, so there is nothing to suggest."


@dataclass(frozen=True, slots=True)
class Point:
    """loss: of one batch just before its step with ``lr``, nats per image · smoothed: mean of the losses up to it, the
    latest counting most, free of the bias towards where such a mean begins"""

    lr: float
    loss: float
    smoothed: float


@dataclass(frozen=True, slots=True)
class Suggestion:
    """lr: two digits, within the bounds of the setting · sentence: how it was chosen, for people"""

    lr: float
    sentence: str


def find_lr(
    config: RunConfig,
    dataset: Dataset,
    *,
    low: float = LOW,
    high: float = HIGH,
    steps: int = STEPS,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[Point]:
    """One optimizer step per batch of training images, ``lr`` rising by equal factors from ``low`` to ``high``.

    Starting weights, order of the images, optimizer, batch size, variations and penalties are those of a run with this
    config; ``IGNORED_SETTINGS`` settings make no difference, and validation and test images stay closed.
    Ends early when ``smoothed`` exceeds four times its minimum or is no number; every point is finite.
    should_stop: asked before every step

    The caller says before how many threads it takes (``use_one_thread``, ``use_training_threads``).
    Raises ConfigError, when it begins, for bad bounds, a device that is not there, a network that does not fit into memory and
    a dataset with too few images; InputError when memory runs out.
    """
    if not (LOW <= low < high <= HIGH and steps > 1):
        raise ConfigError(f"the search from {low:g} to {high:g} in {steps:,} steps, allowed is {_LR.allowed}", ("lr",))
    preflight(config, len(dataset.train_labels))
    config.check_images(len(dataset.train_labels))
    dataset = subset(dataset, config.data)
    learner = _untrained_learner(config, dataset)
    batches, labels_of_images = _endless_batches(config, learner.parts.train), given_labels(dataset, config.data)
    private_random = PrivateRandom(derive(config.training.seed, "finder"))
    augmentation = generator(config.training.seed, "finder", "variation")
    learner.module.train()
    weighted_losses, lowest = 0.0, math.inf
    for step in range(steps):
        if should_stop():
            return
        learner.set_lr(low * (high / low) ** (step / (steps - 1)))
        batch = next(batches)
        images = torch.from_numpy(dataset.train_images[batch]).to(learner.device)
        labels = torch.from_numpy(labels_of_images[batch]).to(learner.device)
        try:
            with private_random:
                logits = learner.learn(images, labels, augmentation)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            raise InputError("the device has too little memory left; a smaller batch needs less") from error
        loss = score(logits, labels).loss
        weighted_losses = SMOOTHING * weighted_losses + (1 - SMOOTHING) * loss
        smoothed = weighted_losses / (1 - SMOOTHING ** (step + 1))
        if not math.isfinite(smoothed):
            return
        yield Point(learner.lr, loss, smoothed)
        lowest = min(lowest, smoothed)
        if smoothed > DIVERGENCE_FACTOR * lowest:
            return


def suggest(points: Sequence[Point]) -> Suggestion | None:
    """A tenth of the learning rate with the smallest smoothed loss; None when the loss never clearly fell.

    One of the rules of fastai's finder ("minimum"; Howard and Gugger 2020). The usual one, the steepest fall, asks a noisy
    curve for its slope: with small batches, and where the loss falls only just before it explodes, it names rates that do
    not learn. Measured on 14 settings of 7 networks (embedded digits, 8 epochs): this rule's validation accuracy was 0.9
    points below the best of five rules on average and 3.3 at worst; "valley" 1.8 and 8.3, the steepest fall 11 and 77.
    """
    if not points:
        return None
    lowest = min(points, key=lambda point: point.smoothed)
    if lowest.smoothed > MIN_DROP * median(point.loss for point in points[:FIRST_POINTS]):
        return None
    lr = max(LOW, float(f"{lowest.lr / SUGGESTION_DIVISOR:.2g}"))
    where = f"The smoothed loss was lowest, {lowest.smoothed:.2f} nats, at a learning rate of {lr_text(lowest.lr)}"
    why = "Training begins to fall apart around there, so a tenth of it is suggested"
    if lowest is points[-1]:
        where, why = f"{where}, the highest that was tried", "Training never fell apart; a tenth of it is suggested"
    return Suggestion(lr, f"{where}. {why}: {lr_text(lr)}.")


def lr_text(lr: float) -> str:
    """Two digits, written out: 0.00032 rather than 3.2e-04."""
    return np.format_float_positional(float(f"{lr:.2g}"), trim="-")


def _untrained_learner(config: RunConfig, dataset: Dataset) -> Learner:
    """A network with the weights that a run of this config starts from, and a learning rate that nothing else moves."""
    with PrivateRandom(derive(config.training.seed, "weights")):
        module = untrained_network(config)
    plan = config.training.model_copy(update={"schedule": "constant"})
    device = resolve_device(plan.device)
    fixed = config.model_copy(update={"training": plan})
    return Learner(
        fixed, split(dataset, config.data), device, total_steps=1, module=module, precision=precision_of(config, device)
    )


def _endless_batches(config: RunConfig, train: Indices) -> Iterator[Indices]:
    """The batches of a run, epoch after epoch without end."""
    plan, n = config.training, len(train)
    for epoch in count():
        order = torch.randperm(n, generator=generator(plan.seed, "order", epoch)) if plan.shuffle else torch.arange(n)
        for start, end in pairwise(batch_borders(n, plan.batch_size)):
            yield train[order[start:end].numpy()]
