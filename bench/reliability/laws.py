"""What holds of every evaluation, whichever network it comes from."""

from __future__ import annotations

import math

import numpy as np

from core.analysis.metrics import Labels, Logits, confusion, losses
from core.data.dataset import N_CLASSES


def check(logits: Logits, labels: Labels, *, loss: float | None = None, acc: float | None = None) -> None:
    """Refuse an evaluation that can not be true: all that a test can ask of one, wherever it comes from.

    logits (N, K) finite, labels (N,) integers 0..9, N > 0 · loss, acc: the figures that the evaluation reported (mean nats per
    image, fraction), compared with what the logits say
    Raises ValueError naming the broken rule: shapes and ranges; cross-entropy of at least ln 2 x error rate (a wrong answer
    means the truth got at most one half); accuracy x N a whole number; the confusion matrix's trace and row sums.
    """
    n = len(labels)
    _must(n > 0, "there are no images")
    _must(logits.shape == (n, N_CLASSES), f"logits are {logits.shape}, {n} labels need ({n}, {N_CLASSES})")
    _must(np.issubdtype(np.asarray(labels).dtype, np.integer), f"labels are {np.asarray(labels).dtype}, not integers")
    _must(
        bool(np.isfinite(logits).all()),
        "some logits are not finite: this network has diverged, its accuracy means nothing",
    )
    _must(bool(((labels >= 0) & (labels < N_CLASSES)).all()), "some labels are not in 0..9")
    predictions = logits.argmax(axis=1)
    matrix = confusion(labels, predictions)
    right = int((predictions == labels).sum())
    mean = float(losses(logits, labels).mean())
    reported_loss = mean if loss is None else loss
    reported_acc = right / n if acc is None else acc
    rate = 1 - reported_acc
    _must(
        reported_loss >= math.log(2) * rate - 1e-9,
        f"loss {reported_loss:.6g} nats is below ln 2 x error rate {rate:.6g}",
    )
    _must(
        abs(reported_acc * n - round(reported_acc * n)) < 1e-6 * n,
        f"accuracy {reported_acc!r} x {n} is no whole number",
    )
    _must(round(reported_acc * n) == right, f"accuracy {reported_acc!r} of {n} images, but {right} were read correctly")
    _must(
        math.isclose(reported_loss, mean, rel_tol=1e-4, abs_tol=1e-6),
        f"loss {reported_loss!r}, the logits say {mean!r}",
    )
    _must(
        int(np.trace(matrix)) == right, f"trace {int(np.trace(matrix))} of the confusion matrix, but {right} are right"
    )
    sizes = np.bincount(labels, minlength=N_CLASSES)
    _must(bool((matrix.sum(axis=1) == sizes).all()), "the confusion matrix's rows do not sum to the class sizes")


def _must(holds: bool, rule: str) -> None:
    if not holds:
        raise ValueError(f"Evaluation refused: {rule}")
