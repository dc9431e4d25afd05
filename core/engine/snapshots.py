"""Which weights are kept while a network learns (``TrainingConfig.snapshots``), and what they cost. No torch in here: a form
says it before anything starts."""

from __future__ import annotations

import math

from core.config import RunConfig, TrainingConfig
from core.data.split import part_sizes
from core.engine.batches import batch_borders

MAX_EARLY_STEPS = 20  # snapshots within the first epoch
MAX_EPOCHS = 39  # snapshots at the ends of epochs; with the untrained network that makes 60 at most
BYTES_PER_WEIGHT = 2


def planned_steps(plan: TrainingConfig, steps_per_epoch: int) -> tuple[int, ...]:
    """After which steps weights are kept, 0 being the untrained network; () when none are.

    The end of every epoch, and with "early" steps 1, 2, 4, 8, … of the first one. A long run is thinned: of more than
    ``MAX_EPOCHS`` epochs every second, third, … is kept, and the last. With "few" steps 4, 16, 64, … of the first epoch, the
    ends of epochs 1, 2, 4, 8, … and of the last. A run that ends before its plan does keeps its end, too.
    """
    if plan.snapshots == "none":
        return ()
    total = min(plan.epochs * steps_per_epoch, plan.max_steps or math.inf)
    if plan.snapshots == "few":
        within, ends = (4**power for power in range(1, MAX_EARLY_STEPS)), (2**power for power in range(MAX_EARLY_STEPS))
        steps = {0, int(total), *(step for step in within if step < min(steps_per_epoch, total))}
        return tuple(sorted(steps | {end * steps_per_epoch for end in ends if end * steps_per_epoch < total}))
    every = steps_per_epoch * math.ceil(total / steps_per_epoch / MAX_EPOCHS)
    steps = {0, int(total), *range(every, int(total), every)}
    if plan.snapshots == "early":
        steps |= {2**power for power in range(MAX_EARLY_STEPS) if 2**power < min(steps_per_epoch, total)}
    return tuple(sorted(steps))


def planned_snapshots(config: RunConfig, n_images: int, n_params: int) -> tuple[int, int]:
    """How many snapshots a run will keep at most, and about how many bytes they take.

    n_images: of its dataset for training, before any are held out · n_params: weights of its network
    Raises ConfigError when nothing would be left to train on.
    """
    n_train, _ = part_sizes(n_images, config.data)
    steps_per_epoch = len(batch_borders(n_train, config.training.batch_size)) - 1
    n = len(planned_steps(config.training, steps_per_epoch))
    return n, n * n_params * BYTES_PER_WEIGHT
