"""How good a network reads, from its logits and the labels: arrays in, numbers and frames out. No torch in here.

Letters: N images, K = 10 classes. Losses are cross-entropies in nats; shares are fractions in [0, 1].
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.analysis.statistics import Z_95
from core.data.dataset import N_CLASSES

# What the interval of ``wilson`` says, in words for a screen: measured, it holds the accuracy on n other images 82 to 84 %.
INTERVAL_MEANING = (
    "Where the accuracy on endlessly many such images lies, 95 times in 100 (after Wilson). Another test set of this size has "
    "luck of its own and comes out within it only about 83 times in 100."
)

Logits = NDArray[np.floating]
Labels = NDArray[np.integer]
Counts = NDArray[np.int64]


def _log_probabilities(logits: Logits) -> NDArray[np.float64]:
    # scipy's log_softmax gives the same for finite logits, but partly numbers for a row with an infinite one: the answers of
    # a network that diverged would then stand in another order among the mistakes.
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    logs: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logs


def probabilities(logits: Logits) -> NDArray[np.float64]:
    """Softmax. logits (N, K) float -> (N, K) float64, each row sums to 1; no overflow for any finite logits."""
    return np.exp(_log_probabilities(logits))


def losses(logits: Logits, labels: Labels) -> NDArray[np.float64]:
    """Cross-entropy of each image in nats. logits (N, K), labels (N,) 0..9 -> (N,) float64, never negative."""
    of_labels = np.take_along_axis(_log_probabilities(logits), np.asarray(labels, np.int64)[:, None], axis=1)[:, 0]
    return np.maximum(-of_labels, 0.0)


def confusion(labels: Labels, predictions: Labels) -> Counts:
    """How often each true digit was read as each digit.

    labels, predictions (N,) 0..9 -> (K, K) int64: row = truth, column = prediction; rows sum to the class sizes
    """
    cells = np.asarray(labels, np.int64) * N_CLASSES + np.asarray(predictions, np.int64)
    return np.bincount(cells, minlength=N_CLASSES**2).reshape(N_CLASSES, N_CLASSES).astype(np.int64)


def per_class(matrix: Counts) -> pd.DataFrame:
    """Precision, recall and F1 of each digit. matrix (K, K) as from ``confusion``.

    Columns digit · n (images of it) · precision (right among those read as it) · recall (right among those that are it) ·
    f1 (harmonic mean of both); NaN where there is nothing to divide by.
    """
    right, truths, answers = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    return pd.DataFrame(
        {
            "digit": np.arange(len(matrix)),
            "n": truths,
            "precision": _share(right, answers),
            "recall": _share(right, truths),
            "f1": _share(2 * right, truths + answers),
        }
    )


def _share(part: Counts, whole: Counts) -> NDArray[np.float64]:
    shares = np.full(len(whole), np.nan)
    np.divide(part, whole, out=shares, where=whole > 0)
    return shares


def confused_pairs(matrix: Counts, top: int = 10) -> pd.DataFrame:
    """The most frequent mistakes, at most ``top`` of them, none with count 0. matrix (K, K) as from ``confusion``.

    Columns truth · predicted · count · share (of that truth's images); equal counts by truth, then by prediction.
    """
    truth, predicted = np.nonzero(matrix * ~np.eye(len(matrix), dtype=bool))
    counts = matrix[truth, predicted]
    order = np.argsort(-counts, kind="stable")[:top]
    truth, predicted, counts = truth[order], predicted[order], counts[order]
    share = counts / matrix.sum(axis=1)[truth]
    return pd.DataFrame({"truth": truth, "predicted": predicted, "count": counts, "share": share})


def wilson(k: int, n: int, z: float = Z_95) -> tuple[float, float]:
    """95 % interval for a share of which k out of n were seen (Wilson 1927). z: the normal quantile of another level.

    It holds the share of endlessly many such images 95 times in 100, but that of n others, which have luck of their own,
    only about 83 times. Without images it is (0, 1). Raises ValueError unless 0 <= k <= n.
    """
    if not 0 <= k <= n:
        raise ValueError(f"k is {k}, must be between 0 and n = {n}")
    if n == 0:
        return 0.0, 1.0
    p, spread = k / n, z * z / n
    centre = (p + spread / 2) / (1 + spread)
    half = math.sqrt(p * (1 - p) * spread + spread * spread / 4) / (1 + spread)
    return 0.0 if k == 0 else centre - half, 1.0 if k == n else centre + half


def accuracy_interval(accuracy: float, n: int, z: float = Z_95) -> tuple[float, float]:
    """95 % interval for the accuracy on endlessly many such images, of which n showed this fraction (``wilson``)."""
    return wilson(round(accuracy * n), n, z)
