"""How wide the strokes of a digit are, how to widen them, and whether they look like one digit at all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.data.dataset import Images

Mask = NDArray[np.bool_]

FINE_SIDE = 400  # longest side on which strokes are widened, pixels
SHAPE_SIDE = 280  # longest side on which the shape is judged, pixels
MIN_STROKE_INK = 0.25  # share of the strongest ink from which a pixel belongs to a stroke
EIGHT_NEIGHBOURS = ((True,) * 3,) * 3

MIN_PART_HEIGHT = 0.55  # of the whole height: lower parts are strokes of one digit
MIN_PART_AREA = 0.15  # of all ink
MAX_SHARED_COLUMNS = 0.15  # of the narrower part: digits stand beside each other
MAX_WIDTH = 1.6  # of a digit's height
MAX_RUNS_WIDE = 1.8  # strokes that a level line crosses, on average, in one digit that is wider than high
MAX_RUNS = 4.3  # level and upright lines together, weighted by the sides of the box
MAX_FILL = 0.7  # share of the box that is ink, unless it is as slender as a 1
MAX_HOLES = 3  # an 8 has two, and a slip of the pen may add one
MIN_HOLE = 0.003  # of the box's area
WIDE_HOLE = 0.3  # of the box's area: a 0 that is wider than high
TWO_DIGITS = "This may be two digits. The networks read one at a time."
NO_DIGIT = "This may be no digit. The networks know nothing else, so they name one all the same."


def stroke_width(image: Images) -> float:
    """Mean width, pixels: twice the area by the length of the outline (Cauchy and Crofton: crossings of a grid, times pi / 4).

    image (H, W) uint8, with ink
    """
    strokes: Mask = np.pad(image >= MIN_STROKE_INK * int(image.max()), 1)
    crossings = np.count_nonzero(np.diff(strokes, axis=0)) + np.count_nonzero(np.diff(strokes, axis=1))
    return float(2 * np.count_nonzero(strokes) / (np.pi / 4 * crossings))


def thicken(image: Images, by: float) -> Images:
    """The strokes at full strength and wider by so many pixels, with soft edges. A large picture comes back smaller.

    image (H, W) uint8, with ink -> (H', W') uint8
    """
    strokes, step = _blocks(image >= MIN_STROKE_INK * int(image.max()), FINE_SIDE)
    radius = max(by / 2 / step, 0)
    room = int(np.ceil(radius)) + 1
    distance = ndimage.distance_transform_edt(~np.pad(strokes, room))
    ink = np.rint(255 * (radius + 1 - distance).clip(0, 1)).astype(np.uint8)
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    thick: Images = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return thick


def doubt(image: Images) -> str:
    """One sentence when the ink looks like two digits or like none, else "". image (H, W) uint8, cut out at its ink"""
    strokes, _ = _blocks(image >= MIN_STROKE_INK * int(image.max()), SHAPE_SIDE)
    height, width = strokes.shape
    labels, n_parts = ndimage.label(strokes, EIGHT_NEIGHBOURS)
    areas = np.bincount(labels.ravel(), minlength=n_parts + 1)[1:]
    spans = [
        (columns.start, columns.stop)
        for (rows, columns), area in zip(ndimage.find_objects(labels), areas, strict=True)
        if rows.stop - rows.start >= MIN_PART_HEIGHT * height and area >= MIN_PART_AREA * areas.sum()
    ]
    for place, (start, stop) in enumerate(spans):
        for other, end in spans[place + 1 :]:
            if min(stop, end) - max(start, other) <= MAX_SHARED_COLUMNS * min(stop - start, end - other):
                return TWO_DIGITS
    ground, _ = ndimage.label(np.pad(~strokes, 1, constant_values=True))
    holes = np.bincount(ground.ravel())[2:] / strokes.size
    level, upright = (float((np.diff(np.pad(strokes, 1).astype(np.int8), axis=axis) == 1).sum()) for axis in (1, 0))
    beside = level > MAX_RUNS_WIDE * height and holes.max(initial=0) < WIDE_HOLE
    if height > 0.2 * width and width > (1.1 if beside else MAX_WIDTH) * height:
        return TWO_DIGITS
    solid = areas.sum() > MAX_FILL * height * width and 2 * min(height, width) > max(height, width)
    if solid or level + upright > MAX_RUNS * max(height, width):
        return NO_DIGIT
    return NO_DIGIT if np.count_nonzero(holes >= max(MIN_HOLE, 3 / strokes.size)) > MAX_HOLES else ""


def _blocks(strokes: Mask, side: int) -> tuple[Mask, int]:
    """The picture in blocks, each a stroke if any of its pixels is, with at most ``side`` of them; and a block's side."""
    step = -(-max(strokes.shape) // side)
    height, width = (-(-length // step) for length in strokes.shape)
    padded = np.zeros((height * step, width * step), bool)
    padded[: strokes.shape[0], : strokes.shape[1]] = strokes
    return np.asarray(padded.reshape(height, step, width, step).any(axis=(1, 3))), step
