"""How an epoch falls into batches. No torch in here: whoever plans a training counts its steps with this too."""

from __future__ import annotations

UNTRAINED_SAMPLE_IMAGES = 500  # training images that the untrained network is scored on


def batch_borders(n: int, size: int) -> list[int]:
    """Where the batches of an epoch of ``n`` images begin and end. A last batch of one image joins the one before it: batch
    normalisation has nothing to average over in it."""
    borders = [*range(0, n, size), n]
    if len(borders) > 2 and size > 1 and borders[-1] - borders[-2] == 1:
        del borders[-2]
    return borders
