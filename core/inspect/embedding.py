"""Where a network puts images before its last layer: vectors, maps of them in two dimensions, and neighbours."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.data.dataset import Images, Indices, Labels
from core.errors import InputError
from core.inspect.activations import Floats, as_floats, computes_with_weights
from core.inspect.copies import private_copy
from core.machine.precision import memory_format
from core.models.pixels import pixels

BATCH_IMAGES = 250  # read at once
BLOCK_VECTORS = 4096  # compared at once
MAX_TSNE_POINTS = 2_000
MIN_POINTS = 4
TSNE_STEPS, EXAGGERATED_STEPS = 500, 250
STEPS_PER_REPORT = 10
PERPLEXITY = 30.0  # about how many neighbours of a point count
START_DEVIATION = 1e-4  # of the first direction; a start that is wide already can not be rearranged

Metric = Literal["cosine", "euclidean"]


class Plane(NamedTuple):
    """The two directions along which vectors differ most.

    points (N, 2): where the vectors lie · shares: of all variance, along each direction · mean (D,), directions (2, D)
    """

    points: Floats
    shares: tuple[float, float]
    mean: Floats
    directions: Floats

    def place(self, vectors: Floats) -> Floats:
        """Where other vectors lie on it: (M, D) -> (M, 2)."""
        return ((vectors - self.mean) @ self.directions.T).astype(np.float32)


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


def pca(vectors: Floats) -> Plane:
    """The map of most variance: (N, D) vectors. Raises InputError for fewer than four, or for what is not a number."""
    from sklearn.decomposition import PCA  # takes a second

    _check(vectors)
    fit = PCA(2, random_state=0)
    with np.errstate(invalid="ignore"):  # images that are all alike have no variance to share
        points = fit.fit_transform(vectors.astype(np.float64))
    shares = np.nan_to_num(fit.explained_variance_ratio_)
    return Plane(points.astype(np.float32), (float(shares[0]), float(shares[1])), fit.mean_, fit.components_)


def why_no_tsne() -> str:
    """Why t-SNE can not be offered here, in a sentence; "" where it can."""
    try:
        import_module("openTSNE")
    except Exception as error:  # noqa: BLE001 - a damaged installation fails in any way
        return f"t-SNE needs openTSNE, which can not be loaded here ({type(error).__name__})."
    return ""


def tsne(
    vectors: Floats,
    on_step: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Floats:
    """A map on which neighbours stay neighbours: (N, D) -> points (N, 2). Distances between groups mean nothing.

    on_step: told now and then the steps done and all steps · should_stop: asked as often; the map so far is then returned
    It is openTSNE's (van der Maaten 2014, Barnes-Hut) and begins with the directions of ``pca`` (Kobak and Berens 2019), so
    the same vectors give the same map; one thread, no random numbers but its own. Raises InputError for fewer than four
    vectors, more than ``MAX_TSNE_POINTS``, or without openTSNE.
    """
    _check(vectors)
    n = len(vectors)
    if n > MAX_TSNE_POINTS:
        raise InputError(f"t-SNE takes at most {MAX_TSNE_POINTS:,} images, these are {n:,}.")
    if reason := why_no_tsne():
        raise InputError(reason)
    from openTSNE import TSNE
    from openTSNE.affinity import PerplexityBasedNN

    done = 0

    def report(_step: int, _error: float, _points: object) -> bool:
        nonlocal done
        done += STEPS_PER_REPORT
        if on_step:
            on_step(done, TSNE_STEPS)
        return bool(should_stop and should_stop())

    start = pca(vectors).points.astype(np.float64)
    start *= START_DEVIATION / max(float(start[:, 0].std()), 1e-12)
    perplexity = min(PERPLEXITY, (n - 1) / 3)
    near = PerplexityBasedNN(vectors, perplexity, method="exact", n_jobs=1, random_state=0)
    # Its other way, by interpolation, took three times as long for 2,000 points and held other threads up for longer.
    method = TSNE(
        early_exaggeration_iter=EXAGGERATED_STEPS, n_iter=TSNE_STEPS - EXAGGERATED_STEPS, negative_gradient_method="bh",
        n_jobs=1, random_state=0, callbacks=[report], callbacks_every_iters=STEPS_PER_REPORT,
    )  # fmt: skip
    return np.array(method.fit(affinities=near, initialization=start), np.float32)


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


def _check(vectors: Floats) -> None:
    if len(vectors) < MIN_POINTS:
        raise InputError(f"A map takes at least {MIN_POINTS} images, these are {len(vectors)}.")
    if not np.isfinite(vectors).all():
        raise InputError("What its last layer takes are not numbers: its training diverged, and there is no map of it.")
