"""Signed numbers as one small picture: many layers are on screen at once, and none has to be pointed at.

The colours and the hatching are those of ``core.charts.signed``.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from core.charts.signed import COLOURS, MIN_HATCHED_SHARE, Floats, Limit, limits_of

Pixels = NDArray[np.uint8]
HATCH_PERIOD, HATCH_WIDTH = 5, 1  # pixels from line to line, and of a line
HATCH_INK = 0.45  # how far a line goes from the colour below it to white
GAP = 2  # pixels between pictures


def tiles(pictures: Floats, *, limit: Limit = "layer", columns: int = 8, scale: int = 2) -> Pixels:
    """Pictures in rows, as one picture (H, W, 4) uint8 that is transparent between them.

    pictures (N, h, w), N at least 1 · limit: see ``Limit`` · scale: screen pixels per number
    """
    n, height, width = pictures.shape
    columns = max(1, min(columns, n))
    rows = math.ceil(n / columns)
    shares = np.clip(pictures / limits_of(pictures, limit)[:, None, None], -1, 1)
    painted = _painted(shares.repeat(scale, axis=1).repeat(scale, axis=2))
    step_down, step_right = height * scale + GAP, width * scale + GAP
    sheet = np.zeros((rows * step_down - GAP, columns * step_right - GAP, 4), np.uint8)
    for i, picture in enumerate(painted):
        top, left = (i // columns) * step_down, (i % columns) * step_right
        sheet[top : top + height * scale, left : left + width * scale, :3] = picture
        sheet[top : top + height * scale, left : left + width * scale, 3] = 255
    return sheet


def _painted(shares: Floats) -> Pixels:
    """(N, H, W) from -1 to 1 -> (N, H, W, 3) uint8, with lines where a number is clearly below zero."""
    stops = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for _, colour in COLOURS], np.float32)
    below, above = np.clip(-shares, 0, 1)[..., None], np.clip(shares, 0, 1)[..., None]
    colours = stops[1] + below * (stops[0] - stops[1]) + above * (stops[2] - stops[1])
    rows, columns = np.ogrid[: shares.shape[1], : shares.shape[2]]
    lines = ((rows + columns) % HATCH_PERIOD < HATCH_WIDTH) & (shares < -MIN_HATCHED_SHARE)
    colours[lines] += HATCH_INK * (255 - colours[lines])
    painted: Pixels = np.rint(colours).astype(np.uint8)
    return painted
