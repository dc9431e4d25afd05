"""Vectors are what the last layer takes; maps keep neighbours, tell how far they are, and stop when told to."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import brentq

from core.data.dataset import Dataset
from core.errors import InputError
from core.inspect.embedding import TSNE_STEPS, _affinities, embeddings, nearest, pca, tsne
from tests.inspect.networks import MEAN, STD, digit, every_architecture, network, nothing_changed, taken


@every_architecture
def test_the_last_layer_makes_the_logits_of_the_vectors(name: str) -> None:
    module = network(name)
    images = np.stack([digit(i) for i in range(3)])
    read: list[int] = []
    with nothing_changed(module):
        vectors = embeddings(module, images, MEAN, STD, read.append)
    assert read == [3]
    *_, head = (part for part in module.modules() if next(iter(part.parameters(recurse=False)), None) is not None)
    with torch.no_grad():
        expected = torch.cat([module(taken(image)) for image in images])
        logits = head(torch.from_numpy(vectors))
    np.testing.assert_allclose(logits, expected, atol=1e-4)


def test_no_images_have_no_vectors_and_batches_join(monkeypatch: pytest.MonkeyPatch) -> None:
    assert embeddings(network("softmax"), np.empty((0, 28, 28), np.uint8), MEAN, STD).shape[0] == 0
    images = np.stack([digit(i) for i in range(5)])
    whole = embeddings(network("lenet"), images, MEAN, STD)
    monkeypatch.setattr("core.inspect.embedding.BATCH_IMAGES", 2)
    np.testing.assert_allclose(embeddings(network("lenet"), images, MEAN, STD), whole, atol=1e-6)


def test_pca_takes_the_directions_of_most_variance() -> None:
    rng = np.random.default_rng(0)
    vectors = (rng.normal(size=(200, 5)) * [1, 9, 1, 4, 1]).astype(np.float32)
    points, shares = pca(vectors)
    centred = vectors - vectors.mean(0)
    assert abs(np.corrcoef(points[:, 0], centred[:, 1])[0, 1]) > 0.99
    assert abs(np.corrcoef(points[:, 1], centred[:, 3])[0, 1]) > 0.99
    assert shares[0] == pytest.approx(points[:, 0].var() / centred.var(0).sum(), rel=1e-3)


@pytest.fixture(scope="module")
def vectors(digits: Dataset) -> np.ndarray:
    return digits.test_images[:150].reshape(150, -1).astype(np.float32) / 255


def test_about_thirty_neighbours_of_each_image_count(vectors: np.ndarray) -> None:
    """The perplexity, as the source defines it, row by row."""
    squares = ((vectors[:, None].astype(np.float64) - vectors[None]) ** 2).sum(2)

    def neighbours(row: np.ndarray, inverse_width: float) -> np.ndarray:
        near = np.exp(-row * inverse_width)
        return near / near.sum()

    def entropy(shares: np.ndarray) -> float:
        return float(-(shares * np.log2(np.maximum(shares, 1e-300))).sum())

    conditional = np.zeros_like(squares)
    for i, row in enumerate(squares):
        others = np.arange(len(row)) != i
        moved = row[others] - row[others].min()
        width = brentq(lambda w, r=moved: 2 ** entropy(neighbours(r, w)) - 30, 1e-3, 1e3)
        conditional[i, others] = neighbours(moved, width)
    expected = (conditional + conditional.T) / (2 * len(squares))
    np.testing.assert_allclose(_affinities(torch.from_numpy(vectors)), expected, atol=1e-6)


def test_tsne_keeps_neighbours_as_well_as_scikit_learns_and_tells_how_far_it_is(vectors: np.ndarray) -> None:
    from sklearn.manifold import TSNE, trustworthiness

    steps: list[tuple[int, int]] = []
    before = torch.random.get_rng_state()
    points = tsne(vectors, on_step=lambda done, total: steps.append((done, total)))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert steps == [(i + 1, TSNE_STEPS) for i in range(TSNE_STEPS)]
    theirs = TSNE(2, init="pca", random_state=0, max_iter=500, method="exact").fit_transform(vectors)
    ours = trustworthiness(vectors, points, n_neighbors=10)
    assert ours > trustworthiness(vectors, theirs, n_neighbors=10) - 0.01
    assert ours > trustworthiness(vectors, pca(vectors)[0], n_neighbors=10) + 0.05


def test_a_map_that_is_told_to_stop_stops_and_the_same_vectors_give_the_same_map(vectors: np.ndarray) -> None:
    def stopped() -> tuple[np.ndarray, int]:
        done: list[int] = []
        points = tsne(vectors, lambda step, _: done.append(step), lambda: len(done) == 20)
        return points, len(done)

    (first, steps), (second, _) = stopped(), stopped()
    assert steps == 20
    np.testing.assert_array_equal(first, second)


def test_what_no_map_can_be_made_of_is_refused() -> None:
    with pytest.raises(InputError, match="at least 4 images, these are 3"):
        pca(np.zeros((3, 5), np.float32))
    with pytest.raises(InputError, match="at most 2,000 images, these are 2,001"):
        tsne(np.zeros((2001, 2), np.float32))
    assert np.isfinite(tsne(np.zeros((6, 3), np.float32), should_stop=lambda: False)).all(), "all images alike"


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_neighbours_are_those_of_scikit_learn(metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearn.neighbors import NearestNeighbors

    monkeypatch.setattr("core.inspect.embedding.BLOCK_VECTORS", 7)
    rng = np.random.default_rng(1)
    vectors, queries = rng.normal(size=(50, 6)).astype(np.float32), rng.normal(size=(4, 6)).astype(np.float32)
    positions, distances = nearest(vectors, queries, 5, metric)
    expected = NearestNeighbors(n_neighbors=5, metric=metric, algorithm="brute").fit(vectors).kneighbors(queries)
    np.testing.assert_array_equal(positions, expected[1])
    np.testing.assert_allclose(distances, expected[0], atol=1e-5)
    assert nearest(vectors[:3], queries, 5, metric)[0].shape == (4, 3)
