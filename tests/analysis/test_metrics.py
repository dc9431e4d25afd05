"""Metrics against scikit-learn, against reference vectors, and on the inputs where such code goes wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, log_loss, precision_recall_fscore_support

from bench.reliability.laws import check
from core.analysis import metrics

N = 500


@pytest.fixture
def evaluation() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, N)
    logits = rng.normal(0, 1.5, (N, 10)).astype(np.float32)
    logits[np.arange(N), labels] += 2
    return logits, labels


def test_probabilities_are_a_softmax_that_survives_huge_logits() -> None:
    logits = np.array([[1e30] + [0] * 9, [-1e30] * 9 + [0], list(range(10))], np.float32)
    probs = metrics.probabilities(logits)
    assert probs.dtype == np.float64
    np.testing.assert_allclose(probs.sum(axis=1), 1, rtol=1e-14)
    np.testing.assert_allclose(probs[0], [1] + [0] * 9)
    np.testing.assert_allclose(probs[2], np.exp(np.arange(10)) / np.exp(np.arange(10)).sum(), rtol=1e-12)


def test_losses_agree_with_scikit_learn_and_stay_finite_where_the_probability_underflows(evaluation) -> None:
    logits, labels = evaluation
    assert metrics.losses(logits, labels).mean() == pytest.approx(
        log_loss(labels, metrics.probabilities(logits), labels=range(10)), rel=1e-9
    )
    hopeless = np.array([[0, 5000] + [0] * 8], np.float32)
    np.testing.assert_allclose(metrics.losses(hopeless, np.array([0])), [5000])


def test_an_untrained_network_costs_ln_10_per_image() -> None:
    np.testing.assert_allclose(metrics.losses(np.zeros((7, 10), np.float32), np.arange(7)), math.log(10))


def test_confusion_and_per_class_agree_with_scikit_learn(evaluation) -> None:
    logits, labels = evaluation
    predictions = logits.argmax(axis=1)
    matrix = metrics.confusion(labels, predictions)
    np.testing.assert_array_equal(matrix, confusion_matrix(labels, predictions, labels=range(10)))
    assert np.trace(matrix) / N == (labels == predictions).mean()
    precision, recall, f1, n = precision_recall_fscore_support(labels, predictions, labels=range(10))
    table = metrics.per_class(matrix)
    assert list(table.columns) == ["digit", "n", "precision", "recall", "f1"]
    for name, expected in (("precision", precision), ("recall", recall), ("f1", f1), ("n", n)):
        np.testing.assert_allclose(table[name], expected)


def test_a_digit_that_never_occurs_has_no_score_instead_of_zero() -> None:
    table = metrics.per_class(metrics.confusion(np.array([0, 0, 1]), np.array([0, 2, 1])))
    assert table.loc[0, ["precision", "recall"]].tolist() == [1.0, 0.5]
    assert math.isnan(table.loc[2, "recall"])
    assert table.loc[2, "precision"] == 0
    assert table.loc[9, ["precision", "recall", "f1"]].isna().all()


def test_confused_pairs_are_the_largest_off_diagonal_cells_with_their_share() -> None:
    labels = np.array([4] * 10 + [7] * 4 + [1] * 3)
    predictions = np.array([9] * 3 + [4] * 7 + [2] * 2 + [7] * 2 + [7, 1, 1])
    pairs = metrics.confused_pairs(metrics.confusion(labels, predictions), top=2)
    assert pairs.to_dict("list") == {"truth": [4, 7], "predicted": [9, 2], "count": [3, 2], "share": [0.3, 0.5]}
    assert len(metrics.confused_pairs(metrics.confusion(labels, predictions))) == 3
    assert metrics.confused_pairs(np.diag(np.arange(10))).empty


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        (9742, 10_000, 0.970906, 0.977130), (9888, 10_000, 0.986542, 0.990683), (9950, 10_000, 0.993415, 0.996205),
        (10_000, 10_000, 0.999616, 1.0), (0, 10, 0.0, 0.277533), (352, 360, 0.956769, 0.988698),
    ],
)  # fmt: skip
def test_wilson_reproduces_the_reference_intervals(k: int, n: int, low: float, high: float) -> None:
    assert metrics.wilson(k, n) == pytest.approx((low, high), abs=5e-7)


@given(st.integers(1, 100_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_always_lies_in_the_unit_interval_and_holds_the_share(pair: tuple[int, int]) -> None:
    k, n = pair
    low, high = metrics.wilson(k, n)
    assert 0 <= low <= k / n <= high <= 1


def test_wilson_without_images_knows_nothing_and_refuses_impossible_counts() -> None:
    assert metrics.wilson(0, 0) == (0, 1)
    with pytest.raises(ValueError, match="k is 11"):
        metrics.wilson(11, 10)


def test_check_accepts_a_true_evaluation_and_refuses_one_image_more(evaluation) -> None:
    logits, labels = evaluation
    loss, acc = metrics.losses(logits, labels).mean(), (logits.argmax(axis=1) == labels).mean()
    check(logits, labels)
    check(logits, labels.astype(np.uint8), loss=float(np.float32(loss)), acc=float(np.float32(acc)))
    with pytest.raises(ValueError, match="acc"):
        check(logits, labels, loss=float(loss), acc=float(acc) + 1 / len(labels))


@pytest.mark.parametrize(
    ("reported", "rule"),
    [
        ({"loss": 0.01}, "below ln 2"),
        ({"loss": 9.0}, "the logits say"),
        ({"acc": 0.50123}, "no whole number"),
        ({"acc": 1.0}, "were read correctly"),
    ],
)
def test_check_refuses_reported_figures_that_the_logits_contradict(evaluation, reported, rule) -> None:
    with pytest.raises(ValueError, match=rule):
        check(*evaluation, **reported)


def test_check_refuses_the_mean_of_batch_means(evaluation) -> None:
    logits, labels = evaluation
    values = metrics.losses(logits, labels)
    wrong = float(np.mean([values[:499].mean(), values[499:].mean()]))
    with pytest.raises(ValueError, match="the logits say"):
        check(logits, labels, loss=wrong)


def test_check_refuses_dead_networks_and_broken_arrays(evaluation) -> None:
    logits, labels = evaluation
    dead = logits.copy()
    dead[3, 3] = np.nan
    for bad_logits, bad_labels, rule in (
        (dead, labels, "diverged"), (logits[:-1], labels, "logits are"), (logits, labels + 1, "0..9"),
        (logits, labels.astype(float), "not integers"), (logits[:0], labels[:0], "no images"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=rule):
            check(bad_logits, bad_labels)
