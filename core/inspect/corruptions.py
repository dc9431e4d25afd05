"""Fifteen named corruptions at one fixed strength each, like those of MNIST-C (Mu and Gilmer 2019, "MNIST-C: A Robustness
Benchmark for Computer Vision"): own code after their description, and not the files of MNIST-C, so figures can only be set
beside those of the paper roughly.

Everything random is drawn as in ``core.inspect.distortions``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from scipy import ndimage
from torch.nn import functional as F

from core.data.dataset import SIDE, Images, Indices
from core.errors import InputError
from core.inspect.distortions import (
    DISTORTIONS,
    Apply,
    Floats,
    Rows,
    affine,
    as_bytes,
    as_shares,
    blurred,
    draws,
    normal,
    positions_of,
)

VERSION = 1  # goes up when any corruption gives other bytes
PIXELS = SIDE * SIDE
MOST_PHOTONS = 20  # of a pixel; at the strength below, one full pixel in ten million would have had more
GLASS_SIGMA, DROP_SIGMA, CANNY_SIGMA = 0.6, 1.5, 1.0  # of blurs, pixels
MOTION_STEPS = 9  # places along the line of a motion
CLOUD_POINTS = (3, 5, 9, 17)  # along each side, from the largest clouds to the smallest
LINE_OFFSET = 6.0  # pixels from the middle to where a line may cross it, to each side
ZIGZAG_STEP = 0.5  # pixels between two drops of a line


@dataclass(frozen=True)
class Corruption:
    """name: as in MNIST-C · help: what happens to an image, in a sentence · strength, apply, n_draws: as ``Distortion`` has
    them"""

    name: str
    title: str
    help: str
    apply: Apply
    strength: float
    n_draws: int = 0


def corrupt(name: str, images: Images, seed: int = 0, positions: Sequence[int] | Indices | None = None) -> Images:
    """Images (N, 28, 28) uint8 with a corruption of ``CORRUPTIONS``, (N, 28, 28) uint8; the input stays as it was.

    positions: as in ``distort``. Raises InputError for an unknown name.
    """
    if name not in CORRUPTIONS:
        raise InputError(f"there is no corruption {name!r}; there are {', '.join(CORRUPTIONS)}")
    corruption = CORRUPTIONS[name]
    rows = draws(f"corruption {name}", positions_of(images, positions), corruption.n_draws, seed)
    return as_bytes(corruption.apply(as_shares(images), corruption.strength, rows))


def _shot_noise(images: Floats, strength: float, rows: Rows) -> Floats:
    """Counts of photons, of which full ink sends ``strength`` on average (Poisson)."""
    expected = images * np.float32(strength)
    share = np.exp(-expected)  # of counts of k
    below = share.copy()  # of counts up to k
    counts = np.zeros_like(images)
    drawn = rows.reshape(images.shape).astype(np.float32)
    for k in range(1, MOST_PHOTONS):
        counts += drawn > below
        share *= expected / np.float32(k)
        below += share
    return counts / np.float32(strength)


def _impulse_noise(images: Floats, strength: float, rows: Rows) -> Floats:
    """A share ``strength`` of all pixels becomes full ink or none."""
    drawn = rows.reshape(images.shape)
    return np.where(drawn < strength / 2, np.float32(0), np.where(drawn > 1 - strength / 2, np.float32(1), images))


def _glass_blur(images: Floats, strength: float, rows: Rows) -> Floats:
    """Each pixel comes from a place up to ``strength`` pixels away, between two slight blurs."""
    reach = round(strength)
    down, right = (rows * (2 * reach + 1)).astype(np.int64).reshape(len(images), 2, SIDE, SIDE).transpose(
        1, 0, 2, 3
    ) - reach
    along = np.arange(SIDE)
    y, x = np.clip(along[:, None] + down, 0, SIDE - 1), np.clip(along + right, 0, SIDE - 1)
    return blurred(blurred(images, GLASS_SIGMA)[np.arange(len(images))[:, None, None], y, x], GLASS_SIGMA)


def _motion_blur(images: Floats, strength: float, rows: Rows) -> Floats:
    """The mean along a line of ``strength`` pixels, in a direction drawn for each."""
    way = _direction(rows[:, 0])
    steps = np.linspace(-0.5, 0.5, MOTION_STEPS) * strength
    result: Floats = np.mean([affine(images, np.eye(2)[None], step * way) for step in steps], axis=0, dtype=np.float32)
    return result


def _shear(images: Floats, strength: float, rows: Rows) -> Floats:
    lean = np.where(rows[:, 0] < 0.5, strength, -strength)
    return affine(images, np.eye(2) + lean[:, None, None] * np.array([[0, 1], [0, 0]]), np.zeros((1, 2)))


def _brightness(images: Floats, strength: float, _: Rows) -> Floats:
    return images + np.float32(strength)


def _translate(images: Floats, strength: float, rows: Rows) -> Floats:
    return affine(images, np.eye(2)[None], strength * _direction(rows[:, 0]))


def _stripe(images: Floats, strength: float, _: Rows) -> Floats:
    in_stripe = np.abs(np.arange(SIDE) - (SIDE - 1) / 2) < strength / 2
    return np.where(in_stripe, 1 - images, images)


def _fog(images: Floats, strength: float, rows: Rows) -> Floats:
    """Clouds of four sizes, half as dense each time they are half as large."""
    clouds, begun = np.zeros_like(images), 0
    for octave, side in enumerate(CLOUD_POINTS):
        points = torch.from_numpy(rows[:, begun : begun + side * side].astype(np.float32)).reshape(-1, 1, side, side)
        clouds += F.interpolate(points, (SIDE, SIDE), mode="bilinear", align_corners=True)[:, 0].numpy() / 2**octave
        begun += side * side
    clouds /= clouds.max((1, 2), keepdims=True)
    result: Floats = ((images + strength * clouds) / (1 + strength)).astype(np.float32)
    return result


def _spatter(images: Floats, strength: float, rows: Rows) -> Floats:
    """Drops of ink that cover a share ``strength`` of the picture."""
    smooth = blurred(normal(rows).reshape(images.shape).astype(np.float32), DROP_SIGMA)
    border = np.quantile(smooth, 1 - strength, axis=(1, 2), keepdims=True)
    return np.where(smooth > border, np.float32(1), images)


def _dotted_line(images: Floats, strength: float, rows: Rows) -> Floats:
    """A straight line across the picture, of dots ``strength`` pixels apart."""
    along = np.arange(-SIDE, SIDE + strength, strength)
    return _with_ink(images, _line(rows, along, np.zeros_like(along)))


def _zigzag(images: Floats, strength: float, rows: Rows) -> Floats:
    """A line across the picture that goes ``strength`` pixels to either side."""
    along = np.arange(-SIDE, SIDE, ZIGZAG_STEP)
    phase = along / (4 * strength)
    return _with_ink(images, _line(rows, along, strength * (4 * np.abs(phase - np.floor(phase + 0.5)) - 1)))


def _canny_edges(images: Floats, strength: float, _: Rows) -> Floats:
    """Nothing but the edges (Canny 1986): where the slope is steepest across itself and above ``strength``, and what of at
    least half that slope is joined to it."""
    smooth = blurred(images, CANNY_SIGMA)
    down, right = np.gradient(smooth, axis=(1, 2))
    slope = np.hypot(down, right)
    padded = np.pad(slope, ((0, 0), (1, 1), (1, 1)))
    # Of four directions, the one across the edge: right, down right, down, down left.
    octant = np.round(np.arctan2(down, right) / (np.pi / 4)).astype(np.int64) % 4
    steepest = np.zeros(slope.shape, np.bool_)
    for number, (y, x) in enumerate(((0, 1), (1, 1), (1, 0), (1, -1))):
        ahead = padded[:, 1 + y : 1 + y + SIDE, 1 + x : 1 + x + SIDE]
        behind = padded[:, 1 - y : 1 - y + SIDE, 1 - x : 1 - x + SIDE]
        steepest |= (octant == number) & (slope > ahead) & (slope >= behind)
    in_picture = np.zeros((3, 3, 3), np.int64)
    in_picture[1] = 1
    edges, n_edges = ndimage.label(steepest & (slope > strength / 2), in_picture)
    is_strong = np.zeros(n_edges + 1, np.bool_)
    is_strong[edges[steepest & (slope > strength)]] = True
    is_strong[0] = False
    result: Floats = is_strong[edges].astype(np.float32)
    return result


def _direction(turns: Rows) -> Rows:
    """(N,) in [0, 1) -> directions (N, 2) of length 1, (right, down)."""
    angle = 2 * np.pi * turns
    return np.stack([np.cos(angle), np.sin(angle)], 1)


def _line(rows: Rows, along: Rows, aside: Rows) -> Rows:
    """Points (N, P, 2), (right, down) from the top left corner, of a line through a place near the middle in a direction drawn
    for each image. along, aside (P,): pixels from that place in the line's direction, and across it"""
    way = _direction(rows[:, 0])[:, None]
    across = way[..., ::-1] * (-1, 1)
    middle = (SIDE - 1) / 2 + LINE_OFFSET * (2 * rows[:, None, 1:] - 1)
    points: Rows = middle + along[:, None] * way + aside[:, None] * across
    return points


def _with_ink(images: Floats, points: Rows) -> Floats:
    """The images with a drop of ink, one pixel large, at each of these points (N, P, 2) that lies in the picture."""
    result = images.copy()
    corner = np.floor(points).astype(np.int64)
    rest = points - corner
    number = np.broadcast_to(np.arange(len(images))[:, None], corner.shape[:2])
    for x in (0, 1):
        for y in (0, 1):
            column, row = corner[..., 0] + x, corner[..., 1] + y
            share = np.abs(1 - x - rest[..., 0]) * np.abs(1 - y - rest[..., 1])
            inside = (column >= 0) & (column < SIDE) & (row >= 0) & (row < SIDE)
            ink = np.minimum(1, 2 * share[inside]).astype(np.float32)
            np.maximum.at(result, (number[inside], row[inside], column[inside]), ink)
    return result


_ALL = (
    Corruption(
        "shot_noise", "Shot noise", "Ink is grainy, as in a photograph taken in poor light.", _shot_noise, 5, PIXELS,
    ),
    Corruption(
        "impulse_noise", "Impulse noise", "A fifth of all pixels turns black or white.", _impulse_noise, 0.2, PIXELS,
    ),
    Corruption("glass_blur", "Glass blur", "Seen through rippled glass.", _glass_blur, 2, 2 * PIXELS),
    Corruption("motion_blur", "Motion blur", "Smeared along a line, as if the camera had moved.", _motion_blur, 9, 1),
    Corruption("shear", "Shear", "Leans to the left or to the right.", _shear, 0.6, 1),
    Corruption("scale", "Scale", "Little more than half as large.", DISTORTIONS["scale"].apply, 0.6),
    Corruption("rotate", "Rotate", "Turned by 30 degrees, one way or the other.", DISTORTIONS["rotation"].apply, 30, 1),
    Corruption("brightness", "Brightness", "Everything is lighter by half of full ink.", _brightness, 0.5),
    Corruption("translate", "Translate", "Moved by four pixels, in any direction.", _translate, 4, 1),
    Corruption("stripe", "Stripe", "Ink and background change places in an upright stripe.", _stripe, 6),
    Corruption("fog", "Fog", "Behind clouds.", _fog, 1, sum(side * side for side in CLOUD_POINTS)),
    Corruption("spatter", "Spatter", "Drops of ink cover a tenth of the picture.", _spatter, 0.1, 2 * PIXELS),
    Corruption("dotted_line", "Dotted line", "A dotted line runs across.", _dotted_line, 3, 3),
    Corruption("zigzag", "Zigzag", "A zigzag line runs across.", _zigzag, 2.5, 3),
    Corruption("canny_edges", "Canny edges", "Only the edges of the strokes remain.", _canny_edges, 0.12),
)  # fmt: skip
CORRUPTIONS: Mapping[str, Corruption] = MappingProxyType({corruption.name: corruption for corruption in _ALL})
