"""Drawings that are no single digit, made by a seed: lines, scribbles, dots, shapes, and two digits side by side or one over
the other. What a network makes of them, beside what it makes of digits, tells other drawings of both kinds apart later on.

They take the pad's own way to 28 x 28 pixels. Few are meant to look like anything, and some look like a digit by chance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from core.data.dataset import SIDE, Images
from core.data.drawn import BRUSH_PIXELS, PAD_SIDE_PIXELS, to_digit
from core.data.pen import DRAWN_PIXELS, Points, as_others, gone_over, line_points
from core.data.strokes import rasterise

Strokes = list[Points]

PAD_SHARE = 0.4  # the pad is drawn smaller here, its brush in proportion: on 28 x 28 pixels that is the same
MIN_SIZE = 0.5  # the smallest drawing, as a share of the pad
PAIR_SHARE = 0.3  # of the strangers that are two digits
PAIR_SCALE = 4  # times as large as they are, digits are put together
MAX_OVERLAP = 0.6  # of the narrower of two digits
CROSSING_GAPS = (0.0, 0.6)  # how far two digits reach over each other, as shares of their height
CROSSING_SHIFT = 0.06  # of the second, up or down, as a share of its height
CURVE_POINTS = 20  # between two points of a round stroke


def strangers(n: int, seed: int, digits: Images) -> Images:
    """n drawings that are no single digit, (n, 28, 28) uint8, every kind in turn.

    digits (N, 28, 28) uint8: to make pairs of · Each takes about a millisecond.
    """
    rng = np.random.default_rng(seed)
    made: list[Images] = []
    while len(made) < n:
        if len(digits) and rng.random() < PAIR_SHARE:
            ink = _pair(digits, rng)
        else:
            strokes = KINDS[len(made) % len(KINDS)](rng)
            brush = PAD_SHARE * BRUSH_PIXELS / rng.uniform(MIN_SIZE, 1)
            ink = rasterise([stroke.tolist() for stroke in strokes], round(PAD_SHARE * PAD_SIDE_PIXELS), brush)
        drawn = to_digit(ink)
        if not drawn.blank:
            made.append(drawn.image)
    return np.stack(made) if made else np.empty((0, SIDE, SIDE), np.uint8)


def crossing(n: int, seed: int, digits: Images) -> Images:
    """n drawings of two digits that cross each other, drawn with the pad's brush: (n, 28, 28) uint8.

    digits (N, 28, 28) uint8, at least one with ink: whose middle lines are gone over · Each takes about two milliseconds.
    """
    rng = np.random.default_rng(seed)
    lines = list(line_points(digits))
    made = []
    for first, second in rng.integers(len(lines), size=(n, 2)):
        left, right = as_others(lines[first], rng), as_others(lines[second], rng)
        right += [np.ptp(left[:, 0]) - rng.uniform(*CROSSING_GAPS), rng.normal(0, CROSSING_SHIFT)]
        made.append(gone_over(np.vstack([left, right]) * DRAWN_PIXELS, rng))
    return np.stack(made) if made else np.empty((0, SIDE, SIDE), np.uint8)


def smooth(points: Points) -> Points:
    """A round stroke through points (P, 2), at least 2 (the spline of E. Catmull and R. Rom, 1974)."""
    around = np.vstack([2 * points[0] - points[1], points, 2 * points[-1] - points[-2]])
    t = np.linspace(0, 1, CURVE_POINTS, endpoint=False)[:, None]
    pieces = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(around[:-3], around[1:-2], around[2:-1], around[3:], strict=True)
    ]
    return np.vstack([*pieces, points[-1:]])


def turned(points: Points, radians: float) -> Points:
    """Points (P, 2) about the origin."""
    cos, sin = np.cos(radians), np.sin(radians)
    result: Points = points @ np.array([[cos, -sin], [sin, cos]])
    return result


def _tangle(rng: np.random.Generator) -> Strokes:
    """One to six strokes through points at random, round or straight."""
    strokes = []
    for _ in range(rng.integers(1, 7)):
        n = int(rng.integers(2, 9))
        points = rng.uniform(0, 10, (1, 2)) + np.cumsum(rng.normal(0, rng.uniform(1, 4), (n, 2)), axis=0)
        strokes.append(smooth(points) if rng.random() < 0.6 else points)
    return strokes


def _wander(rng: np.random.Generator) -> Strokes:
    """One stroke whose direction changes a little with every step."""
    n = int(rng.integers(20, 90))
    directions = np.cumsum(rng.normal(0, rng.uniform(0.2, 1), n)) + rng.uniform(0, 2 * np.pi)
    return [np.cumsum(np.stack([np.cos(directions), np.sin(directions)], axis=1), axis=0)]


def _wave(rng: np.random.Generator) -> Strokes:
    """To and fro, round or with corners, in any direction."""
    t = np.linspace(0, 1, 200)
    turns, height, width = rng.uniform(2, 8), rng.uniform(0.05, 0.5), rng.uniform(0.2, 1.2)
    y = np.sin(2 * np.pi * turns * t) if rng.random() < 0.5 else 2 * np.abs(2 * ((turns * t) % 1) - 1) - 1
    return [turned(np.stack([width * t, height * y], axis=1), rng.uniform(0, 2 * np.pi))]


def _spiral(rng: np.random.Generator) -> Strokes:
    """Loops that grow, shrink or move on."""
    t = np.linspace(0, 2 * np.pi * rng.uniform(2, 7), 300)
    radius, drift, along = 1 + rng.uniform(-0.1, 0.15) * t, rng.uniform(0, 0.5) * t / np.pi, rng.uniform(0, 2 * np.pi)
    x, y = radius * np.cos(t), rng.uniform(0.4, 1.3) * radius * np.sin(t)
    return [np.stack([x + drift * np.cos(along), y + drift * np.sin(along)], axis=1)]


def _pieces(rng: np.random.Generator) -> Strokes:
    """Dots and short lines here and there."""
    strokes = []
    for _ in range(rng.integers(2, 9)):
        middle, half = rng.uniform(0, 10, 2), rng.normal(0, 1, 2) * rng.choice([0, 1, 2.5])
        strokes.append(np.stack([middle - half, middle + half]))
    return strokes


def _rules(rng: np.random.Generator) -> Strokes:
    """Straight lines in one, two or three directions; never one alone that stands upright."""
    strokes, n_directions, base = [], int(rng.integers(1, 4)), rng.uniform(0, np.pi)
    for turn in range(n_directions):
        radians, n = base + turn * np.pi / max(n_directions, 2) + rng.normal(0, 0.15), int(rng.integers(1, 6))
        if n_directions == 3:
            n = 1
        elif n_directions == n == 1:
            radians = rng.normal(0, 0.4)
        along = np.array([np.cos(radians), np.sin(radians)])
        aside, gap = np.array([-along[1], along[0]]), rng.uniform(1.5, 5)
        for i in range(n):
            middle = aside * gap * (i - (n - 1) / 2)
            strokes.append(np.stack([middle - along * rng.uniform(3, 5.5), middle + along * rng.uniform(3, 5.5)]))
    return strokes


def _polygon(rng: np.random.Generator) -> Strokes:
    """Three to six corners, some with a line inside."""
    n = int(rng.integers(3, 7))
    even = np.linspace(0, 2 * np.pi, n, endpoint=False) + rng.uniform(0, 2 * np.pi)
    radians = np.sort(rng.uniform(0, 2 * np.pi, n)) if rng.random() < 0.5 else even
    corners = np.stack([np.cos(radians), np.sin(radians)], axis=1) * rng.uniform(0.5, 1, (n, 1))
    closed = np.vstack([corners, corners[:1]])
    return [closed, rng.uniform(-1, 1, (2, 2))] if rng.random() < 0.4 else [closed]


def _branches(rng: np.random.Generator) -> Strokes:
    """A stem and two to four straight strokes that begin at it, as letters have."""
    lean = rng.normal(0, 0.2)
    stem = np.array([[0.0, -8.0], [16 * np.tan(lean), 8.0]])
    strokes = [stem]
    for _ in range(rng.integers(2, 5)):
        start = stem[0] + (stem[1] - stem[0]) * rng.choice([0, 0.5, 1, rng.random()])
        bend, tip = rng.normal(0, 5, 2), rng.normal(0, 8, 2)
        strokes.append(np.stack([start, start + bend, start + tip] if rng.random() < 0.3 else [start, start + tip]))
    return [turned(stroke, rng.choice([0, np.pi / 2, np.pi])) for stroke in strokes]


KINDS: Sequence[Callable[[np.random.Generator], Strokes]] = (
    _tangle, _wander, _wave, _spiral, _pieces, _rules, _polygon, _branches,
)  # fmt: skip


def _pair(digits: Images, rng: np.random.Generator) -> Images:
    """Two digits, from apart to one over the other, each on its own height."""
    left, right = (_cut(digits[i], PAIR_SCALE * rng.uniform(0.8, 1.2)) for i in rng.integers(len(digits), size=2))
    narrower = min(left.shape[1], right.shape[1])
    start = left.shape[1] + round(rng.uniform(-MAX_OVERLAP, 0.8) * narrower)
    room = 3 * PAIR_SCALE
    tops = np.clip(np.rint(rng.normal(room, room / 3, 2)).astype(int), 0, 2 * room)
    paper = np.zeros((2 * room + max(len(left), len(right)), max(start + right.shape[1], left.shape[1])), np.uint8)
    for digit, top, column in ((left, tops[0], 0), (right, tops[1], start)):
        place = paper[top : top + len(digit), column : column + digit.shape[1]]
        np.maximum(place, digit, out=place)
    return paper


def _cut(digit: Images, scale: float) -> Images:
    """The ink of an image, so many times as large."""
    rows, columns = np.flatnonzero(digit.any(axis=1)), np.flatnonzero(digit.any(axis=0))
    if not len(rows):
        return np.zeros((1, 1), np.uint8)
    ink = digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    size = max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale))
    return np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BICUBIC))
