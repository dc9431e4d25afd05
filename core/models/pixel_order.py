"""One fixed order of all pixels, which takes the neighbourhoods out of every image and leaves every number in it.

A network that looks at all pixels alike loses nothing by it; one that looks for strokes does. On MNIST: Le, Jaitly and Hinton
2015 ("permuted" MNIST).
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

ORDER_SEED = 784  # one order for all runs, so that they compare and a drawn digit can be shown as they see it


@cache
def shuffled_order() -> NDArray[np.int64]:
    """(784,) which pixel of the image, counted row by row, stands at each place; read-only."""
    # Raw PCG64 output is promised to stay as it is; shuffling methods may change from one NumPy release to the next.
    order = np.argsort(np.random.PCG64(ORDER_SEED).random_raw(28 * 28), kind="stable").astype(np.int64)
    order.setflags(write=False)
    return order


def shuffled(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Images (N, 28, 28) as a network sees them that reads shuffled pixels."""
    return images.reshape(len(images), -1)[:, shuffled_order()].reshape(images.shape)


def put_back(shuffled_values: NDArray[np.float32]) -> NDArray[np.float32]:
    """One value (28, 28) for each place of a shuffled image, each where its pixel stands in the natural one."""
    values = np.empty(28 * 28, np.float32)
    values[shuffled_order()] = shuffled_values.reshape(-1)
    return values.reshape(28, 28)


def in_pixel_order(module: nn.Module, pixel_order: str) -> nn.Module:
    """The same module; "shuffled": it puts the pixels of every image (N, 1, 28, 28) into the shuffled order first.

    That happens inside the network, behind augmentation and moved views, so that whoever keeps, draws or explains an image
    has the natural one. It adds no weight, and no name to the state dict.
    """
    if pixel_order == "shuffled":
        module.register_forward_pre_hook(_shuffle)
    return module


def reads_shuffled(module: nn.Module) -> bool:
    """Whether ``in_pixel_order`` has put the shuffled order in front of it, or of what it was copied from."""
    return _shuffle in module._forward_pre_hooks.values()


def _shuffle(_module: nn.Module, inputs: tuple[Tensor, ...]) -> Tensor:
    (images,) = inputs
    order = torch.from_numpy(np.array(shuffled_order())).to(images.device)
    return torch.unflatten(images.flatten(1)[:, order], 1, (1, 28, 28))
