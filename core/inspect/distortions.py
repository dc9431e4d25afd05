"""Test images made harder, little by little: moved, turned, resized, noisy, covered. Pure: the same arguments give the same
bytes, whoever else draws random numbers in this process.

What differs from image to image (the side to which it moves, where a patch lies, its noise) is drawn from the seed, the name
of the distortion and the image's position in the test set, and from nothing else. So every run sees the same images, however
many are distorted at once, and a stronger distortion is more of the same one: the curve does not jump because other numbers
were drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch.nn import functional as F

from core.data.dataset import SIDE, Images, Indices
from core.errors import InputError

VERSION = 1  # goes up when any distortion gives other bytes: what was measured with an older one is measured again
INK = 255.0
Floats = NDArray[np.float32]
Rows = NDArray[np.float64]
Apply = Callable[[Floats, float, Rows], Floats]
CENTRE = (SIDE - 1) / 2  # of the picture, in pixels
# A step of length 1 on the screen: (right, down).
DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1))
INK_FROM = 26  # of 255: what is darker belongs to the background when the box around the ink is looked for
SMALLEST_SHARE, LARGEST_SHARE = 0.5, 1.4  # of a digit's size, at the full strength of "geometry"


@dataclass(frozen=True)
class Distortion:
    """One way to make images harder.

    unit: of the strength, "" for a plain factor or share · strengths: the neutral one first, at which every byte stays as it
    is; then those that a sweep measures, ascending · help: what happens to an image, in a sentence
    apply: images (N, 28, 28) float32 in [0, 1], strength, draws (N, n_draws) uniform in [0, 1) -> images of the same shape,
    which ``distort`` clips to [0, 1] · n_draws: random numbers an image
    """

    name: str
    title: str
    unit: str
    strengths: tuple[float, ...]
    help: str
    apply: Apply
    n_draws: int = 0

    @property
    def neutral(self) -> float:
        return self.strengths[0]


def distort(
    name: str, images: Images, strength: float, seed: int = 0, positions: Sequence[int] | Indices | None = None
) -> Images:
    """Images (N, 28, 28) uint8 with a distortion of ``DISTORTIONS``, (N, 28, 28) uint8; the input stays as it was.

    positions: of each image in the test set, which decide what is drawn for it; by default 0, 1, 2, …
    Raises InputError for an unknown name and for a strength outside of those that the distortion has.
    """
    distortion = get(name)
    low, high = min(distortion.strengths), max(distortion.strengths)
    if not low <= strength <= high:
        raise InputError(f"{distortion.title}: a strength of {strength:g} is not within {low:g} to {high:g}")
    if strength == distortion.neutral:
        return np.array(images, np.uint8)
    rows = draws(name, positions_of(images, positions), distortion.n_draws, seed)
    return as_bytes(distortion.apply(as_shares(images), strength, rows))


def get(name: str) -> Distortion:
    """Raises InputError for an unknown name."""
    if name not in DISTORTIONS:
        raise InputError(f"there is no distortion {name!r}; there are {', '.join(DISTORTIONS)}")
    return DISTORTIONS[name]


def positions_of(images: Images, positions: Sequence[int] | Indices | None) -> Sequence[int]:
    """Of each image, as plain numbers. Raises InputError where there are not as many as images."""
    numbers = range(len(images)) if positions is None else [int(position) for position in positions]
    if len(numbers) != len(images):
        raise InputError(f"{len(images):,} images need as many positions, not {len(numbers):,}")
    return numbers


def draws(name: str, positions: Sequence[int], n_draws: int, seed: int) -> Rows:
    """Uniform numbers in [0, 1), (N, n_draws): a row for each image, of its own generator."""
    rows = np.empty((len(positions), n_draws))
    if n_draws:
        of_name = crc32(name.encode())
        for row, position in zip(rows, positions, strict=True):
            np.random.Generator(np.random.PCG64((seed, of_name, position))).random(out=row)
    return rows


def as_shares(images: Images) -> Floats:
    """uint8 -> float32 in [0, 1]."""
    return images.astype(np.float32) / np.float32(INK)


def as_bytes(images: Floats) -> Images:
    """float32 -> uint8, what lies outside of [0, 1] at its nearest end."""
    result: Images = np.rint(np.clip(images, 0, 1) * np.float32(INK)).astype(np.uint8)
    return result


def moved(image: Images, reach: int) -> Images:
    """One digit at every place up to ``reach`` pixels away: (28, 28) uint8 -> (2 * reach + 1, 2 * reach + 1, 28, 28) uint8.

    The first axis is how far down it moved, from -reach (up) on; the second how far right. Background flows in.
    """
    padded = np.pad(image, reach)
    side = 2 * reach + 1
    windows = np.lib.stride_tricks.sliding_window_view(padded, image.shape)
    # The window that begins furthest down shows the digit furthest up.
    return np.ascontiguousarray(windows[::-1, ::-1]).reshape(side, side, *image.shape)


def affine(images: Floats, forward: Rows, move: Rows) -> Floats:
    """Images (N, 28, 28) whose points go from c + x to c + forward @ x + move, c the picture's centre; background flows in.

    forward (N, 2, 2), move (N, 2): on (right, down), in pixels, or one for all. Bilinear, without smoothing beforehand, as
    ``torchvision.transforms.functional.affine`` does it.
    """
    n = len(images)
    back = np.linalg.inv(np.broadcast_to(forward, (n, 2, 2)))
    # grid_sample counts in half pictures, here alike along both axes.
    offset = -np.einsum("nij,nj->ni", back, np.broadcast_to(move, (n, 2))) * 2 / SIDE
    theta = torch.from_numpy(np.concatenate([back, offset[..., None]], axis=2).astype(np.float32))
    grid = F.affine_grid(theta, [n, 1, SIDE, SIDE], align_corners=False)
    result: Floats = F.grid_sample(torch.from_numpy(images)[:, None], grid, align_corners=False)[:, 0].numpy()
    return result


def turned(degrees: NDArray[np.float64]) -> Rows:
    """Rotations (N, 2, 2), clockwise on the screen."""
    angle = np.deg2rad(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], -2)


def thicker(images: Floats, pixels: float) -> Floats:
    """Strokes that are wider (or narrower, below 0) by about so many pixels on each side: the largest (smallest) value among a
    pixel and its four neighbours, once for each whole pixel, and a mixture for the rest."""
    change = ndimage.grey_dilation if pixels > 0 else ndimage.grey_erosion
    cross = ndimage.generate_binary_structure(2, 1)[None]
    whole, rest = divmod(abs(pixels), 1)
    for _ in range(int(whole)):
        images = change(images, footprint=cross, mode="constant", cval=0)
    if rest:
        images = images + np.float32(rest) * (change(images, footprint=cross, mode="constant", cval=0) - images)
    return images


def blurred(images: Floats, sigma: float) -> Floats:
    """Each image through a Gaussian of this standard deviation, in pixels; background lies around it."""
    result: Floats = ndimage.gaussian_filter(images, (0, sigma, sigma), mode="constant")
    return result


def normal(rows: Rows) -> Rows:
    """Normally distributed numbers (N, n) of uniform ones (N, 2n) (Box and Muller 1958)."""
    half = rows.shape[1] // 2
    result: Rows = np.sqrt(-2 * np.log1p(-rows[:, :half])) * np.cos(2 * math.pi * rows[:, half:])
    return result


def boxes(images: Floats) -> NDArray[np.int64]:
    """(N, 4): first and last row, first and last column with ink; the whole picture where there is none."""
    inked: NDArray[np.bool_] = images >= np.float32(INK_FROM / INK)
    down, right = inked.max(2), inked.max(1)
    ends = [down.argmax(1), SIDE - 1 - down[:, ::-1].argmax(1), right.argmax(1), SIDE - 1 - right[:, ::-1].argmax(1)]
    return np.stack(ends, 1)


def _shift(images: Floats, strength: float, rows: Rows) -> Floats:
    move = strength * np.array(DIRECTIONS)[(rows[:, 0] * len(DIRECTIONS)).astype(np.int64)]
    return affine(images, np.eye(2)[None], move)


def _rotation(images: Floats, strength: float, rows: Rows) -> Floats:
    return affine(images, turned(np.where(rows[:, 0] < 0.5, strength, -strength)), np.zeros((1, 2)))


def _scale(images: Floats, strength: float, _: Rows) -> Floats:
    return affine(images, strength * np.eye(2)[None], np.zeros((1, 2)))


def _thickness(images: Floats, strength: float, _: Rows) -> Floats:
    return thicker(images, strength)


def _noise(images: Floats, strength: float, rows: Rows) -> Floats:
    return images + np.float32(strength) * normal(rows).reshape(images.shape).astype(np.float32)


def _blur(images: Floats, strength: float, _: Rows) -> Floats:
    return blurred(images, strength)


def _contrast(images: Floats, strength: float, _: Rows) -> Floats:
    return np.float32(0.5) + np.float32(strength) * (images - np.float32(0.5))


def _occlusion(images: Floats, strength: float, rows: Rows) -> Floats:
    side = round(strength)
    top, left = (rows * (SIDE - side + 1)).astype(np.int64).T[..., None]
    along = np.arange(SIDE)
    in_rows, in_columns = ((along >= start) & (along < start + side) for start in (top, left))
    return np.where(in_rows[:, :, None] & in_columns[:, None, :], np.float32(0), images)


def _geometry(images: Floats, strength: float, rows: Rows) -> Floats:
    """Size first, then any place in the picture that has room for the digit; each strength goes that share of the way."""
    top, bottom, left, right = boxes(images).T.astype(np.float64)
    middle = np.stack([(left + right) / 2, (top + bottom) / 2], 1) - CENTRE  # of the ink, from the picture's
    extent = np.stack([right - left, bottom - top], 1) + 1  # width and height, pixels
    share = SMALLEST_SHARE + (LARGEST_SHARE - SMALLEST_SHARE) * rows[:, :1]
    share = np.minimum(1 + strength * (share - 1), SIDE / extent.max(1, keepdims=True))  # (N, 1)
    room = np.maximum((SIDE - share * extent) / 2, 0)  # to each side of the centre
    target = middle + strength * ((2 * rows[:, 1:] - 1) * room - middle)
    target = np.clip(target, -room, room)
    return affine(images, share[..., None] * np.eye(2)[None], target - share * middle)


_ALL = (
    Distortion(
        "shift", "Shift", "pixels", (0, 1, 2, 3, 4, 6),
        "The digit moves by so many pixels, each to one of four sides drawn at random: right, left, down or up.",
        _shift, n_draws=1,
    ),
    Distortion(
        "rotation", "Rotation", "degrees", (0, 10, 20, 30, 45, 60),
        "The digit turns about the centre of the picture by so many degrees, half of the digits clockwise.",
        _rotation, n_draws=1,
    ),
    Distortion(
        "scale", "Size", "times as large", (1, 0.5, 0.65, 0.8, 1.2, 1.4),
        "The whole picture shrinks or grows about its centre; what grows beyond the edge is cut off.",
        _scale,
    ),
    Distortion(
        "thickness", "Stroke thickness", "pixels on each side", (0, -1, -0.5, 0.5, 1, 2),
        "Strokes become wider, or narrower below 0, by about so many pixels on each side.",
        _thickness,
    ),
    Distortion(
        "noise", "Noise", "of full ink", (0, 0.1, 0.2, 0.3, 0.5, 0.7),
        "Each pixel becomes lighter or darker at random; the strength is the standard deviation, 1 being full ink.",
        _noise, n_draws=2 * SIDE * SIDE,
    ),
    Distortion(
        "blur", "Blur", "pixels", (0, 0.5, 1, 1.5, 2, 3),
        "Ink spreads to its surroundings as through frosted glass; the strength is the standard deviation of the spread.",
        _blur,
    ),
    Distortion(
        "contrast", "Contrast", "", (1, -1, -0.5, 0.25, 0.5, 0.75),
        "Ink and background come closer to the same grey; below 0 they have changed places, and -1 is the exact negative.",
        _contrast,
    ),
    Distortion(
        "occlusion", "Hidden patch", "pixels wide", (0, 4, 8, 12, 16, 20),
        "A square of the picture is erased, so many pixels wide and high, at a place drawn at random for each digit.",
        _occlusion, n_draws=2,
    ),
    Distortion(
        "geometry", "Not centred, not scaled", "of the way", (0, 0.2, 0.4, 0.6, 0.8, 1),
        "Undoes how MNIST was prepared: at 1 each digit has half to 1.4 times its size and lies anywhere in the picture.",
        _geometry, n_draws=3,
    ),
)  # fmt: skip
DISTORTIONS: Mapping[str, Distortion] = MappingProxyType({distortion.name: distortion for distortion in _ALL})
