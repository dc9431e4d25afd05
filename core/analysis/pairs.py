"""Several networks on the same images: who read which, how far they agree, and what they say together. No torch in here.

Letters: R networks, N images, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.analysis.metrics import Labels, Logits
from core.data.dataset import Indices

Cell = Literal["both", "only_a", "only_b", "neither"]


def contingency_cells(right_a: NDArray[np.bool_], right_b: NDArray[np.bool_]) -> Mapping[Cell, Indices]:
    """Which images both networks, only one, or neither read correctly: ascending indices, each of the N in one cell.

    right_a, right_b: (N,) bool, the same images in the same order; else ValueError.
    """
    a, b = np.asarray(right_a, bool), np.asarray(right_b, bool)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"right answers are {a.shape} and {b.shape}, must be of one length")
    masks: dict[Cell, NDArray[np.bool_]] = {"both": a & b, "only_a": a & ~b, "only_b": ~a & b, "neither": ~a & ~b}
    return {cell: np.flatnonzero(mask).astype(np.int64) for cell, mask in masks.items()}


def agreement(predictions: Labels) -> NDArray[np.float64]:
    """The share of images to which two networks give the same answer, right or wrong.

    predictions (R, N) -> (R, R) float64, symmetric, 1 on the diagonal. Raises ValueError without images.
    """
    answers = np.asarray(predictions)
    if answers.ndim != 2 or not answers.shape[1]:
        raise ValueError(f"predictions are {answers.shape}, must be (networks, images) with one image at least")
    return np.array([(answers == own).mean(axis=1) for own in answers])


def ensemble(logits: Sequence[Logits]) -> NDArray[np.float64]:
    """What networks say together: the logarithm of the mean of their probabilities. R times (N, K) -> (N, K) float64.

    A single network keeps its answers. These are logits as good as any other: their softmax is the mean probability.
    Raises ValueError for none, or for different shapes.
    """
    if not logits or any(member.ndim != 2 or member.shape != logits[0].shape for member in logits):
        raise ValueError(f"logits are {[member.shape for member in logits]}, must be one (images, classes) for all")
    together: NDArray[np.float64] = np.full(logits[0].shape, -np.inf)
    for member in logits:
        numbers = member.astype(np.float64)
        together = np.logaddexp(together, numbers - np.logaddexp.reduce(numbers, axis=1, keepdims=True))
    together -= np.log(len(logits))
    return together
