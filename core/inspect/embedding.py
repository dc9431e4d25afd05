"""Where a network puts images before its last layer: vectors, maps of them in two dimensions, and neighbours.

t-SNE is written out here, exactly and in full (van der Maaten and Hinton 2008), because it has to tell how far it is and to
stop when it is told to, and because it then runs wherever torch does: 6.2 s for 2,000 points on one thread of an AMD EPYC.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.data.dataset import Images, Indices
from core.errors import InputError
from core.inspect.activations import Floats, as_floats, computes_with_weights
from core.inspect.copies import private_copy
from core.machine.precision import memory_format
from core.models.pixels import pixels

BATCH_IMAGES = 250  # read at once
BLOCK_VECTORS = 4096  # compared at once
MAX_TSNE_POINTS = 2_000
MIN_POINTS = 4
TSNE_STEPS, EXAGGERATED_STEPS, EXAGGERATION = 500, 250, 12.0
PERPLEXITY = 30.0  # about how many neighbours of a point count
SEARCH_STEPS = 50  # halvings until every point has that many neighbours
MIN_TSNE_LR = 50.0
EARLY_MOMENTUM, MOMENTUM = 0.5, 0.8
MIN_GAIN = 0.01
START_DEVIATION = 1e-4  # of the first direction; a start that is wide already can not be rearranged

Metric = Literal["cosine", "euclidean"]


def embeddings(
    module: nn.Module, images: Images, mean: float, std: float, on_images: Callable[[int], None] | None = None
) -> Floats:
    """What the last layer of a network takes of each image, (N, D); of softmax regression that is the image itself.

    module: in eval mode on the CPU, stays as it was · images (N, 28, 28) uint8 · mean, std: of the images it was trained on
    on_images: told after each batch how many images have been read
    """
    network = private_copy(module)
    layout = memory_format(network, "cpu")
    taken: list[Tensor] = []
    last = _last_dense(network)
    last.register_forward_pre_hook(lambda _part, inputs: taken.append(inputs[0]))
    vectors: list[Floats] = []
    with torch.no_grad():
        for start in range(0, len(images), BATCH_IMAGES):
            batch = torch.from_numpy(np.array(images[start : start + BATCH_IMAGES]))
            network(pixels(batch, mean, std).contiguous(memory_format=layout))
            vectors.append(as_floats(taken.pop().flatten(1)))
            if on_images:
                on_images(start + len(batch))
    return np.concatenate(vectors) if vectors else np.empty((0, 0), np.float32)


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


def pca(vectors: Floats) -> tuple[Floats, tuple[float, float]]:
    """The two directions along which vectors differ most: (N, D) -> points (N, 2), and their shares of all variance.

    Raises InputError for fewer than four vectors.
    """
    from sklearn.decomposition import PCA  # takes a second

    _check_enough(vectors)
    fit = PCA(2, random_state=0)
    with np.errstate(invalid="ignore"):  # images that are all alike have no variance to share
        points = fit.fit_transform(vectors.astype(np.float64))
    shares = np.nan_to_num(fit.explained_variance_ratio_)
    return points.astype(np.float32), (float(shares[0]), float(shares[1]))


def tsne(
    vectors: Floats,
    on_step: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Floats:
    """A map on which neighbours stay neighbours: (N, D) -> points (N, 2). Distances between groups mean nothing.

    on_step: told the steps done and all steps · should_stop: asked before each step; the map so far is then returned
    It begins with the directions of ``pca`` (Kobak and Berens 2019), so the same vectors give the same map. Raises InputError
    for fewer than four vectors or more than ``MAX_TSNE_POINTS``.
    """
    _check_enough(vectors)
    n = len(vectors)
    if n > MAX_TSNE_POINTS:
        raise InputError(f"t-SNE takes at most {MAX_TSNE_POINTS:,} images, these are {n:,}.")
    start = torch.from_numpy(pca(vectors)[0])
    points = start * START_DEVIATION / start[:, 0].std().clamp_min(1e-12)
    near = _affinities(torch.from_numpy(vectors))
    lr = max(n / EXAGGERATION / 4, MIN_TSNE_LR)
    velocity, gains = torch.zeros_like(points), torch.ones_like(points)
    closeness, pulls = torch.empty(n, n), torch.empty(n, n)
    for step in range(TSNE_STEPS):
        if should_stop and should_stop():
            break
        early = step < EXAGGERATED_STEPS
        squares = points.square().sum(1)
        # 1 / (1 + squared distance), the t-distribution of the map
        torch.addmm(squares[None] + 1, points, points.T, alpha=-2, out=closeness)
        closeness.add_(squares[:, None]).reciprocal_().fill_diagonal_(0)
        torch.mul(closeness, closeness, out=pulls).div_(-closeness.sum())
        pulls.addcmul_(near, closeness, value=EXAGGERATION if early else 1.0)
        gradient = 4 * (pulls.sum(1, keepdim=True) * points - pulls @ points)
        gains = torch.where(velocity * gradient < 0, gains + 0.2, gains * 0.8).clamp_min(MIN_GAIN)
        velocity = (EARLY_MOMENTUM if early else MOMENTUM) * velocity - lr * gains * gradient
        points = points + velocity
        if on_step:
            on_step(step + 1, TSNE_STEPS)
    return as_floats(points - points.mean(0))


def _affinities(vectors: Tensor) -> Tensor:
    """How near each two vectors are, (N, N), symmetric, all together 1: section 2 of the source.

    The width around each vector is halved until as many neighbours count as the perplexity says.
    """
    n = len(vectors)
    distances = torch.cdist(vectors, vectors).square_()
    itself = torch.eye(n, dtype=torch.bool)
    distances -= distances.masked_fill(itself, math.inf).min(1, keepdim=True).values
    wanted = math.log(min(PERPLEXITY, (n - 1) / 3))
    low, high = torch.zeros(n, 1), torch.full((n, 1), math.inf)
    inverse_width = 1 / distances.mean(1, keepdim=True).clamp_min(1e-12)
    for _ in range(SEARCH_STEPS):
        near = torch.exp(-distances * inverse_width).masked_fill_(itself, 0)
        total = near.sum(1, keepdim=True)
        entropy = total.log() + inverse_width * (near * distances).sum(1, keepdim=True) / total
        too_many = entropy > wanted
        low, high = torch.where(too_many, inverse_width, low), torch.where(too_many, high, inverse_width)
        inverse_width = torch.where(high.isinf(), inverse_width * 2, (low + high) / 2)
    near = torch.exp(-distances * inverse_width).masked_fill_(itself, 0)
    near /= near.sum(1, keepdim=True)
    return (near + near.T) / (2 * n)


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


def _check_enough(vectors: Floats) -> None:
    if len(vectors) < MIN_POINTS:
        raise InputError(f"A map takes at least {MIN_POINTS} images, these are {len(vectors)}.")
