"""What a run does, counted before it begins: images learned from, images answered, multiply-adds. No torch in here."""

from __future__ import annotations

import math
from typing import NamedTuple

from core import models
from core.config import RunConfig
from core.data.split import part_sizes
from core.engine.batches import UNTRAINED_SAMPLE_IMAGES, batch_borders, sample_size


class Images(NamedTuple):
    """How many a dataset has, before any are held out for validation."""

    train: int
    test: int


class Work(NamedTuple):
    """What one run does, counted.

    learned: training images, each as often as it is learned from · validations: looks at the validation images
    read: images answered, those of validation and test and a few at the start
    """

    learned: int
    validations: int
    read: int


def work(config: RunConfig, images: Images) -> Work:
    """What a run does if nothing ends it early. Raises ConfigError when nothing would be left to train on."""
    n_train, n_val = part_sizes(images.train, config.data)
    plan = config.training
    borders = batch_borders(n_train, plan.batch_size)
    per_epoch = len(borders) - 1
    steps = min(plan.epochs * per_epoch, plan.max_steps or math.inf)
    epochs, rest = divmod(int(steps), per_epoch)
    validations = 1 + epochs + bool(rest)  # the untrained network is validated, too
    views = plan.tta_views
    at_end = views * images.test + (views * n_val if views > 1 else 0)  # with one view, validation is read already
    return Work(
        epochs * n_train + borders[rest],
        validations,
        min(UNTRAINED_SAMPLE_IMAGES, n_train) + validations * n_val + (validations - 1) * sample_size(n_train) + at_end,
    )


def run_multiply_adds(config: RunConfig, images: Images) -> int:
    """Of a whole run. Raises ConfigError when nothing would be left to train on."""
    amount = work(config, images)
    each = models.get(config.architecture).multiply_adds(config.model)
    return each * (models.TRAINING_COST * amount.learned + amount.read)
