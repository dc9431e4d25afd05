"""Pen strokes as a picture of the drawing pad."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from core.data.dataset import Images
from core.data.drawing.pad import BRUSH_PIXELS, PAD_SIDE_PIXELS


def rasterise(
    strokes: Sequence[Sequence[Sequence[float]]],
    size: int = PAD_SIDE_PIXELS,
    width: float = BRUSH_PIXELS,
    margin: float = 0.1,
) -> Images:
    """Pen strokes as the drawing pad would show them: a round brush, white on black, anti-aliased.

    strokes: lists of [x, y], x to the right, y down, any unit; scaled alike in x and y to fill the pad up to the margin
    size: side of the pad, pixels · width: of the brush, pixels · margin: as a share of the pad
    returns (size, size) uint8
    """
    fine = 2  # drawn twice as large and averaged: the anti-aliasing of the pad
    canvas = Image.new("L", (size * fine, size * fine))
    points = [np.asarray(stroke, float).reshape(-1, 2) for stroke in strokes]
    every = np.concatenate([*points, np.empty((0, 2))])
    if len(every):
        low, high = every.min(axis=0), every.max(axis=0)
        room = size * (1 - 2 * margin) - width
        scale = room / max(float((high - low).max()), 1e-9) if (high > low).any() else 1.0
        pen, radius = ImageDraw.Draw(canvas), width * fine / 2
        for stroke in points:
            placed = ((stroke - (low + high) / 2) * scale + size / 2) * fine
            for x, y in placed:
                pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
            if len(placed) > 1:
                pen.line([(x, y) for x, y in placed], fill=255, width=round(width * fine), joint="curve")
    return np.asarray(canvas.reduce(fine))
