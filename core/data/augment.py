"""Varied copies of training images: with ``habits`` and ``drawn_ones`` the only files of this folder that need torch.

Moved, scaled and slanted copies of digits: LeCun et al. 1998. Elastic distortion: Simard, Steinkraus and Platt 2003.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from core.data.config import DataConfig
from core.data.dataset import Images
from core.data.drawn_ones import with_drawn_ones
from core.data.habits import with_habits

# The field of shifts is drawn at 5 x 5 points and smooth in between. Bicubic weights overshoot: along an axis a pixel can move
# 1.89 times as far as the points may.
ELASTIC_GRID = 5


def varies(config: DataConfig) -> bool:
    """Whether the config asks for any variation at all."""
    return bool(config.habits or config.drawn_ones or config.thickness or config.inverted or _moves(config))


def augment(images: Tensor, config: DataConfig, generator: torch.Generator, labels: Tensor | None = None) -> Tensor:
    """Change each image by its own random amounts: place, angle, size, slant, elastic distortion and thickness of the stroke;
    before that, replace some ones by ones drawn by rule, and give some digits the habits of other writers; at last, turn some
    into their negatives.

    images (N, 1, H, W) float in [0, 1], 0 = background · config: how far each may go; all uniform, about the middle
    generator: on the CPU, so that an image meets the same fate on every device; the same numbers are drawn whichever of
    the settings is on, so that one setting does not change the draws of another
    labels (N,) int64: which digit each is; without them no one is drawn anew, and no writing habit added
    returns (N, 1, H, W), background 0 (of a negative 1) flows in at the edges; the input itself when nothing is to vary
    """
    if not varies(config):
        return images
    n, _, height, width = images.shape
    draws = torch.rand(n, 7 + 2 * ELASTIC_GRID**2, generator=generator).mul_(2).sub_(1)  # (N, 57) in [-1, 1)
    varied = images
    if (config.drawn_ones or config.habits) and labels is not None:
        ahead = torch.Generator()
        ahead.set_state(generator.get_state())  # a copy: what the next batch draws stays as it is
        if config.drawn_ones:
            varied = with_drawn_ones(varied, labels, config.drawn_ones, ahead)
        if config.habits:
            varied = with_habits(varied, labels, config.habits, ahead)
    if _moves(config):
        # One product for all images: ``affine_grid`` makes a tiny one for each, which takes longer than all else here.
        places = _inverse(draws, config, width, height).reshape(2 * n, 3) @ _centres(height, width)  # (2N, H * W)
        if config.elastic:
            unit = torch.tensor((config.elastic * 2 / width, config.elastic * 2 / height)).repeat(n).unsqueeze(1)
            places = places + draws[:, 7:].reshape(2 * n, -1) @ _smooth(height, width) * unit
        grid = places.view(n, 2, height, width).permute(0, 2, 3, 1).to(images)
        varied = F.grid_sample(varied, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    if config.thickness:
        varied = _thickness(varied, draws[:, 6].to(images) * config.thickness)
    return _as_negatives(varied, config.inverted, draws) if config.inverted else varied


def _moves(config: DataConfig) -> bool:
    """Whether any pixel is to come from elsewhere."""
    return bool(config.shift or config.rotation or config.zoom or config.shear or config.elastic)


def _inverse(draws: Tensor, config: DataConfig, width: int, height: int) -> Tensor:
    """For each output pixel where in the input it comes from, the inverse of what the eye sees: (N, 2, 3).

    The eye sees scaling, then slant, then rotation, then shift.
    """
    dx, dy = draws[:, 0] * config.shift, draws[:, 1] * config.shift  # pixels
    angle = draws[:, 2] * math.radians(config.rotation)
    scale_x, scale_y = 1 + draws[:, 3] * config.zoom, 1 + draws[:, 4] * config.zoom
    slant = draws[:, 5] * math.tan(math.radians(config.shear))
    cos, sin = torch.cos(angle), torch.sin(angle)
    xx, xy = (cos + slant * sin) / scale_x, (sin - slant * cos) / scale_x
    yx, yy = -sin / scale_y, cos / scale_y
    aspect = height / width  # the grid's unit is half a picture, along each axis
    return torch.stack(
        (
            xx, xy * aspect, -(xx * dx + xy * dy) * 2 / width,
            yx / aspect, yy, -(yx * dx + yy * dy) * 2 / height,
        ),
        dim=1,
    ).reshape(-1, 2, 3)  # fmt: skip


@cache
def _centres(height: int, width: int) -> Tensor:
    """Of every pixel x and y of its middle, from -1 to 1 across the picture, and 1: (3, H * W)."""
    grid = F.affine_grid(torch.eye(2, 3).unsqueeze(0), [1, 1, height, width], align_corners=False)
    return torch.cat([grid.view(-1, 2).T, torch.ones(1, height * width)])


@cache
def _smooth(height: int, width: int) -> Tensor:
    """From values at the 5 x 5 points to values at every pixel: (25, H * W)."""
    points = torch.eye(ELASTIC_GRID**2).view(-1, 1, ELASTIC_GRID, ELASTIC_GRID)
    return F.interpolate(points, (height, width), mode="bicubic", align_corners=True).flatten(1)


def _thickness(images: Tensor, amount: Tensor) -> Tensor:
    """Grow (amount > 0) or shrink the ink by about ``amount`` (N,) in [-1, 1] pixels: towards the largest or the smallest
    value among each pixel and its four neighbours."""
    around = F.pad(images, (1, 1, 1, 1))
    up, down, left, right = around[..., :-2, 1:-1], around[..., 2:, 1:-1], around[..., 1:-1, :-2], around[..., 1:-1, 2:]
    thick = torch.maximum(torch.maximum(torch.maximum(up, down), torch.maximum(left, right)), images)
    thin = torch.minimum(torch.minimum(torch.minimum(up, down), torch.minimum(left, right)), images)
    amount = amount.view(-1, 1, 1, 1)
    return images + amount.clamp(min=0) * (thick - images) - amount.clamp(max=0) * (thin - images)


def _as_negatives(images: Tensor, share: float, draws: Tensor) -> Tensor:
    """A share of the images (N, 1, H, W) as their negatives. draws: (N, 57), from which those of its own are seeded"""
    own = torch.Generator().manual_seed(int(draws.view(torch.int32).sum().item()))
    negative = (torch.rand(len(images), generator=own) < share).to(images.device).view(-1, 1, 1, 1)
    return torch.where(negative, 1 - images, images)


def variants(image: Images, n: int, config: DataConfig, seed: int, label: int | None = None) -> Images:
    """An image, then n random variants of it as training would see them.

    image (28, 28) uint8 -> (1 + n, 28, 28) uint8 · label: which digit it is; without it no one is drawn anew, and no habit
    added
    """
    repeated = torch.from_numpy(np.repeat(image[None, None], n, axis=0).astype(np.float32))
    labels = None if label is None else torch.full((n,), label)
    varied = augment(repeated / 255, config, torch.Generator().manual_seed(seed), labels)
    return np.concatenate([image[None], varied.mul_(255).round().to(torch.uint8).numpy()[:, 0]])
