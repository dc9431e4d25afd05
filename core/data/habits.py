"""Digits as other people write them, made from images whose label is known. Needs torch.

Nearly all ones of MNIST are a bare line and few of its sevens have a bar; its fours cross in the middle, and its nines end
below themselves. Many people write otherwise, and a network that never saw it takes a one with a flag for a seven, a low bar
for the foot of a two, a nine with a hooked tail for a three. The amounts below cover what people do; they were looked at
beside real pen drawings (``bench.pendigits``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn import functional as F

INK = 0.5  # from which a pixel belongs to the stroke
CURVE_PIECES = 4  # straight pieces that a curved stroke is drawn with
FOOT_SHARE = 0.4  # of the ones with a flag
FLAG_PIXELS, FLAG_DEGREES, MAX_FLAG_DEGREES = (4.0, 14.0), (12.0, 60.0), 75.0  # from the stem; the largest from upright
FLAG_BEND_PIXELS = 2.0  # of its middle, either way
FOOT_PIXELS = (2.0, 7.0)  # to each side
BAR_PIXELS, BAR_HEIGHT = (2.0, 6.0), (0.4, 0.85)  # to each side; share of the digit's height, from its top
HOOK_PIXELS, HOOK_RISE_PIXELS = (3.0, 13.0), (-0.5, 4.0)
MAX_MOVE_PIXELS = 5.0  # of the middle, where a four crosses and a nine's loop ends
MAX_NARROWING = 0.4  # share of a four's width
MAX_BULGE_PIXELS = 3.0  # of a nine's stem, to the right


def with_habits(images: Tensor, labels: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """A share of the ones, fours, sevens and nines as other people write them, each by random amounts; the others as they are.

    images (N, 1, H, W) float in [0, 1], 0 = background · labels (N,) int64 · share in [0, 1]
    generator: on the CPU, so that an image meets the same fate on every device
    returns a new (N, 1, H, W)
    """
    draws = torch.rand(len(images), 9, generator=generator)
    changed = images.clone()
    for digit, rewritten in _REWRITTEN.items():
        where = ((labels.cpu() == digit) & (draws[:, 0] < share)).nonzero().flatten()
        if len(where):
            there = where.to(images.device)
            changed[there, 0] = rewritten(images[there, 0], draws[where, 1:].to(images))
    return changed


# All below: images (K, H, W), draws (K, 8) in [0, 1), points (K, 2) as x to the right and y down, pixels; one row per image.


def _one(images: Tensor, draws: Tensor) -> Tensor:
    """A flag from the top down to the left, and for some a foot."""
    width = _stroke_width(images)
    top, bottom = _end(images, "top"), _end(images, "bottom")
    lean = torch.atan2(top[:, 0] - bottom[:, 0], (bottom[:, 1] - top[:, 1]).clamp(min=1)).clamp(min=0)
    angle = (lean + _between(draws[:, 0], *FLAG_DEGREES).deg2rad()).clamp(max=math.radians(MAX_FLAG_DEGREES))
    length = _between(draws[:, 1], *FLAG_PIXELS)
    tip = top + length[:, None] * torch.stack((-angle.sin(), angle.cos()), 1)
    bend = (top + tip) / 2 + _between(draws[:, 2:4], -2 * FLAG_BEND_PIXELS, 2 * FLAG_BEND_PIXELS)
    flagged = _with_stroke(images, _curve(top, bend, tip), width)
    reach = _between(draws[:, 4:6], *FOOT_PIXELS)
    tilt = 2 * draws[:, 6] - 1
    left, right = (torch.stack((side * reach[:, i], -side * tilt), 1) for i, side in enumerate((-1, 1)))
    footed = _with_stroke(flagged, torch.stack((bottom + left, bottom + right), 1), width)
    return torch.where((draws[:, 7] < FOOT_SHARE)[:, None, None], footed, flagged)


def _four(images: Tensor, draws: Tensor) -> Tensor:
    """Narrow, with a crossbar that lies low."""
    return _reshaped(images, down=MAX_MOVE_PIXELS * draws[:, 0], narrower=MAX_NARROWING * draws[:, 1])


def _seven(images: Tensor, draws: Tensor) -> Tensor:
    """A bar across the stem."""
    top, bottom = _end(images, "top")[:, 1], _end(images, "bottom")[:, 1]
    y = top + (bottom - top) * _between(draws[:, 0], *BAR_HEIGHT)
    row = images[torch.arange(len(images), device=images.device), y.round().long()]
    crossing = torch.stack((_centre(row), y), 1)
    reach = _between(draws[:, 1:3], *BAR_PIXELS)
    tilt = _between(draws[:, 3], -1.0, 1.5)
    left, right = (torch.stack((side * reach[:, i], -side * tilt), 1) for i, side in enumerate((-1, 1)))
    return _with_stroke(images, torch.stack((crossing + left, crossing + right), 1), _stroke_width(images))


def _nine(images: Tensor, draws: Tensor) -> Tensor:
    """A small loop, a stem that bulges to the right, and a tail that ends in a hook to the left."""
    images = _reshaped(images, down=-MAX_MOVE_PIXELS * draws[:, 0], bulge=MAX_BULGE_PIXELS * draws[:, 5])
    tail = _end(images, "bottom")
    length = _between(draws[:, 1], *HOOK_PIXELS)
    tip = tail - torch.stack((length, _between(draws[:, 2], *HOOK_RISE_PIXELS)), 1)
    bend = tail + torch.stack((-length * _between(draws[:, 3], 0.2, 0.6), _between(draws[:, 4], 1.0, 2.5)), 1)
    return _with_stroke(images, _curve(tail, bend, tip), _stroke_width(images))


_REWRITTEN: Mapping[int, Callable[[Tensor, Tensor], Tensor]] = MappingProxyType(
    {1: _one, 4: _four, 7: _seven, 9: _nine}
)


def _between(draws: Tensor, low: float, high: float) -> Tensor:
    return low + (high - low) * draws


def _stroke_width(images: Tensor) -> Tensor:
    """Mean width (K,), pixels: twice the area by the length of the outline, as in ``drawing.stroke.stroke_width``."""
    padded = F.pad(images, (1, 1, 1, 1))
    crossings = padded.diff(dim=1).abs().sum((1, 2)) + padded.diff(dim=2).abs().sum((1, 2))
    return (2 * images.sum((1, 2)) / (math.pi / 4 * crossings).clamp(min=1)).clamp(1.2, 5)


def _end(images: Tensor, side: str) -> Tensor:
    """Where the stroke's middle line begins at the top or ends at the bottom: points (K, 2)."""
    inked = (images > INK).any(2).float()
    height, numbers = images.shape[1], torch.arange(len(images), device=images.device)
    if side == "top":
        y = inked.argmax(1)
        inside, half = (y + 1).clamp(max=height - 1), 0.5
    else:
        y = height - 1 - inked.flip(1).argmax(1)
        inside, half = (y - 1).clamp(min=0), -0.5
    x = _centre(images[numbers, y] + images[numbers, inside])
    return torch.stack((x, y + half * (_stroke_width(images) - 1)), 1)


def _centre(rows: Tensor) -> Tensor:
    """Where the ink of a row of pixels lies on average: rows (K, W) -> (K,); the middle where there is none."""
    along = torch.arange(rows.shape[1], device=rows.device, dtype=rows.dtype)
    ink = rows.sum(1)
    return torch.where(ink > INK, (rows @ along) / ink.clamp(min=INK), (rows.shape[1] - 1) / 2)


def _curve(start: Tensor, bend: Tensor, tip: Tensor) -> Tensor:
    """Points (K, P, 2) on a quadratic Bézier curve."""
    t = torch.linspace(0, 1, CURVE_PIECES + 1, device=start.device).view(1, -1, 1)
    return (1 - t) ** 2 * start[:, None] + 2 * t * (1 - t) * bend[:, None] + t**2 * tip[:, None]


def _with_stroke(images: Tensor, points: Tensor, width: Tensor) -> Tensor:
    """The images with a stroke of the same brush along points (K, P, 2); width (K,) pixels."""
    y = torch.arange(images.shape[1], device=images.device, dtype=images.dtype).view(1, 1, -1, 1)
    x = torch.arange(images.shape[2], device=images.device, dtype=images.dtype).view(1, 1, 1, -1)
    start, step = points[:, :-1, :, None, None], points.diff(dim=1)[..., None, None]  # (K, P - 1, 2, 1, 1)
    dx, dy = x - start[:, :, 0], y - start[:, :, 1]  # (K, P - 1, H or 1, W or 1)
    along = (dx * step[:, :, 0] + dy * step[:, :, 1]) / (step**2).sum(2).clamp(min=1e-6)
    along = along.clamp(0, 1)
    distance = torch.hypot(dx - along * step[:, :, 0], dy - along * step[:, :, 1]).amin(1)  # (K, H, W)
    return torch.maximum(images, (width[:, None, None] / 2 + 0.5 - distance).clamp(0, 1))


def _reshaped(images: Tensor, down: Tensor, narrower: Tensor | float = 0.0, bulge: Tensor | float = 0.0) -> Tensor:
    """The same ink in other proportions; its two ends stay at their heights.

    down (K,): so many pixels lower comes to lie what was halfway between the ends, and what is between in proportion
    narrower (K,): share of the width that is lost · bulge (K,): how far the middle of the lower part moves to the right, pixels
    """
    k, height, width = images.shape
    top, bottom = (_end(images, side)[:, 1:] for side in ("top", "bottom"))  # (K, 1)
    middle = (top + bottom) / 2
    knee = middle + down[:, None]
    y = torch.arange(height, device=images.device, dtype=images.dtype)[None]
    above = top + (y - top) * (middle - top) / (knee - top).clamp(min=1)
    below = bottom - (bottom - y) * (bottom - middle) / (bottom - knee).clamp(min=1)
    source_y = torch.where((y < top) | (y > bottom), y, torch.where(y < knee, above, below))  # (K, H)
    part = ((y - knee) / (bottom - knee).clamp(min=1)).clamp(0, 1)  # 0 at the knee and above it, 1 at the bottom
    moved = torch.as_tensor(bulge, device=images.device).reshape(-1, 1) * 4 * part * (1 - part)
    centre = _centre(images.sum(1))[:, None, None]
    x = torch.arange(width, device=images.device, dtype=images.dtype)[None, None]
    wider = 1 / (1 - torch.as_tensor(narrower, device=images.device).reshape(-1, 1, 1))
    source_x = centre + (x - moved[:, :, None] - centre) * wider  # (K, H, W)
    source_y = source_y[:, :, None].expand(k, height, width)
    grid = torch.stack(((2 * source_x + 1) / width - 1, (2 * source_y + 1) / height - 1), 3)
    return F.grid_sample(images[:, None], grid, align_corners=False)[:, 0]
