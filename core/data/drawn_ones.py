"""Ones drawn by rule, for datasets that hold few of the ways to write one."""

from __future__ import annotations

import torch
from torch import Tensor

from core.data.dataset import SIDE
from core.data.drawn import INK_SIDE_PIXELS

# How a one is drawn by rule: lengths in pixels while its stem is INK_SIDE_PIXELS high, from the least to the most, all uniform.
PEN_RADIUS_PIXELS = (0.8, 2.2)
STEM_DEGREES = (-10.0, 35.0)  # off the upright, to the right at the top
FLAG_SHARE, FLAG_PIXELS, FLAG_DEGREES = (
    0.6,
    (3.0, 9.0),
    (20.0, 70.0),
)  # down to the left from the top, below the horizontal
BASE_SHARE, BASE_PIXELS = 0.25, (3.0, 6.5)  # to each side
N_ONE_DRAWS = 7  # for five amounts, and whether there is a flag and a base


def with_drawn_ones(images: Tensor, labels: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """The same images, this share of the ones replaced. As many numbers are drawn whatever the labels are.

    images (N, 1, 28, 28) float in [0, 1] · labels (N,) int · generator: on the CPU
    """
    chances, draws = (torch.rand(len(images), n, generator=generator) for n in (1, N_ONE_DRAWS))
    replaced = (labels.cpu() == 1) & (chances[:, 0] < share)
    images = images.clone()
    images[replaced.to(images.device)] = draw_ones(draws[replaced]).to(images)
    return images


def draw_ones(draws: Tensor) -> Tensor:
    """Ones as a pen writes them, in MNIST's geometry: a stem, some with a flag at the top, some with a base.

    draws (N, N_ONE_DRAWS) in [0, 1): what decides about each · returns (N, 1, 28, 28) in [0, 1]; the longer side of the ink
    is ``INK_SIDE_PIXELS`` long, its centre of mass lies at pixel 14
    """
    radius, slant, flag, flag_down, base = (
        low + (high - low) * draws[:, place]
        for place, (low, high) in enumerate((PEN_RADIUS_PIXELS, STEM_DEGREES, FLAG_PIXELS, FLAG_DEGREES, BASE_PIXELS))
    )
    flag, base = flag * (draws[:, 5] < FLAG_SHARE), base * (draws[:, 6] < BASE_SHARE)
    slant, flag_down = slant.deg2rad(), flag_down.deg2rad()
    half = INK_SIDE_PIXELS / 2
    top = torch.stack((half * slant.tan(), torch.full_like(slant, -half)), dim=1)  # x to the right, y down
    tip = top + flag[:, None] * torch.stack((-flag_down.cos(), flag_down.sin()), dim=1)
    beside = torch.stack((base, torch.zeros_like(base)), dim=1)
    ends = torch.stack(
        (torch.stack((top, top, -top - beside), 1), torch.stack((-top, tip, -top + beside), 1))
    )  # (2, N, 3, 2)
    low, high = ends.amin((0, 2)), ends.amax((0, 2))
    scale = (INK_SIDE_PIXELS - 2 * radius) / (high - low).amax(1)
    ends = (ends - ((low + high) / 2)[:, None]) * scale.view(-1, 1, 1)
    ink, along = _ink(ends, radius), torch.arange(SIDE) - SIDE / 2
    centre = torch.stack((ink.sum(1) @ along, ink.sum(2) @ along), dim=1) / ink.sum((1, 2))[:, None]
    return _ink(ends - centre[:, None], radius).unsqueeze(1)


def _ink(ends: Tensor, radius: Tensor) -> Tensor:
    """Strokes of a round pen: both ends (2, N, strokes, 2) as x and y from pixel 14, radius (N,) -> (N, 28, 28) in [0, 1]."""
    along = torch.arange(SIDE) - SIDE / 2
    pixels = torch.stack(torch.meshgrid(along, along, indexing="xy"), dim=-1).view(1, 1, -1, 2)
    start = ends[0].unsqueeze(2)
    stroke = ends[1].unsqueeze(2) - start
    part = ((pixels - start) * stroke).sum(-1) / stroke.square().sum(-1).clamp(min=1e-9)
    distance = (pixels - start - part.clamp(0, 1).unsqueeze(-1) * stroke).norm(dim=-1).amin(1)  # to the nearest stroke
    ink: Tensor = (radius[:, None] + 0.5 - distance).clamp(0, 1).view(-1, SIDE, SIDE)
    return ink
