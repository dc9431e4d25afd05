"""Vectors are what the last layer takes; maps keep neighbours, tell how far they are, and stop when told to."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from core.data.dataset import Dataset
from core.errors import InputError
from core.inspect import tsne_process
from core.inspect.embedding import embeddings, embeddings_and_answers, nearest
from core.inspect.maps import TSNE_STEPS, pca, tsne, why_no_tsne
from core.machine.child import REFUSED, run_child
from tests.inspect.networks import MEAN, STD, digit, every_architecture, network, nothing_changed, taken


@every_architecture
def test_the_last_layer_makes_the_logits_of_the_vectors(name: str) -> None:
    module = network(name)
    images = np.stack([digit(i) for i in range(3)])
    read: list[int] = []
    with nothing_changed(module):
        vectors, answers = embeddings_and_answers(module, images, MEAN, STD, read.append)
    assert read == [3]
    *_, head = (part for part in module.modules() if next(iter(part.parameters(recurse=False)), None) is not None)
    with torch.no_grad():
        expected = torch.cat([module(taken(image)) for image in images])
        logits = head(torch.from_numpy(vectors))
    np.testing.assert_allclose(logits, expected, atol=1e-4)
    np.testing.assert_array_equal(answers, expected.argmax(1))


def test_no_images_have_no_vectors_and_batches_join(monkeypatch: pytest.MonkeyPatch) -> None:
    assert embeddings(network("softmax"), np.empty((0, 28, 28), np.uint8), MEAN, STD).shape[0] == 0
    images = np.stack([digit(i) for i in range(5)])
    whole = embeddings(network("lenet"), images, MEAN, STD)
    monkeypatch.setattr("core.inspect.embedding.BATCH_IMAGES", 2)
    np.testing.assert_allclose(embeddings(network("lenet"), images, MEAN, STD), whole, atol=1e-6)


def test_pca_takes_the_directions_of_most_variance() -> None:
    rng = np.random.default_rng(0)
    vectors = (rng.normal(size=(200, 5)) * [1, 9, 1, 4, 1]).astype(np.float32)
    plane = pca(vectors)
    points, shares = plane.points, plane.shares
    centred = vectors - vectors.mean(0)
    assert abs(np.corrcoef(points[:, 0], centred[:, 1])[0, 1]) > 0.99
    assert abs(np.corrcoef(points[:, 1], centred[:, 3])[0, 1]) > 0.99
    assert shares[0] == pytest.approx(points[:, 0].var() / centred.var(0).sum(), rel=1e-3)
    np.testing.assert_allclose(plane.place(vectors[7:9]), points[7:9], atol=1e-4)


@pytest.fixture(scope="module")
def vectors(digits: Dataset) -> np.ndarray:
    return digits.test_images[:150].reshape(150, -1).astype(np.float32) / 255


def test_tsne_keeps_neighbours_better_than_pca_and_tells_how_far_it_is(vectors: np.ndarray) -> None:
    from sklearn.manifold import trustworthiness

    steps: list[tuple[int, int]] = []
    before, numpy_before = torch.random.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002 - the global one
    points = tsne(vectors, on_step=lambda done, total: steps.append((done, total)))
    assert torch.equal(torch.random.get_rng_state(), before)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_before)  # noqa: NPY002
    assert steps == [(done, TSNE_STEPS) for done in range(10, TSNE_STEPS + 1, 10)]
    kept, by_pca = (trustworthiness(vectors, each, n_neighbors=10) for each in (points, pca(vectors).points))
    assert kept > 0.95
    assert kept > by_pca + 0.05


def test_a_map_that_is_told_to_stop_stops_and_the_same_vectors_give_the_same_map(vectors: np.ndarray) -> None:
    def stopped() -> tuple[np.ndarray, int]:
        done: list[int] = []
        points = tsne(vectors, lambda step, _: done.append(step), lambda: len(done) == 20)
        return points, len(done)

    (first, steps), (second, _) = stopped(), stopped()
    assert steps == 20, "of 50 reports"
    np.testing.assert_array_equal(first, second)


def test_the_process_that_makes_a_map_stops_where_a_file_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["tsne_process", str(tmp_path)])
    monkeypatch.setattr(os, "nice", lambda _more: None)  # it would hold for all tests that follow
    few = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
    np.save(tmp_path / tsne_process.VECTORS, few)
    (tmp_path / tsne_process.STOP).touch()
    assert run_child(tsne_process._main) == 0
    assert capsys.readouterr().out == f"10 {TSNE_STEPS}\n"
    assert np.load(tmp_path / tsne_process.POINTS).shape == (12, 2)
    np.save(tmp_path / tsne_process.VECTORS, few[:2])
    assert run_child(tsne_process._main) == REFUSED
    assert capsys.readouterr().err == "A map takes at least 4 images, these are 2.\n"


def test_a_process_that_ends_early_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(InputError, match="ended early"):
        tsne_process.tsne_apart(np.ones((5, 2), np.float32), lambda *_: None, lambda: False)


def test_what_no_map_can_be_made_of_is_refused() -> None:
    with pytest.raises(InputError, match="at least 4 images, these are 3"):
        pca(np.zeros((3, 5), np.float32))
    with pytest.raises(InputError, match="at most 2,000 images, these are 2,001"):
        tsne(np.zeros((2001, 2), np.float32))
    with pytest.raises(InputError, match="not numbers"):
        pca(np.full((5, 2), np.nan, np.float32))
    assert np.isfinite(tsne(np.zeros((6, 3), np.float32), should_stop=lambda: False)).all(), "all images alike"


def test_a_broken_opentsne_takes_away_only_what_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openTSNE", None)
    assert "can not be loaded here" in why_no_tsne()
    vectors = np.arange(12, dtype=np.float32).reshape(6, 2) ** 2
    with pytest.raises(InputError, match="needs openTSNE"):
        tsne(vectors)
    assert pca(vectors).points.shape == (6, 2)


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
