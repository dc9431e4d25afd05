"""From an image to the numbers that every network takes."""

from __future__ import annotations

from torch import Tensor


def pixels(images: Tensor, mean: float, std: float) -> Tensor:
    """uint8 (N, 28, 28) -> float (N, 1, 28, 28), normalised with the constants of the training split."""
    return images.float().mul_(1 / (255 * std)).sub_(mean / std).unsqueeze(1)
