"""How an epoch falls into batches. No torch in here: whoever plans a training counts its steps with this too."""

from __future__ import annotations

UNTRAINED_SAMPLE_IMAGES = 500  # training images that the untrained network is scored on
# How many training images the network is scored on after each epoch, as it then stands: one in so many, within bounds. To read
# an image takes a tenth to a half of the time of learning from it, so this costs 1 to 2 % of an epoch; a little more where
# there are so few images that the figure would else be worth nothing.
TRAIN_PER_SAMPLE, MIN_SAMPLE_IMAGES, MAX_SAMPLE_IMAGES = 25, 100, 1_000


def sample_size(n: int) -> int:
    """Of ``n`` training images, how many the network is scored on after each epoch."""
    return min(n, MAX_SAMPLE_IMAGES, max(MIN_SAMPLE_IMAGES, n // TRAIN_PER_SAMPLE))


def batch_borders(n: int, size: int) -> list[int]:
    """Where the batches of an epoch of ``n`` images begin and end. A last batch of one image joins the one before it: batch
    normalisation has nothing to average over in it."""
    borders = [*range(0, n, size), n]
    if len(borders) > 2 and size > 1 and borders[-1] - borders[-2] == 1:
        del borders[-2]
    return borders
