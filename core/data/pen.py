"""Digits as the pad draws them: the middle line of a written digit, gone over with a round brush of one width.

MNIST's strokes are broad and soft, those of the pad even and crisp; what learns from both takes neither for a mark of digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.data.dataset import SIDE, Images
from core.data.drawn import to_digit

Inked = NDArray[np.bool_]
Points = NDArray[np.float64]

SCALE = 3  # times as large as it is, a digit is thinned
INK_FROM = 90  # of 255: what is brighter belongs to the stroke
BRUSH_SHARES = (0.06, 0.13)  # of a digit's longer side, the thinnest and the broadest brush
MARGIN_PIXELS = 12  # around the line, room for the brush
DRAWN_PIXELS = 64  # height of a line of ``as_others`` while it is gone over
BLOCK_IMAGES = 1_000  # thinned at once


def with_pen(images: Images, seed: int) -> Images:
    """Digits (N, 28, 28) uint8, each drawn anew by a brush of its own width and prepared as the pad prepares: (M, 28, 28).

    Those without ink are left out. Takes about a millisecond an image.
    """
    rng = np.random.default_rng(seed)
    drawn = [gone_over(line, rng) for line in line_points(images)]
    return np.stack(drawn) if drawn else np.empty((0, SIDE, SIDE), np.uint8)


def with_others_pen(n: int, seed: int, images: Images) -> Images:
    """n of the digits (N, 28, 28) uint8, at least one with ink, each as others might write it: (n, 28, 28)."""
    rng = np.random.default_rng(seed)
    lines = list(line_points(images))
    drawn = [gone_over(as_others(lines[i], rng) * DRAWN_PIXELS, rng) for i in rng.integers(len(lines), size=n)]
    return np.stack(drawn) if drawn else np.empty((0, SIDE, SIDE), np.uint8)


def as_others(points: Points, rng: np.random.Generator) -> Points:
    """A digit's line (P, 2) with another slant, tilt and width, its height about 1 and its left upper end at 0."""
    sheared = points @ np.array([[rng.uniform(0.8, 1.2), 0], [rng.normal(0, 0.12), 1]])
    tilt = rng.normal(0, 0.08)
    tilted = sheared @ np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    width, height = np.ptp(tilted, axis=0)
    result: Points = (tilted - tilted.min(axis=0)) * (rng.uniform(0.8, 1.2) / max(height, 0.6 * width, 1e-9))
    return result


def line_points(images: Images) -> Iterator[Points]:
    """The middle line of each digit with any ink, (P, 2): x to the right, y down, pixels of a digit ``SCALE`` times as large.

    images (N, 28, 28) uint8
    """
    for start in range(0, len(images), BLOCK_IMAGES):
        large = ndimage.zoom(images[start : start + BLOCK_IMAGES].astype(np.float32), (1, SCALE, SCALE), order=1)
        for line in middle_lines(large > INK_FROM):
            if line.any():
                yield np.argwhere(line)[:, ::-1].astype(np.float64)


def gone_over(points: Points, rng: np.random.Generator) -> Images:
    """Points (P, 2) of lines, gone over by a brush of its own width and prepared as the pad prepares: (28, 28) uint8."""
    brush = rng.uniform(*BRUSH_SHARES) * (np.ptp(points, axis=0).max() + 1)
    x, y = np.rint(points - points.min(axis=0)).astype(np.intp).T + MARGIN_PIXELS
    paper = np.ones((y.max() + MARGIN_PIXELS + 1, x.max() + MARGIN_PIXELS + 1), bool)
    paper[y, x] = False
    ink = np.clip(brush / 2 + 0.5 - ndimage.distance_transform_edt(paper), 0, 1) * 255
    return to_digit(ink.astype(np.uint8)).image


def middle_lines(inked: Inked) -> Inked:
    """Strokes one pixel wide, connected as they were: (N, H, W) -> (N, H, W) (T. Zhang and C. Suen, 1984)."""
    lines = np.pad(inked, ((0, 0), (1, 1), (1, 1)))
    thinning = np.arange(len(lines))
    while len(thinning):
        changed = np.zeros(len(thinning), bool)
        for first in (True, False):
            inner = lines[thinning]
            height, width = inner.shape[1] - 2, inner.shape[2] - 2
            around = [inner[:, row : row + height, column : column + width] for row, column in _AROUND]
            up, right, down, left = around[::2]
            count = sum(neighbour.astype(np.int8) for neighbour in around)
            turns = sum((~one & other).astype(np.int8) for one, other in pairwise([*around, around[0]]))
            at_edge = (
                ~(up & right & down) & ~(right & down & left) if first else ~(up & right & left) & ~(up & down & left)
            )
            dropped = inner[:, 1:-1, 1:-1] & (count >= 2) & (count <= 6) & (turns == 1) & at_edge
            lines[thinning, 1:-1, 1:-1] &= ~dropped
            changed |= dropped.any((1, 2))
        thinning = thinning[changed]
    return lines[:, 1:-1, 1:-1]


_AROUND = ((0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0), (0, 0))  # of a pixel, clockwise from the one above
