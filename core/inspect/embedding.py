"""Where a network puts images before its last layer: vectors, and neighbours among them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.data.dataset import Images, Indices, Labels
from core.inspect.activations import Floats, as_floats, computes_with_weights
from core.inspect.copies import private_copy
from core.machine.precision import memory_format
from core.models.pixels import pixels

BATCH_IMAGES = 250  # read at once
BLOCK_VECTORS = 4096  # compared at once
Metric = Literal["cosine", "euclidean"]


def embeddings(
    module: nn.Module, images: Images, mean: float, std: float, on_images: Callable[[int], None] | None = None
) -> Floats:
    """What the last layer of a network takes of each image, (N, D); of softmax regression that is the image itself.

    module: in eval mode on the CPU, stays as it was · images (N, 28, 28) uint8 · mean, std: of the images it was trained on
    on_images: told after each batch how many images have been read
    """
    return embeddings_and_answers(module, images, mean, std, on_images)[0]


def embeddings_and_answers(
    module: nn.Module, images: Images, mean: float, std: float, on_images: Callable[[int], None] | None = None
) -> tuple[Floats, Labels]:
    """The same, and which digit is read in each image: (N, D) and (N,)."""
    network = private_copy(module)
    layout = memory_format(network, "cpu")
    taken: list[Tensor] = []
    last = _last_dense(network)
    last.register_forward_pre_hook(lambda _part, inputs: taken.append(inputs[0]))
    vectors, answers = [np.empty((0, 0), np.float32)], [np.empty(0, np.int64)]
    with torch.no_grad():
        for start in range(0, len(images), BATCH_IMAGES):
            batch = torch.from_numpy(np.array(images[start : start + BATCH_IMAGES]))
            logits = network(pixels(batch, mean, std).contiguous(memory_format=layout))
            vectors.append(as_floats(taken.pop().flatten(1)))
            answers.append(logits.argmax(1).numpy())
            if on_images:
                on_images(start + len(batch))
    return np.concatenate(vectors[1:] or vectors), np.concatenate(answers)


def _last_dense(network: nn.Module) -> nn.Module:
    """The dense layer that an image passes last."""
    passed: list[nn.Module] = []
    parts = [part for part in network.modules() if computes_with_weights(part)]
    hooks = [part.register_forward_pre_hook(lambda part, _inputs: passed.append(part)) for part in parts]
    with torch.no_grad():
        network(torch.zeros(1, 1, 28, 28))
    for hook in hooks:
        hook.remove()
    return passed[-1]


def nearest(vectors: Floats, queries: Floats, k: int, metric: Metric = "cosine") -> tuple[Indices, Floats]:
    """The k nearest vectors of each query, the nearest first: vectors (N, D), queries (Q, D) -> positions among the vectors
    and distances, (Q, k) each; k is at most N. Cosine distance is 1 - the cosine of the angle."""
    k = min(k, len(vectors))
    best = np.empty((len(queries), 0), np.float32)
    positions = np.empty((len(queries), 0), np.int64)
    for start in range(0, len(vectors), BLOCK_VECTORS):
        block = vectors[start : start + BLOCK_VECTORS]
        distances = _distances(queries, block, metric)
        both = np.concatenate([best, distances], axis=1)
        where = np.broadcast_to(np.arange(start, start + len(block)), distances.shape)
        all_positions = np.concatenate([positions, where], axis=1)
        order = np.argsort(both, axis=1, kind="stable")[:, :k]
        best, positions = np.take_along_axis(both, order, 1), np.take_along_axis(all_positions, order, 1)
    return positions, best


def _distances(queries: Floats, vectors: Floats, metric: Metric) -> NDArray[Any]:
    if metric == "cosine":
        lengths = np.linalg.norm(queries, axis=1)[:, None] * np.linalg.norm(vectors, axis=1)[None]
        return np.asarray(1 - queries @ vectors.T / np.maximum(lengths, 1e-12), np.float32)
    return np.stack([np.linalg.norm(vectors - query, axis=1) for query in queries]).astype(np.float32)
