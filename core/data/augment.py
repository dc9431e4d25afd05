"""Varied copies of training images: the one file of this folder that needs torch."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def augment(images: Tensor, shift: float, rotation: float, zoom: float, generator: torch.Generator) -> Tensor:
    """Move, turn and scale each image by its own random amount, about the middle of the picture.

    images (N, 1, H, W) float, 0 = background · shift: up to so many pixels in x and in y · rotation: up to so many
    degrees either way · zoom: factor from 1 - zoom to 1 + zoom; all three uniform
    generator: on the CPU, so that an image meets the same fate on every device; four numbers are drawn per image
    whichever of the settings is on, so that one setting does not change the draws of another
    returns (N, 1, H, W), background 0 flows in at the edges; the input itself when all three are 0
    """
    if not (shift or rotation or zoom):
        return images
    n, _, height, width = images.shape
    draws = torch.rand(n, 4, generator=generator).mul_(2).sub_(1)  # (N, 4) in [-1, 1)
    dx, dy = draws[:, 0] * shift, draws[:, 1] * shift
    angle = draws[:, 2] * math.radians(rotation)
    scale = 1 + draws[:, 3] * zoom
    # The grid asks for each output pixel where in the input it comes from: the inverse of what the eye sees.
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    x, y = -dx * 2 / width, -dy * 2 / height  # the grid's unit is half a picture
    aspect = height / width
    theta = torch.stack(
        (cos, sin * aspect, cos * x + sin * aspect * y, -sin / aspect, cos, cos * y - sin / aspect * x), dim=1
    ).reshape(n, 2, 3)  # (N, 2, 3)
    grid = F.affine_grid(theta.to(images.device), [n, 1, height, width], align_corners=False)
    return F.grid_sample(images, grid.to(images.dtype), mode="bilinear", padding_mode="zeros", align_corners=False)
